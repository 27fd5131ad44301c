#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "runner/graph/graph_plan.h"

namespace enjoin {

/// How long a run will still take, from what its jobs have taken so far: what is left of each stage
/// costs what its jobs cost on average (those of all stages, where none has ended), and as many run
/// at once as did so far.
class Estimate {
 public:
  /// A job came to its end after `wall`.
  void add(StageIndex stage, std::chrono::nanoseconds wall);
  /// `spent`: what the running jobs have taken so far, together. nullopt: nothing to tell from.
  std::optional<std::chrono::nanoseconds> left(const GraphPlan& plan,
                                               std::chrono::nanoseconds elapsed,
                                               std::chrono::nanoseconds spent) const;

 private:
  struct Sum {
    std::uint64_t jobs = 0;
    double seconds = 0;
    double average() const { return jobs == 0 ? 0 : seconds / static_cast<double>(jobs); }
  };
  std::vector<Sum> stages_;
  Sum all_;
};

}  // namespace enjoin
