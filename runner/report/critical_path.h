#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace enjoin {

/// An attempt on the time line of its run.
struct TimedAttempt {
  std::int64_t id = 0;
  std::uint32_t stage = 0;
  double started = 0;
  double ended = 0;
};

/// The chain of attempts that the end of a run waited for, in order of time: the one that ended
/// last; the one whose end let that start; and so on. A record does not hold which job another one
/// waited for, but it holds when: a job starts as soon as the last of what it needs has ended, or,
/// if there was no room for it then, when another makes room. So that is the one that ended last
/// before the start. Where several ended within a moment, one of a stage that the job's own `needs`
/// is preferred.
std::vector<TimedAttempt> find_critical_path(
    std::vector<TimedAttempt> attempts,
    const std::function<bool(std::uint32_t stage, std::uint32_t on)>& needs);

}  // namespace enjoin
