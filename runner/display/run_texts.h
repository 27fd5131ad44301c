#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/run/observer.h"

namespace enjoin {

// What a run says of its jobs, for terminals and logs: whole lines, safe to print.

/// A job's or stage's name as it can be shown: safe, and cut where it is very long.
std::string shown_name(std::string_view name);

/// How an attempt that was not a success ended: "exit status 3", "timed out after 10s", "exit
/// status 0, but the output x is missing".
std::string why(const AttemptEnd& end);

struct FailureStyle {
  std::string_view program;
  bool is_allowed = false;   ///< its failures are (StageSpec::allow_failure)
  bool with_output = false;  ///< its last lines follow
  bool colour = false;
};
/// "enjoin: align[s1] failed: exit status 1 (after 12s)" and so on.
std::string failure_text(std::string_view name, const AttemptEnd& end, const FailureStyle& style);

/// What else is to be said of a job that ended: it left processes that had to be killed, or could
/// not be. Empty: nothing.
std::string warning_text(std::string_view program, std::string_view name, const JobResult& result);

/// The last `most` lines of what was captured, stderr's where it has any, each behind "  | ".
std::string last_lines(const CapturedOutput& output, std::size_t most);

/// "12 jobs in 3m05s: 9 done, 1 up to date, 2 failed".
std::string summary_text(const GraphPlan::Counts& counts, std::chrono::nanoseconds elapsed);

}  // namespace enjoin
