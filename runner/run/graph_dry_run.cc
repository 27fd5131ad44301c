#include "runner/run/graph_dry_run.h"

#include <cerrno>
#include <poll.h>
#include <string>
#include <unistd.h>

#include "enjoin/error.h"
#include "runner/run/graph_check.h"

namespace enjoin {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

void read_all(JobSource& source, GraphPlan& plan) {
  source.begin(plan);
  for (Pull pulled = Pull::kRecord; pulled != Pull::kEnd;) {
    pulled = source.pull(plan);
    if (pulled != Pull::kWouldBlock) continue;
    pollfd watched{source.wait_fd(), POLLIN, 0};
    ::poll(&watched, 1, -1);
  }
  plan.close();
}

void open_stages(JobSource& source, GraphPlan& plan) {
  while (const auto stage = plan.take_opened()) source.open(plan, *stage);
}

}  // namespace

void print_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(STDOUT_FILENO, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) throw system_error("cannot write to stdout", errno);
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

int print_graph(JobSource& source) {
  GraphPlan plan({.cpus = 1});
  read_all(source, plan);
  check_graph(plan, source);
  open_stages(source, plan);
  std::string text;
  const GraphPlan::TimePoint now{};
  while (const auto start = plan.next(now)) {
    text += source.command(start->job);
    text += '\n';
    if (text.size() >= kBlockBytes) {
      print_out(text);
      text.clear();
    }
    plan.mark_done(start->job);
    open_stages(source, plan);
  }
  print_out(text);
  return 0;
}

}  // namespace enjoin
