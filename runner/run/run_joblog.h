#pragma once

#include "runner/graph/job_source.h"
#include "runner/joblog.h"
#include "runner/run/observer.h"

namespace enjoin {

/// Writes the job log of a run of a graph: a row for each job that came to its end, as in the batch
/// mode. Of several attempts the last one has the row.
class RunJoblog : public RunObserver {
 public:
  /// `path` as --joblog has it: "+FILE" is appended to. Throws Error.
  RunJoblog(const std::string& path, const JobSource& source);

  void ended(const AttemptEnd& end) override;
  void turn(std::chrono::steady_clock::time_point) override { log_.flush(); }
  void run_ended(int) override { log_.flush(); }

 private:
  Joblog log_;
  const JobSource& source_;
};

}  // namespace enjoin
