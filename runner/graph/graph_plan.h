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

  // What becomes of single jobs by the wish of who added them.
  /// A job that has not begun its next attempt will not: it is dropped. False: it runs, or is
  /// final.
  bool cancel(JobIndex job);
  /// Whether cancel() would find something to drop.
  bool is_unstarted(JobIndex job) const;
  /// The last one that began; 0: none did.
  std::uint32_t attempt(JobIndex job) const { return jobs_[index(job)].attempt; }
  /// A job that has not started counts as done. False: it has, or is final.
  bool skip(JobIndex job);
  enum class Effect : std::uint8_t {
    kChanged,
    /// Those whose needs changed nothing, all of them (skip() says nothing about that), count as
    /// done without having run, and as unchanged themselves.
    kUnchanged,
  };
  /// Of a job that has succeeded, where Requirement::asks: now those go on that need it. Nothing
  /// happens where no answer is awaited.
  void answer(JobIndex job, Effect effect);
  /// Jobs that count as done by skip() and answer(), each once.
  std::vector<JobIndex> take_skipped();

  /// Nothing more is started: stop() was called, or a job failed and all that was left is dropped.
  /// After a failure stages for When::kFailure and kAlways are entered yet, and what needs them.
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
  /// How long the longest chain of work is that begins with this job, in seconds, as it was
  /// reckoned last.
  double level(JobIndex job) const { return jobs_[index(job)].level; }

 private:
  enum class Phase : std::uint8_t {
    kWaiting,  ///< for the stages that it needs
    kEntered,  ///< its jobs may start
    kEnded     ///< all its jobs are final; or it is not entered, then they are dropped
  };
  enum class StageEnd : std::uint8_t {
    kGood,
    kBad,       ///< a job failed, or was dropped
    kNotNeeded  ///< waits for a failure, and there was none
  };
  struct Stage {
    StageSpec spec;
    std::vector<std::uint32_t> needed_by = {};
    std::uint32_t unmet = 0;  ///< stages that it needs and that have not ended
    std::uint32_t first_job = kNoIndex;
    std::uint32_t last_job = kNoIndex;
    Counts counts = {};
    Phase phase = Phase::kWaiting;
    StageEnd end = StageEnd::kGood;
    bool is_closed = false;
    bool is_cut_short = false;  ///< after a failure: what it would still have got is not known
    bool in_wake = false;  ///< of a failure: it, or one that it needs, is for failures or always
    bool need_bad = false;
    bool need_not_needed = false;
    float tail = 0;           ///< seconds of the longest chain of work that follows it
    double wall = 0;          ///< seconds that its jobs took, in all
    std::uint64_t timed = 0;  ///< of how many jobs
  };
  struct Delayed {
    TimePoint due;
    std::uint32_t job;
  };

  static std::uint32_t index(JobIndex job) { return static_cast<std::uint32_t>(job); }
  Counts& counts_of(std::uint32_t job) { return stages_[jobs_[job].stage].counts; }
  bool starts_nothing_of(const Stage& stage) const;
  void place(std::uint32_t job, StageIndex stage, RequirementIndex requirement,
             std::chrono::nanoseconds expected);
  void consider(std::uint32_t job);
  void consider_new();
  void make_ready(std::uint32_t job);
  void take_due(TimePoint now);
  std::optional<ReadyQueue::Candidate> choose();
  bool has_room(const ReadyQueue::Candidate& candidate, Resources::Fit* fit) const;
  bool is_prompt(const JobTable::Job& job) const;
  JobTable::Job& end_running(std::uint32_t job);
  void settle(std::uint32_t job, JobState state);
  void drop(std::uint32_t job);
  void pass_over(std::uint32_t job);
  void note_end_of_need(std::uint32_t job, const JobTable::Job& need);
  void settle_all();
  void end_if_done(std::uint32_t stage);
  void end_stage(std::uint32_t stage, StageEnd end);
  void note_end_of_needed(std::uint32_t stage, StageEnd end);
  void enter(std::uint32_t stage);
  void drop_jobs_of(std::uint32_t stage);
  void abandon(bool all);
  float weight(const JobTable::Job& job) const;
  void reckon_levels();
  bool should_reckon() const;

  GraphPlanSpec spec_;
  JobTable jobs_;
  std::vector<Stage> stages_;
  Resources resources_;
  ReadyQueue ready_;
  std::vector<std::uint32_t> new_jobs_;  // not yet considered: their needs may be added yet
  std::vector<Delayed> delayed_;         // a heap, the soonest first
  std::vector<std::uint32_t> opened_;    // to be taken, from opened_taken_ on
  std::size_t opened_taken_ = 0;
  std::vector<std::uint32_t> dropped_;
  std::size_t dropped_taken_ = 0;
  std::vector<JobIndex> skipped_;
  std::vector<std::uint32_t> ended_jobs_;    // others are to hear of it
  std::vector<std::uint32_t> ended_stages_;  // the same
  bool is_settling_ = false;
  Counts counts_;
  std::uint64_t settled_ = 0;
  std::size_t stages_left_ = 0;   // not ended
  std::size_t in_wake_left_ = 0;  // of these, in the wake of a failure
  bool closed_ = false;
  bool stop_called_ = false;
  bool failed_fast_ = false;
  std::uint32_t look_ahead_ = 0;
  // A job that finds no room is passed over by so many others, then these wait.
  std::uint32_t passed_over_ = kNoIndex;
  std::uint32_t passes_ = 0;
  bool capacity_awaited_ = false;  // a class with a better job is set aside for lack of capacity
  // Levels.
  std::size_t grown_ = 0;     // jobs, needs and stages since they were reckoned
  std::size_t reckoned_ = 0;  // the same, of those that counted then
  std::uint64_t timed_ = 0;   // jobs whose time is known
  std::uint64_t timed_next_ = 32;
  double expected_ = 0;  // seconds, of all jobs of which that was said
  std::uint64_t expected_jobs_ = 0;
  bool has_chains_ = false;
  float usual_weight_ = 1;
};

}  // namespace enjoin
