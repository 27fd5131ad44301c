#include "runner/batch.h"

#include <algorithm>
#include <cstddef>
#include <unistd.h>

#include <fmt/format.h>

#include "runner/batch_run.h"
#include "runner/record/batch_recorder.h"
#include "runner/selection.h"
#include "runner/terminal_guard.h"

namespace enjoin {
namespace {

constexpr std::uint64_t kMostCounted = 101;  // exit status for more failed jobs than 100

// Why the next stage is not run; empty: it is.
std::string obstacle(const StageEnd& end, const Options& options) {
  if (options.keep_going) return "";
  const auto jobs = [](std::uint64_t count) {
    return fmt::format("{} job{}", count, count == 1 ? "" : "s");
  };
  if (end.failed > 0) return jobs(end.failed) + " failed";
  if (end.failed_before > 0)
    return jobs(end.failed_before) + " failed in an earlier run (--resume-failed runs them again)";
  return "";
}

/// `record` may be null.
int run_stages(const std::vector<Options>& stages, const std::string& program,
               const OpenFiles& open_files, BatchRecorder* record) {
  std::uint64_t failed = 0;
  std::uint64_t last_number = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (record != nullptr) record->begin_stage();
    const StageEnd end =
        BatchRun(selected_options(stages[i]), program, open_files,
                 {.is_later_stage = i > 0, .last_number = last_number, .record = record})
            .run();
    if (record != nullptr) record->end_stage();
    if (stages.size() == 1 || end.ends_run) return end.status;
    failed += end.failed;
    last_number = end.last_number;
    const std::string reason = obstacle(end, stages[i]);
    if (reason.empty() || i + 1 == stages.size()) continue;
    if (!stages[i].quiet) {
      const std::string text = fmt::format("{}: Warning: stage {} of {} is not run: {}\n", program,
                                           i + 2, stages.size(), reason);
      [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, text.data(), text.size());
    }
    failed = std::max<std::uint64_t>(failed, 1);
    break;
  }
  return static_cast<int>(std::min(failed, kMostCounted));
}

}  // namespace

int run_batch(const std::vector<Options>& stages, const std::string& program) {
  const TerminalGuard terminal;
  const OpenFiles open_files = raise_open_files();
  const std::string& database = stages.front().database;
  if (database.empty()) return run_stages(stages, program, open_files, nullptr);
  const Options& first = stages.front();
  const std::uint32_t workers = workers_of(first, open_files);
  BatchRecorder record(database, {.mode = "batch", .arguments = first.words, .cpus = workers});
  int status = BatchRun::kOwnErrorStatus;
  try {
    status = run_stages(stages, program, open_files, &record);
  } catch (const std::exception&) {
    record.end_run(status);
    throw;
  }
  record.end_run(status);
  return status;
}

}  // namespace enjoin
