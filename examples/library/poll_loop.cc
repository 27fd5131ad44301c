// An executor in a plain poll() loop: beside whatever else the loop waits for. The jobs' lines come
// while they run.

#include <cerrno>
#include <cstdio>
#include <poll.h>

#include "enjoin/executor.h"

int main() {
  enjoin::Executor executor;
  enjoin::JobOptions options;
  options.handlers.on_line = [](enjoin::JobId job, int, std::string_view line) {
    std::printf("%d: %.*s\n", static_cast<int>(job), static_cast<int>(line.size()), line.data());
  };
  options.handlers.on_end = [](const enjoin::JobReport& report) {
    std::printf("%d: %s\n", static_cast<int>(report.id), enjoin::to_string(report.outcome).c_str());
  };
  for (const char* line : {"echo one; echo two", "echo three; exit 3"}) {
    executor.add({.shell_line = line, .output = enjoin::Output::kLines}, options);
  }

  while (executor.unfinished() > 0) {
    pollfd waits[] = {{.fd = executor.fd(), .events = POLLIN, .revents = 0}};  // and others
    if (::poll(waits, 1, -1) < 0 && errno != EINTR) return 1;
    if (waits[0].revents != 0) executor.step();
  }
}
