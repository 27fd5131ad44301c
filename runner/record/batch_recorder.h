#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "runner/record/output_files.h"
#include "runner/record/record_file.h"
#include "runner/record/record_writer.h"
#include "runner/run/observer.h"
#include "runner/team/job.h"

namespace enjoin {

/// The record of a run of the batch mode (--db FILE): its stages, jobs and attempts. Nothing is
/// read from it again: --resume goes by the job log. Calls throw Error once where rows cannot be
/// written; further calls then do nothing.
class BatchRecorder {
 public:
  using Clock = RecordWriter::Clock;

  /// Begins a run. Throws Error.
  BatchRecorder(const std::string& path, const RunInfo& info);

  void begin_stage();
  /// An attempt ended; `command` is what was run.
  void add(const JobResult& result, std::string command, bool is_final,
           const CapturedOutput& output);
  void end_stage();
  void turn(Clock::time_point now) { writer_.turn(now); }
  std::chrono::nanoseconds until_due(Clock::time_point now) const { return writer_.until_due(now); }
  void end_run(int status);
  int lease_fd() const { return file_.lease_fd(); }  ///< TeamSpec::held_fd
  OutputFiles& output_files() { return output_files_; }

 private:
  std::int64_t row_of(const JobResult& result, std::string command, bool is_final,
                      std::int64_t done);

  RecordFile file_;
  RecordWriter writer_;
  OutputFiles output_files_;
  std::string folder_;
  RecordWriter::StageRow stage_;
  GraphPlan::Counts counts_;                                 // of all stages
  std::unordered_map<std::uint64_t, std::int64_t> retried_;  // by number: rows of their jobs
};

}  // namespace enjoin
