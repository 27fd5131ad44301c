#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <poll.h>

namespace enjoin {

/// Waits until `fd` is ready for `events`, or `end` has come: false. May end early by a signal:
/// then true.
inline bool poll_until(int fd, short events, std::chrono::steady_clock::time_point end) {
  using std::chrono::duration_cast;
  const auto left = std::max<std::chrono::nanoseconds>(std::chrono::nanoseconds(0),
                                                       end - std::chrono::steady_clock::now());
  const auto seconds = duration_cast<std::chrono::seconds>(left);
  timespec limit{};
  limit.tv_sec = static_cast<time_t>(seconds.count());
  limit.tv_nsec = static_cast<long>((left - seconds).count());
  pollfd ready{fd, events, 0};
  const int count = ::ppoll(&ready, 1, &limit, nullptr);
  return count > 0 || (count < 0 && errno == EINTR);
}

}  // namespace enjoin
