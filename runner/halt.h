#pragma once

#include <cstdint>
#include <string_view>

namespace enjoin {

/// --halt WHEN,WHY=VALUE, as GNU parallel reads it (and its old forms 0, 1, 2, -1, -2, N%).
struct HaltSpec {
  enum class When : std::uint8_t { kNever, kSoon, kNow } when = When::kNever;
  enum class Why : std::uint8_t { kFail, kSuccess, kDone } why = Why::kFail;
  std::uint64_t count = 0;  ///< jobs; 0 where `percent` counts
  double percent = 0;
};

/// Throws Error: what is wrong and the forms that are right. A value of 0 is refused, for it would
/// mean to stop before anything happened (GNU parallel takes it for 1).
HaltSpec parse_halt(std::string_view text);

/// What has ended so far, as the rule needs it. Each job counts once, after its last retry.
struct HaltCounts {
  std::uint64_t failed = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t total = 0;  ///< all jobs, where known; else those seen so far
  bool total_is_final = false;
};

/// Whether the rule is met. A percentage is one of all jobs, so it is never due before their number
/// is final (GNU parallel reads all its input first; see the implementation).
bool halt_is_due(const HaltSpec& spec, const HaltCounts& counts);

/// The status that a run under `spec` exits with, by GNU parallel's rules, as of when the rule was
/// met, or else at the end: the number of failed jobs (101 for more than 100), but
///  - where the rule is met by one job alone, that job's own status, `deciding_status` (128+n for
///    a signal n): fail=1, done=1, and a percentage that is exactly one job;
///  - success=…: 0 when the rule is met;
///  - done=N of 2 and more without a failed job: 101;
///  - percentages otherwise: the percentage of all jobs that failed, rounded up.
int halt_exit_status(const HaltSpec& spec, const HaltCounts& counts, int deciding_status);

}  // namespace enjoin
