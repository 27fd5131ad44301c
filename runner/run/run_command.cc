#include "runner/run/run_command.h"

#include <memory>

#include "runner/run/graph_run.h"
#include "runner/terminal_guard.h"

namespace enjoin {
namespace {

std::unique_ptr<JobSource> open_source(const RunOptions&) {
  throw Error("graphs cannot be read yet");
}

}  // namespace

int run_graph(const RunOptions& options, const std::string& program) {
  std::unique_ptr<JobSource> source = open_source(options);
  const TerminalGuard terminal;
  return GraphRun(options, std::move(source), program).run();
}

int resume_graph(const RunOptions& given, const std::string& program) {
  return run_graph(given, program);
}

}  // namespace enjoin
