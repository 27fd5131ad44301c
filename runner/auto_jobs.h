#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "runner/admission.h"

namespace enjoin {

/// -j auto: how many jobs are to run at once. It begins with one for each CPU. While jobs wait to
/// be started and CPUs idle all the same, since those that run wait for something else, it goes up;
/// it goes down, never below one for each CPU, while processes wait for CPUs, and further down
/// while they wait for memory. It starts nothing and reads no clock.
class AutoJobs {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  /// So often the machine is looked at.
  static constexpr std::chrono::milliseconds kEvery{200};

  /// `machine` must outlive it. `cpus`: those that we may use; `most`: of jobs at once.
  AutoJobs(std::uint32_t cpus, std::uint32_t most, Machine& machine);

  /// How many jobs may run now. `waiting`: more would be started, were there room.
  std::uint32_t consult(TimePoint now, std::size_t running, bool waiting);
  std::uint32_t jobs() const { return jobs_; }
  /// When to ask again at the latest.
  TimePoint ask_again() const { return next_look_; }

 private:
  /// What the kernel has counted since it started.
  struct Sample {
    TimePoint at{};
    double idle = 0;   ///< of all CPUs, ticks
    double total = 0;  ///< the same
    double waited_cpu_us = 0;
    double waited_memory_us = 0;
  };
  Sample look(TimePoint now);
  void adjust(const Sample& last, const Sample& now, std::size_t running, bool waiting);

  std::uint32_t cpus_;
  std::uint32_t most_;
  std::uint32_t jobs_;
  Machine& machine_;
  std::optional<Sample> last_;
  TimePoint next_look_{};
};

}  // namespace enjoin
