#pragma once

#include <cstdint>

namespace enjoin {

/// How a stage of a batch came out, for what follows it (`--then`).
struct StageEnd {
  int status = 0;  ///< what a run of this stage alone exits with
  /// Nothing follows, and the status is the whole run's: it was interrupted, an error of our own
  /// ended it, or --halt did.
  bool ends_run = false;
  std::uint64_t failed = 0;         ///< jobs
  std::uint64_t failed_before = 0;  ///< jobs left out because an earlier run recorded their failure
  std::uint64_t last_number = 0;    ///< of its jobs: the next stage counts on from there
};

}  // namespace enjoin
