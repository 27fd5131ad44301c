#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <sched.h>

namespace enjoin::ipc {

/// Whether the calling thread may run on more than one CPU. Where it may not, whoever looks for
/// something keeps away who would bring it.
inline bool has_several_cpus() noexcept {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
}

/// Looking for a moment before sleeping: what is found so costs nobody a wake-up. It is left off,
/// more and more often, where it has found nothing lately. Not safe for several threads: each has
/// its own, or one lock guards worth_it() and note().
class Spin {
 public:
  explicit Spin(bool allowed = has_several_cpus()) : allowed_(allowed) {}

  bool worth_it() noexcept {
    if (!allowed_) return false;
    if (to_skip_ == 0) return true;
    --to_skip_;
    return false;
  }

  void note(bool found) noexcept {
    failed_ = found ? 0 : std::min(failed_ + 1, 6U);
    to_skip_ = (1U << failed_) - 1;
  }

  /// Returns whether `is_there()` was true within a moment. Changes nothing of ours.
  template <class IsThere>
  static bool look_for(IsThere&& is_there) {
    const Clock::time_point until = Clock::now() + kLongest;
    do {
      for (int i = 0; i < 32; ++i) {
        if (is_there()) return true;
        relax();
      }
    } while (Clock::now() < until);
    return false;
  }

  /// All of it, where one thread alone uses this object.
  template <class IsThere>
  bool finds(IsThere&& is_there) {
    if (!worth_it()) return false;
    const bool found = look_for(is_there);
    note(found);
    return found;
  }

 private:
  using Clock = std::chrono::steady_clock;
  // About twice what waking a process on another core takes.
  static constexpr auto kLongest = std::chrono::microseconds(40);

  static void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }

  bool allowed_;
  std::uint32_t failed_ = 0;   // in a row
  std::uint32_t to_skip_ = 1;  // the first time, when all others have yet to start
};

}  // namespace enjoin::ipc
