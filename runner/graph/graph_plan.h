#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runner/graph/ids.h"
#include "runner/graph/job_table.h"
#include "runner/graph/ready_queue.h"
#include "runner/graph/resources.h"
#include "runner/graph/specs.h"

namespace enjoin {

/// Which job starts when: needs, joins of stages, pools, CPUs, memory, attempts, and what a failure
/// means for the rest. Of the jobs that could start, those at the head of the longest chain of work
/// go first. A pure state machine: it starts nothing and reads no clock.
class GraphPlan {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit GraphPlan(GraphPlanSpec spec);

  // The graph. It may grow while jobs run.
  PoolIndex add_pool(PoolSpec pool);
  /// Equal ones get one index.
  RequirementIndex add_requirement(const Requirement& requirement);
  StageIndex add_stage(StageSpec stage);
  JobIndex add_job(StageIndex stage, RequirementIndex requirement,
                   std::chrono::nanoseconds expected = {});
  /// A job that others need, and whose own description has not come yet: define_job() follows.
  JobIndex promise_job();
  void define_job(JobIndex job, StageIndex stage, RequirementIndex requirement,
                  std::chrono::nanoseconds expected = {});
  /// `job` starts when `on` has succeeded (or its failure is allowed). Before either has started.
  void add_need(JobIndex job, JobIndex on);
  /// All its jobs have been added: it can be joined.
  void close_stage(StageIndex stage);
  /// All stages and jobs have been added, but for those that an opened stage will add.
  void close();
  /// A stage whose needs have been met since the last call, each once: who made it may add its jobs
  /// now, if that was not done before.
  std::optional<StageIndex> take_opened();
  /// Jobs in a ring, each needing the next; empty: there is none. Promised jobs count as jobs.
  std::vector<JobIndex> find_cycle() const;
  /// Jobs promised and never defined.
  std::vector<JobIndex> undefined_jobs() const;

  // Starting.
  struct Start {
    JobIndex job{};
    std::uint32_t attempt = 1;
    std::uint64_t memory = 0;                     ///< bytes it may take; 0: not said
    std::vector<const std::string*> pool_values;  ///< as Requirement::pools; null: has no values
    bool prompt = false;  ///< others may wait for this one's end: tell of it at once
  };
  /// The job to start now; nullopt: none may. It counts as running until on_end() or mark_done().
  std::optional<Start> next(TimePoint now);
  /// When next() may have one by the clock alone.
  std::optional<TimePoint> next_start(TimePoint now) const;

  // Ending.
  enum class End : std::uint8_t { kSuccess, kFailure, kCanceled };
  enum class Verdict : std::uint8_t { kFinal, kRetry };
  /// kRetry: next() will give it again. A canceled job is final, and not failed.
  Verdict on_end(JobIndex job, End end, std::chrono::nanoseconds wall, TimePoint now);
  /// Whether a failure of this attempt would be followed by another.
  bool may_retry(JobIndex job, std::uint32_t attempt) const;
  /// A job that next() gave is up to date: it succeeded in an earlier run.
  void mark_done(JobIndex job);
  /// A job that will never start (a need failed, its stage is not entered, the run was stopped),
  /// each once.
  std::optional<JobIndex> take_dropped();
  /// Nothing more is started, whatever comes.
  void stop();
  bool stopped() const;
  void set_cpus(std::uint32_t cpus);  ///< -j auto
  /// Of the jobs that need one CPU and nothing else (no memory, pool, limit of their stage), next()
  /// may give so many beyond the CPUs: they wait with the workers, so that none is idle between two
  /// short jobs. 0 at first.
  void set_look_ahead(std::uint32_t jobs);

  /// All that was added has ended or was dropped, and close() was called.
  bool finished() const;

  struct Counts {
    std::uint64_t added = 0, running = 0, succeeded = 0, up_to_date = 0, failed = 0, allowed = 0,
                  dropped = 0, waiting_for_retry = 0;
  };
  Counts counts() const;
  Counts counts(StageIndex stage) const;
  bool is_closed(StageIndex stage) const;
  std::size_t stages() const;
  const StageSpec& stage(StageIndex stage) const;
  StageIndex stage_of(JobIndex job) const;
  /// False: promised, and its description has not come yet. stage_of() is for defined jobs.
  bool is_defined(JobIndex job) const;
};

}  // namespace enjoin
