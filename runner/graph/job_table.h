#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "runner/graph/ids.h"

namespace enjoin {

/// Where a job stands. Each comes from the one above it or, where said so, from others.
enum class JobState : std::uint8_t {
  kPromised,   ///< others need it, its description has not come
  kWaiting,    ///< for its stage to be entered, or for jobs that it needs
  kReady,      ///< could start now: in the ReadyQueue
  kDelayed,    ///< after kRunning: waits for the time of its next attempt
  kRunning,    ///< next() gave it
  kAsking,     ///< after kRunning: it did what it should; those that need it wait for an answer
  kSucceeded,  ///< final: it did what it should, or its failure is allowed
  kFailed,     ///< final
  kDropped     ///< final, from any but kRunning: will never start; from kRunning: canceled
};

constexpr bool is_final(JobState state) {
  return state >= JobState::kSucceeded;
}

inline constexpr std::uint32_t kNoIndex = std::numeric_limits<std::uint32_t>::max();
/// Attempts are counted up to here.
inline constexpr std::uint32_t kMostAttempts = (1U << 22) - 1;

/// The jobs of a plan and which of them need which: 32 bytes a job, 8 a need.
class JobTable {
 public:
  struct Job {
    std::uint32_t stage = kNoIndex;
    std::uint32_t requirement = kNoIndex;
    std::uint32_t first_edge = kNoIndex;     ///< of those to jobs that need it
    std::uint32_t next_in_stage = kNoIndex;  ///< a list, in the order of coming
    /// Not started: needs that have not ended. Running: its place among those that run.
    std::uint32_t unmet = 0;
    std::uint32_t attempt : 22 = 0;  ///< the last one that was started
    std::uint32_t state_bits : 4 = 0;
    std::uint32_t has_needs : 1 = 0;
    std::uint32_t need_failed : 1 = 0;
    std::uint32_t is_unchanged : 1 = 0;    ///< it succeeded, and changed nothing
    std::uint32_t is_passed : 1 = 0;       ///< by GraphPlan::skip(): whether it changed is not said
    std::uint32_t need_changed : 1 = 0;    ///< of those that it needs and that have succeeded
    std::uint32_t need_unchanged : 1 = 0;  ///< likewise
    float expected = 0;                    ///< seconds; 0: not known
    float level = 0;  ///< seconds from its start to the end of the longest chain of work

    JobState state() const { return static_cast<JobState>(state_bits); }
    void set(JobState state) { state_bits = static_cast<std::uint8_t>(state) & 15U; }
  };
  static_assert(sizeof(Job) == 32);

  Job& operator[](std::uint32_t job) { return jobs_[job]; }
  const Job& operator[](std::uint32_t job) const { return jobs_[job]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(jobs_.size()); }
  std::size_t edges() const { return edges_.size(); }

  std::uint32_t add() {
    jobs_.emplace_back();
    return size() - 1;
  }
  void add_edge(std::uint32_t from, std::uint32_t to) {
    edges_.push_back({to, jobs_[from].first_edge});
    jobs_[from].first_edge = static_cast<std::uint32_t>(edges_.size() - 1);
  }
  struct Edge {
    std::uint32_t to;
    std::uint32_t next;
  };
  const Edge& edge(std::uint32_t index) const { return edges_[index]; }
  /// Calls `each(to)` for the jobs that need `from`.
  template <typename Each>
  void for_each_dependent(std::uint32_t from, Each each) const {
    for (std::uint32_t edge = jobs_[from].first_edge; edge != kNoIndex; edge = edges_[edge].next) {
      each(edges_[edge].to);
    }
  }
  /// Jobs in a ring, each needing the next; empty: there is none.
  std::vector<JobIndex> find_cycle() const;

 private:
  std::vector<Job> jobs_;
  std::vector<Edge> edges_;
};

}  // namespace enjoin
