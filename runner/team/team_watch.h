#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "runner/team/audit.h"

namespace enjoin {

/// What the team's watch remembers from one look to the next. Members of LocalTeam, kept together.
struct TeamWatch {
  static constexpr std::chrono::nanoseconds kBetweenLooks = std::chrono::seconds(1);
  /// We were stopped ourselves, or had no time: nothing can be said of the others, so that all
  /// clocks begin anew.
  static constexpr std::uint64_t kGapNs = 3'000'000'000;

  /// One holding of a lock that has been seen more than once.
  struct Holding {
    std::uint32_t word = 0;
    std::uint32_t taken = 0;
    std::uint64_t since_ns = 0;
    std::uint64_t cpu_ticks = 0;  ///< of the holder, at that time
  };

  std::uint64_t last_look_ns = 0;
  std::vector<Finding> findings;
  std::uint64_t least_spool_end[2] = {0, 0};
  Holding holding[2];
  std::vector<std::uint64_t> stopped_since_ns;  ///< by worker's number; 0: not stopped
  std::uint32_t next_worker = 0;                ///< to be asked whether it is stopped
  bool told_of_stopped = false;
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  std::uint64_t condemned_at_ns = 0;
  std::vector<std::uint64_t> idle_since_ns;  ///< of condemned memory's workers: without a job
};

}  // namespace enjoin
