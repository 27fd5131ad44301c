#pragma once

#include "runner/cli/options.h"
#include "runner/input/batcher.h"
#include "worker/job_strings.h"
#include "worker/kept_output.h"

namespace enjoin {

/// Which jobs have their whole output where --results keeps it: what --resume goes by beside the
/// job log, or without one.
class ResultsRecord {
 public:
  /// Whether --results keeps files that say so (a table does not).
  static bool is_there(const Options& options);

  /// With the names that --header found. Throws UsageError where the files' names depend on what is
  /// not known before a job starts, and there is no job log to go by.
  explicit ResultsRecord(const Options& options);

  bool has(const Batch& batch);

 private:
  KeptNames names_;
  JobStrings strings_;
};

}  // namespace enjoin
