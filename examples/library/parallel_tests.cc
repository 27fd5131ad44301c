// parallel_tests PROGRAM...: runs test programs, prints what became of each, and the output of
// those that failed. Each has a minute, and what it leaves behind is killed.

#include <cstdio>

#include "enjoin/executor.h"

int main(int argc, char** argv) {
  enjoin::Executor executor;
  for (int i = 1; i < argc; ++i) {
    enjoin::JobOptions options;
    options.handlers.on_end = [name = argv[i]](const enjoin::JobReport& report) {
      std::printf("%s %s (%s)\n", report.success ? "ok    " : "FAILED", name,
                  enjoin::to_string(report.outcome).c_str());
      if (!report.success) std::fputs(report.out.c_str(), stdout);
    };
    executor.add(
        {.argv = {argv[i]}, .output = enjoin::Output::kMerge, .timeout = std::chrono::minutes(1)},
        options);
  }
  return executor.wait_all() ? 0 : 1;
}
