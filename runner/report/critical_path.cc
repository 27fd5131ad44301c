#include "runner/report/critical_path.h"

#include <algorithm>

namespace enjoin {
namespace {

// Starts and ends are measured by different processes; and the next start takes its time.
constexpr double kMoment = 0.010;

}  // namespace

std::vector<TimedAttempt> find_critical_path(
    std::vector<TimedAttempt> attempts,
    const std::function<bool(std::uint32_t stage, std::uint32_t on)>& needs) {
  std::vector<TimedAttempt> path;
  if (attempts.empty()) return path;
  std::sort(attempts.begin(), attempts.end(), [](const TimedAttempt& a, const TimedAttempt& b) {
    return a.ended < b.ended || (a.ended == b.ended && a.id < b.id);
  });
  std::size_t at = attempts.size() - 1;
  while (true) {
    const TimedAttempt& last = attempts[at];
    path.push_back(last);
    const auto begin = attempts.begin();
    const auto after = std::upper_bound(
        begin, begin + static_cast<std::ptrdiff_t>(at), last.started,
        [](double time, const TimedAttempt& attempt) { return time < attempt.ended; });
    if (after == begin) break;
    std::size_t chosen = static_cast<std::size_t>(after - begin) - 1;
    for (std::size_t other = chosen + 1; other-- > 0;) {
      if (attempts[other].ended < last.started - kMoment) break;
      if (!needs(last.stage, attempts[other].stage)) continue;
      chosen = other;
      break;
    }
    at = chosen;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace enjoin
