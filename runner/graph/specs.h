#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "runner/graph/ids.h"

namespace enjoin {

/// A limit with a name that jobs of several stages share.
struct PoolSpec {
  std::string name = {};
  std::uint32_t limit = 1;
  /// Each of these is handed to one job at a time (`gpu = ["0", "1"]`). Not empty: their number is
  /// the limit.
  std::vector<std::string> values = {};
};

/// When a stage is entered, by how those that it needs came out.
enum class When : std::uint8_t { kSuccess, kFailure, kAlways };

struct StageSpec {
  std::string name = {};
  /// Joined before any of its jobs starts. They have been added before it.
  std::vector<StageIndex> needs = {};
  When when = When::kSuccess;
  std::uint32_t most_running = 0;  ///< 0: no limit of its own
  bool allow_failure = false;      ///< its failed jobs hold nothing up, and do not count
};

/// What jobs need to run. Many share one.
struct Requirement {
  std::uint32_t cpus = 1;  ///< more than the budget: it runs alone
  /// Bytes, by attempt: the last counts for further ones. Empty: none asked for.
  std::vector<std::uint64_t> memory = {};
  std::vector<PoolIndex> pools = {};
  std::uint32_t attempts = 1;  ///< in all; 0: without end
  std::chrono::nanoseconds retry_delay{0};
  double retry_backoff = 1;   ///< the delay grows by this factor with each attempt
  std::int32_t priority = 0;  ///< higher first, whatever chains of work there are
  bool asks = false;          ///< once it has succeeded, others wait for GraphPlan::answer()
  friend bool operator==(const Requirement&, const Requirement&) = default;
};

struct GraphPlanSpec {
  std::uint32_t cpus = 1;        ///< -j: the sum of Requirement::cpus that run at once
  std::uint64_t memory = ~0ULL;  ///< the same of Requirement::memory, bytes
  bool keep_going = false;       ///< a failure stops only what depends on it
};

}  // namespace enjoin
