#pragma once

#include <string>
#include <utility>
#include <vector>

#include "enjoin/executor.h"

namespace enjoin::test {

/// With the helper programs of this build.
inline ExecutorOptions executor_options(std::uint32_t cpus = 2) {
  ExecutorOptions options;
  options.cpus = cpus;
  const std::string worker = ENJOIN_WORKER;
  options.helpers = worker.substr(0, worker.rfind('/'));
  return options;
}

inline Command command(std::vector<std::string> argv) {
  Command result;
  result.argv = std::move(argv);
  return result;
}

inline Command shell(std::string line) {
  Command result;
  result.shell_line = std::move(line);
  return result;
}

/// Runs one job to its end.
inline JobReport run(Executor& executor, Command what, JobOptions options = {}) {
  JobReport result;
  options.handlers.on_end = [&result](const JobReport& report) { result = report; };
  const JobId id = executor.add(std::move(what), std::move(options));
  while (result.id != id) executor.wait();
  return result;
}

}  // namespace enjoin::test
