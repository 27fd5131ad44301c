// The part of GraphPlan that starts jobs and takes their ends.

#include <algorithm>
#include <cmath>

#include "ipc/check.h"
#include "runner/graph/graph_plan.h"

namespace enjoin {
namespace {

// Classes of jobs that find no room are looked at up to here, before a job that fits is given up.
constexpr std::size_t kMostParked = 256;
// So many others at least may pass a job that finds no room.
constexpr std::uint32_t kLeastPasses = 4;
constexpr std::chrono::hours kLongestDelay{24 * 365};

}  // namespace

void GraphPlan::make_ready(std::uint32_t index) {
  JobTable::Job& job = jobs_[index];
  job.set(JobState::kReady);
  const Requirement& requirement = resources_.requirement(job.requirement);
  const std::size_t tiers = requirement.memory.size();
  ReadyQueue::ClassKey key;
  key.priority = requirement.priority;
  if (stages_[job.stage].spec.most_running > 0) key.stage = job.stage;
  key.requirement = job.requirement;
  key.tier = static_cast<std::uint32_t>(std::min<std::size_t>(job.attempt + 1, tiers));
  ready_.push(index, job.level, key);
}

// Needs are added after the job itself, so a new one is looked at only when jobs are to start.
void GraphPlan::consider_new() {
  if (new_jobs_.empty()) return;
  for (const std::uint32_t job : new_jobs_) consider(job);
  new_jobs_.clear();
  settle_all();
}

void GraphPlan::take_due(TimePoint now) {
  const auto is_later = [](const Delayed& left, const Delayed& right) {
    return left.due > right.due;
  };
  while (!delayed_.empty() && delayed_.front().due <= now) {
    const std::uint32_t job = delayed_.front().job;
    std::pop_heap(delayed_.begin(), delayed_.end(), is_later);
    delayed_.pop_back();
    if (jobs_[job].state() == JobState::kDelayed) make_ready(job);
  }
}

std::optional<GraphPlan::Start> GraphPlan::next(TimePoint now) {
  consider_new();
  take_due(now);
  if (should_reckon()) reckon_levels();
  const std::optional<ReadyQueue::Candidate> candidate = choose();
  if (!candidate) return std::nullopt;
  const std::uint32_t index = candidate->job;
  JobTable::Job& job = jobs_[index];
  job.set(JobState::kRunning);
  if (job.attempt > 0) {
    --counts_.waiting_for_retry;
    --counts_of(index).waiting_for_retry;
  }
  if (job.attempt < kMostAttempts) ++job.attempt;
  Start start;
  start.job = JobIndex{index};
  start.attempt = job.attempt;
  start.memory = resources_.memory_of(job.requirement, job.attempt);
  job.unmet = resources_.acquire(index, job.requirement, start.memory);
  if (!resources_.is_plain(job.requirement)) start.pool_values = resources_.values(job.unmet);
  ++counts_.running;
  ++counts_of(index).running;
  start.prompt = is_prompt(job);
  return start;
}

/// The best job that has room, out of the queue.
std::optional<ReadyQueue::Candidate> GraphPlan::choose() {
  const std::uint32_t in_use = resources_.cpus_in_use();
  if (in_use > 0 && in_use >= std::uint64_t{resources_.cpus()} + look_ahead_) return std::nullopt;
  while (ready_.parked() < kMostParked) {
    const std::optional<ReadyQueue::Candidate> candidate = ready_.best();
    if (!candidate) return std::nullopt;
    JobTable::Job& job = jobs_[candidate->job];
    if (job.state() != JobState::kReady || job.unmet > 0) {
      ready_.take(*candidate);
      if (job.state() == JobState::kReady) job.set(JobState::kWaiting);
      continue;
    }
    Resources::Fit fit = Resources::Fit::kFits;
    if (has_room(*candidate, &fit)) {
      if (passed_over_ == candidate->job) {
        passed_over_ = kNoIndex;
      } else if (capacity_awaited_) {
        const std::uint32_t most = std::max(resources_.cpus(), kLeastPasses);
        if (passes_ >= most) return std::nullopt;
        ++passes_;
      }
      ready_.take(*candidate);
      return candidate;
    }
    ready_.park(*candidate);
    if (fit != Resources::Fit::kNoCapacity || capacity_awaited_) continue;
    capacity_awaited_ = true;
    if (std::exchange(passed_over_, candidate->job) != candidate->job) passes_ = 0;
  }
  return std::nullopt;
}

bool GraphPlan::has_room(const ReadyQueue::Candidate& candidate, Resources::Fit* fit) const {
  const JobTable::Job& job = jobs_[candidate.job];
  const Stage& stage = stages_[job.stage];
  const std::uint32_t limit = stage.spec.most_running;
  if (limit > 0 && stage.counts.running >= limit) {
    *fit = Resources::Fit::kNoPool;
    return false;
  }
  // Plain jobs may wait with the workers, unless a better one waits for the room that they take.
  const bool may_wait = limit == 0 && !capacity_awaited_ && resources_.is_plain(job.requirement);
  *fit = resources_.fits(job.requirement, resources_.memory_of(job.requirement, job.attempt + 1),
                         may_wait ? look_ahead_ : 0);
  return *fit == Resources::Fit::kFits;
}

/// Whether something may start, or end, as soon as this one has ended.
bool GraphPlan::is_prompt(const JobTable::Job& job) const {
  const Stage& stage = stages_[job.stage];
  if (job.first_edge != kNoIndex || !resources_.is_plain(job.requirement) ||
      stage.spec.most_running > 0 || ready_.parked() > 0)
    return true;
  if (stage.needed_by.empty() || !stage.is_closed) return false;
  const Counts& counts = stage.counts;
  const std::uint64_t begun = counts.running + counts.succeeded + counts.up_to_date +
                              counts.failed + counts.allowed + counts.dropped;
  return counts.added - begun < std::uint64_t{resources_.cpus()} + look_ahead_;
}

std::optional<GraphPlan::TimePoint> GraphPlan::next_start(TimePoint) const {
  if (delayed_.empty() || stop_called_) return std::nullopt;
  return delayed_.front().due;
}

/// Gives back what a running job holds.
JobTable::Job& GraphPlan::end_running(std::uint32_t index) {
  JobTable::Job& job = jobs_[index];
  ENJOIN_CHECK(job.state() == JobState::kRunning, index, job.state());
  resources_.release(std::exchange(job.unmet, 0));
  ready_.unpark();
  capacity_awaited_ = false;
  --counts_.running;
  --counts_of(index).running;
  return job;
}

bool GraphPlan::may_retry(JobIndex job, std::uint32_t attempt) const {
  const std::uint32_t attempts = resources_.requirement(jobs_[index(job)].requirement).attempts;
  return attempts == 0 || attempt < attempts;
}

GraphPlan::Verdict GraphPlan::on_end(JobIndex job_index, End end, std::chrono::nanoseconds wall,
                                     TimePoint now) {
  const std::uint32_t index = GraphPlan::index(job_index);
  JobTable::Job& job = end_running(index);
  Stage& stage = stages_[job.stage];
  if (end == End::kSuccess) {
    stage.wall += std::chrono::duration<double>(wall).count();
    ++stage.timed;
    ++timed_;
    if (resources_.requirement(job.requirement).asks) {
      job.set(JobState::kAsking);
      return Verdict::kFinal;
    }
    ++counts_.succeeded;
    ++stage.counts.succeeded;
    settle(index, JobState::kSucceeded);
  } else if (end == End::kCanceled) {
    ++counts_.dropped;
    ++stage.counts.dropped;
    settle(index, JobState::kDropped);
  } else if (may_retry(job_index, job.attempt) && !starts_nothing_of(stage)) {
    const Requirement& requirement = resources_.requirement(job.requirement);
    ++counts_.waiting_for_retry;
    ++stage.counts.waiting_for_retry;
    const double delay = std::chrono::duration<double>(requirement.retry_delay).count() *
                         std::pow(std::max(requirement.retry_backoff, 0.0), job.attempt - 1);
    if (!(delay > 0)) {
      make_ready(index);
      return Verdict::kRetry;
    }
    const double longest = std::chrono::duration<double>(kLongestDelay).count();
    job.set(JobState::kDelayed);
    delayed_.push_back({now + std::chrono::duration_cast<TimePoint::duration>(
                                  std::chrono::duration<double>(std::min(delay, longest))),
                        index});
    std::push_heap(delayed_.begin(), delayed_.end(),
                   [](const Delayed& left, const Delayed& right) { return left.due > right.due; });
    return Verdict::kRetry;
  } else if (stage.spec.allow_failure) {
    ++counts_.allowed;
    ++stage.counts.allowed;
    settle(index, JobState::kSucceeded);
  } else {
    ++counts_.failed;
    ++stage.counts.failed;
    settle(index, JobState::kFailed);
    if (!spec_.keep_going && !std::exchange(failed_fast_, true)) abandon(stop_called_);
  }
  settle_all();
  return Verdict::kFinal;
}

void GraphPlan::mark_done(JobIndex job) {
  end_running(index(job));
  ++counts_.up_to_date;
  ++counts_of(index(job)).up_to_date;
  settle(index(job), JobState::kSucceeded);
  settle_all();
}

bool GraphPlan::is_unstarted(JobIndex job) const {
  const JobState state = jobs_[index(job)].state();
  return state == JobState::kWaiting || state == JobState::kReady || state == JobState::kDelayed;
}

bool GraphPlan::cancel(JobIndex job) {
  if (!is_unstarted(job)) return false;
  drop(index(job));
  settle_all();
  return true;
}

bool GraphPlan::skip(JobIndex job) {
  if (!is_unstarted(job) || jobs_[index(job)].attempt > 0) return false;
  jobs_[index(job)].is_passed = 1;
  pass_over(index(job));
  settle_all();
  return true;
}

void GraphPlan::pass_over(std::uint32_t job) {
  ++counts_.up_to_date;
  ++counts_of(job).up_to_date;
  settle(job, JobState::kSucceeded);
  skipped_.push_back(JobIndex{job});
}

void GraphPlan::answer(JobIndex job_index, Effect effect) {
  JobTable::Job& job = jobs_[index(job_index)];
  if (job.state() != JobState::kAsking) return;
  job.is_unchanged = effect == Effect::kUnchanged ? 1 : 0;
  ++counts_.succeeded;
  ++counts_of(index(job_index)).succeeded;
  settle(index(job_index), JobState::kSucceeded);
  settle_all();
}

std::vector<JobIndex> GraphPlan::take_skipped() {
  return std::exchange(skipped_, {});
}

void GraphPlan::set_cpus(std::uint32_t cpus) {
  if (cpus == resources_.cpus()) return;
  resources_.set_cpus(cpus);
  ready_.unpark();
  capacity_awaited_ = false;
}

void GraphPlan::set_look_ahead(std::uint32_t jobs) {
  if (jobs == look_ahead_) return;
  look_ahead_ = jobs;
  ready_.unpark();
  capacity_awaited_ = false;
}

}  // namespace enjoin
