// An executor in libuv's loop: uv_poll_t on its descriptor.

#include <cstdio>
#include <uv.h>

#include "enjoin/executor.h"

namespace {

void on_ready(uv_poll_t* poll, int, int) {
  auto* executor = static_cast<enjoin::Executor*>(poll->data);
  executor->step();
  if (executor->unfinished() == 0) uv_poll_stop(poll);  // nothing more to wait for: the loop ends
}

}  // namespace

int main() {
  enjoin::Executor executor;
  enjoin::JobOptions options;
  options.handlers.on_end = [](const enjoin::JobReport& report) {
    std::fputs(report.out.c_str(), stdout);
  };
  const enjoin::JobId first = executor.add({.shell_line = "echo first"}, options);
  options.needs = {first};
  executor.add({.shell_line = "echo second"}, options);

  uv_loop_t* loop = uv_default_loop();
  uv_poll_t poll;
  uv_poll_init(loop, &poll, executor.fd());
  poll.data = &executor;
  uv_poll_start(&poll, UV_READABLE, on_ready);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll), nullptr);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_loop_close(loop);
}
