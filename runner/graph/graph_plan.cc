#include "runner/graph/graph_plan.h"

#include <algorithm>

#include "ipc/check.h"

namespace enjoin {
namespace {

void note_change(const JobTable::Job& need, JobTable::Job* job) {
  if (need.state() != JobState::kSucceeded || need.is_passed) return;
  if (need.is_unchanged) {
    job->need_unchanged = 1;
  } else {
    job->need_changed = 1;
  }
}

}  // namespace

GraphPlan::GraphPlan(GraphPlanSpec spec) : spec_(spec), resources_(spec.cpus, spec.memory) {}

PoolIndex GraphPlan::add_pool(PoolSpec pool) {
  return resources_.add_pool(std::move(pool));
}

RequirementIndex GraphPlan::add_requirement(const Requirement& requirement) {
  return resources_.add_requirement(requirement);
}

StageIndex GraphPlan::add_stage(StageSpec stage) {
  const auto index = static_cast<std::uint32_t>(stages_.size());
  Stage& added = stages_.emplace_back();
  added.spec = std::move(stage);
  added.in_wake = added.spec.when != When::kSuccess;
  ++stages_left_;
  ++grown_;
  std::sort(added.spec.needs.begin(), added.spec.needs.end());
  added.spec.needs.erase(std::unique(added.spec.needs.begin(), added.spec.needs.end()),
                         added.spec.needs.end());
  for (const StageIndex need : added.spec.needs) {
    ENJOIN_CHECK(at(need) < index, at(need), index);
    has_chains_ = true;
    stages_[at(need)].needed_by.push_back(index);
    added.in_wake = added.in_wake || stages_[at(need)].in_wake;
    ++added.unmet;
  }
  if (added.in_wake) ++in_wake_left_;
  for (const StageIndex need : std::vector<StageIndex>(added.spec.needs)) {
    const Stage& needed = stages_[at(need)];
    if (needed.phase == Phase::kEnded) note_end_of_needed(index, needed.end);
  }
  if (stages_[index].phase == Phase::kWaiting) {
    if (starts_nothing_of(stages_[index])) {
      end_stage(index, StageEnd::kBad);
    } else if (stages_[index].spec.needs.empty()) {
      enter(index);
    }
  }
  settle_all();
  return StageIndex{index};
}

JobIndex GraphPlan::add_job(StageIndex stage, RequirementIndex requirement,
                            std::chrono::nanoseconds expected) {
  const std::uint32_t job = jobs_.add();
  ++counts_.added;
  place(job, stage, requirement, expected);
  return JobIndex{job};
}

JobIndex GraphPlan::promise_job() {
  const std::uint32_t job = jobs_.add();
  ++counts_.added;
  ++grown_;
  // What nobody will start needs no description either.
  if (stop_called_) {
    jobs_[job].set(JobState::kDropped);
    ++counts_.dropped;
    ++settled_;
  }
  return JobIndex{job};
}

void GraphPlan::define_job(JobIndex job, StageIndex stage, RequirementIndex requirement,
                           std::chrono::nanoseconds expected) {
  ENJOIN_CHECK(!is_defined(job), at(job), jobs_.size());
  if (jobs_[index(job)].state() == JobState::kDropped) {
    --counts_.dropped;
    --settled_;
  }
  place(index(job), stage, requirement, expected);
}

void GraphPlan::place(std::uint32_t index, StageIndex stage_index, RequirementIndex requirement,
                      std::chrono::nanoseconds expected) {
  JobTable::Job& job = jobs_[index];
  Stage& stage = stages_[at(stage_index)];
  job.stage = static_cast<std::uint32_t>(stage_index);
  job.requirement = static_cast<std::uint32_t>(requirement);
  job.expected = std::chrono::duration<float>(expected).count();
  job.set(JobState::kWaiting);
  if (job.expected > 0) {
    expected_ += job.expected;
    ++expected_jobs_;
  }
  job.level = weight(job) + stage.tail;
  ++stage.counts.added;
  ++grown_;
  std::uint32_t& last =
      stage.last_job == kNoIndex ? stage.first_job : jobs_[stage.last_job].next_in_stage;
  last = index;
  stage.last_job = index;
  const bool is_lost = stage.phase == Phase::kEnded || starts_nothing_of(stage) ||
                       (job.need_failed && stage.spec.when == When::kSuccess);
  if (is_lost) {
    drop(index);
    settle_all();
  } else if (stage.phase == Phase::kEntered) {
    new_jobs_.push_back(index);
  }
}

void GraphPlan::add_need(JobIndex job_index, JobIndex on_index) {
  const std::uint32_t index = GraphPlan::index(job_index);
  JobTable::Job& job = jobs_[index];
  JobTable::Job& on = jobs_[GraphPlan::index(on_index)];
  if (is_final(job.state())) return;
  ENJOIN_CHECK(job.state() < JobState::kDelayed, index, job.state());
  has_chains_ = true;
  job.has_needs = 1;
  if (is_final(on.state())) {
    note_change(on, &job);
    if (on.state() == JobState::kSucceeded) return;
    job.need_failed = 1;
    if (job.state() == JobState::kPromised) return;
    if (stages_[job.stage].spec.when == When::kSuccess) drop(index);
    return settle_all();
  }
  ++grown_;
  ++job.unmet;
  jobs_.add_edge(GraphPlan::index(on_index), index);
  on.level = std::max(on.level, job.level + weight(on));
}

void GraphPlan::close_stage(StageIndex stage) {
  stages_[at(stage)].is_closed = true;
  end_if_done(static_cast<std::uint32_t>(stage));
  settle_all();
}

void GraphPlan::close() {
  closed_ = true;
}

std::optional<StageIndex> GraphPlan::take_opened() {
  while (opened_taken_ < opened_.size()) {
    const std::uint32_t stage = opened_[opened_taken_++];
    if (opened_taken_ == opened_.size()) {
      opened_.clear();
      opened_taken_ = 0;
    }
    if (!starts_nothing_of(stages_[stage])) return StageIndex{stage};
  }
  return std::nullopt;
}

std::vector<JobIndex> GraphPlan::find_cycle() const {
  return jobs_.find_cycle();
}

std::vector<JobIndex> GraphPlan::undefined_jobs() const {
  std::vector<JobIndex> undefined;
  for (std::uint32_t job = 0; job < jobs_.size(); ++job) {
    if (!is_defined(JobIndex{job})) undefined.push_back(JobIndex{job});
  }
  return undefined;
}

// What may start no more, whatever comes.
bool GraphPlan::starts_nothing_of(const Stage& stage) const {
  return stop_called_ || (failed_fast_ && !stage.in_wake);
}

void GraphPlan::enter(std::uint32_t index) {
  Stage& stage = stages_[index];
  stage.phase = Phase::kEntered;
  opened_.push_back(index);
  for (std::uint32_t job = stage.first_job; job != kNoIndex; job = jobs_[job].next_in_stage) {
    consider(job);
  }
  end_if_done(index);
}

/// Its stage is entered: it may be ready now.
void GraphPlan::consider(std::uint32_t index) {
  JobTable::Job& job = jobs_[index];
  const bool is_ready = job.state() == JobState::kReady && job.attempt == 0;
  if ((job.state() != JobState::kWaiting && !is_ready) || job.unmet > 0) return;
  const Stage& stage = stages_[job.stage];
  if (stage.phase != Phase::kEntered) return;
  if (job.need_unchanged && !job.need_changed && !job.need_failed) {
    job.is_unchanged = 1;
    return pass_over(index);
  }
  if (is_ready) return;
  if (stage.spec.when == When::kFailure && job.has_needs && !job.need_failed) return drop(index);
  make_ready(index);
}

void GraphPlan::settle(std::uint32_t index, JobState state) {
  JobTable::Job& job = jobs_[index];
  if (job.attempt > 0 && job.state() != JobState::kRunning) {
    --counts_.waiting_for_retry;
    --counts_of(index).waiting_for_retry;
  }
  job.set(state);
  ++settled_;
  ended_jobs_.push_back(index);
}

void GraphPlan::drop(std::uint32_t index) {
  ++counts_.dropped;
  ++counts_of(index).dropped;
  settle(index, JobState::kDropped);
  dropped_.push_back(index);
}

/// Tells of all ends, which may bring about others. A list, not recursion: chains are long.
void GraphPlan::settle_all() {
  if (std::exchange(is_settling_, true)) return;
  while (!ended_jobs_.empty() || !ended_stages_.empty()) {
    if (!ended_jobs_.empty()) {
      const std::uint32_t ended = ended_jobs_.back();
      ended_jobs_.pop_back();
      jobs_.for_each_dependent(ended,
                               [&](std::uint32_t to) { note_end_of_need(to, jobs_[ended]); });
      if (is_defined(JobIndex{ended})) end_if_done(jobs_[ended].stage);
      continue;
    }
    const std::uint32_t ended = ended_stages_.back();
    ended_stages_.pop_back();
    for (std::size_t i = 0; i < stages_[ended].needed_by.size(); ++i) {
      note_end_of_needed(stages_[ended].needed_by[i], stages_[ended].end);
    }
  }
  is_settling_ = false;
}

void GraphPlan::note_end_of_need(std::uint32_t index, const JobTable::Job& need) {
  JobTable::Job& job = jobs_[index];
  if (is_final(job.state())) return;
  const bool is_good = need.state() == JobState::kSucceeded;
  note_change(need, &job);
  --job.unmet;
  if (!is_good) job.need_failed = 1;
  if (job.state() == JobState::kPromised) return;
  if (!is_good && stages_[job.stage].spec.when == When::kSuccess) return drop(index);
  consider(index);
}

void GraphPlan::end_if_done(std::uint32_t index) {
  const Stage& stage = stages_[index];
  const Counts& counts = stage.counts;
  if (stage.phase != Phase::kEntered || !stage.is_closed) return;
  if (counts.succeeded + counts.up_to_date + counts.failed + counts.allowed + counts.dropped <
      counts.added)
    return;
  const bool is_good = counts.failed + counts.dropped == 0 && !stage.is_cut_short;
  end_stage(index, is_good ? StageEnd::kGood : StageEnd::kBad);
}

void GraphPlan::end_stage(std::uint32_t index, StageEnd end) {
  Stage& stage = stages_[index];
  const bool was_entered = stage.phase == Phase::kEntered;
  stage.phase = Phase::kEnded;
  stage.end = end;
  stage.is_closed = true;
  --stages_left_;
  if (stage.in_wake) --in_wake_left_;
  if (!was_entered) drop_jobs_of(index);
  ended_stages_.push_back(index);
}

void GraphPlan::drop_jobs_of(std::uint32_t stage) {
  for (std::uint32_t job = stages_[stage].first_job; job != kNoIndex;
       job = jobs_[job].next_in_stage) {
    const JobState state = jobs_[job].state();
    if (state < JobState::kRunning) drop(job);
  }
}

void GraphPlan::note_end_of_needed(std::uint32_t index, StageEnd end) {
  Stage& stage = stages_[index];
  if (stage.phase != Phase::kWaiting) return;
  --stage.unmet;
  stage.need_bad = stage.need_bad || end == StageEnd::kBad;
  stage.need_not_needed = stage.need_not_needed || end == StageEnd::kNotNeeded;
  if (stage.spec.when == When::kSuccess && stage.need_bad) {
    return end_stage(index, StageEnd::kBad);
  }
  if (stage.unmet > 0) return;
  if (stage.spec.when == When::kSuccess && stage.need_not_needed) {
    return end_stage(index, StageEnd::kNotNeeded);
  }
  if (stage.spec.when == When::kFailure && !stage.need_bad) {
    return end_stage(index, StageEnd::kNotNeeded);
  }
  enter(index);
}

/// Drops what has not started: all of it, or what is not in the wake of a failure.
void GraphPlan::abandon(bool all) {
  for (std::uint32_t index = 0; index < stages_.size(); ++index) {
    Stage& stage = stages_[index];
    if (stage.phase == Phase::kEnded || (stage.in_wake && !all)) continue;
    if (stage.phase == Phase::kWaiting) {
      end_stage(index, StageEnd::kBad);
      continue;
    }
    stage.is_cut_short = !std::exchange(stage.is_closed, true);
    drop_jobs_of(index);
    end_if_done(index);
  }
  for (std::uint32_t job = 0; all && job < jobs_.size(); ++job) {
    if (jobs_[job].state() != JobState::kPromised) continue;
    ++counts_.dropped;
    settle(job, JobState::kDropped);
  }
  settle_all();
  const auto is_live = [this](std::uint32_t job, JobState state) {
    return jobs_[job].state() == state;
  };
  std::erase_if(delayed_,
                [&](const Delayed& one) { return !is_live(one.job, JobState::kDelayed); });
  std::make_heap(delayed_.begin(), delayed_.end(),
                 [](const Delayed& left, const Delayed& right) { return left.due > right.due; });
  ready_.rebuild([this](std::uint32_t job) { return jobs_[job].level; },
                 [&](std::uint32_t job) { return is_live(job, JobState::kReady); });
}

void GraphPlan::stop() {
  if (std::exchange(stop_called_, true)) return;
  abandon(true);
}

bool GraphPlan::stopped() const {
  return stop_called_ || (failed_fast_ && in_wake_left_ == 0);
}

std::optional<JobIndex> GraphPlan::take_dropped() {
  if (dropped_taken_ == dropped_.size()) return std::nullopt;
  const JobIndex job{dropped_[dropped_taken_++]};
  if (dropped_taken_ == dropped_.size()) {
    dropped_.clear();
    dropped_taken_ = 0;
  }
  return job;
}

bool GraphPlan::finished() const {
  return (closed_ || stopped()) && settled_ == jobs_.size() && stages_left_ == 0 &&
         opened_.empty() && dropped_.empty();
}

GraphPlan::Counts GraphPlan::counts() const {
  return counts_;
}

GraphPlan::Counts GraphPlan::counts(StageIndex stage) const {
  return stages_[at(stage)].counts;
}

bool GraphPlan::is_closed(StageIndex stage) const {
  return stages_[at(stage)].is_closed;
}

std::size_t GraphPlan::stages() const {
  return stages_.size();
}

const StageSpec& GraphPlan::stage(StageIndex stage) const {
  return stages_[at(stage)].spec;
}

StageIndex GraphPlan::stage_of(JobIndex job) const {
  return StageIndex{jobs_[index(job)].stage};
}

bool GraphPlan::is_defined(JobIndex job) const {
  return jobs_[index(job)].stage != kNoIndex;
}

}  // namespace enjoin
