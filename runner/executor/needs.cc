#include "runner/executor/needs.h"

#include <algorithm>
#include <unordered_set>

namespace enjoin {
namespace {

std::uint64_t number(JobId job) {
  return static_cast<std::uint64_t>(job);
}
std::uint32_t number(StageId stage) {
  return static_cast<std::uint32_t>(stage);
}

}  // namespace

void Needs::add_stage(StageId stage, const std::vector<StageId>& needs) {
  stages_[number(stage)].needs = needs;
  last_stage_ = std::max(last_stage_, number(stage));
  for (const StageId need : needs) stages_[number(need)].needed = true;
}

void Needs::add_job(JobId job, StageId stage, const std::vector<JobId>& needs) {
  Job& added = jobs_[number(job)];
  added.stage = stage;
  for (const JobId need : needs) {
    if (jobs_.contains(number(need))) added.needs.push_back(need);
  }
  if (stage == StageId{}) return;
  std::vector<JobId>& others = stages_[number(stage)].jobs;
  added.place = others.size();
  others.push_back(job);
}

void Needs::add_need(JobId job, JobId on) {
  if (!jobs_.contains(number(on))) return;
  if (const auto found = jobs_.find(number(job)); found != jobs_.end()) {
    found->second.needs.push_back(on);
  }
}

void Needs::ended(JobId job) {
  const auto found = jobs_.find(number(job));
  if (found == jobs_.end()) return;
  if (found->second.stage != StageId{}) {
    std::vector<JobId>& others = stages_[number(found->second.stage)].jobs;
    const std::size_t place = found->second.place;
    others[place] = others.back();
    jobs_[number(others[place])].place = place;
    others.pop_back();
  }
  jobs_.erase(found);
}

bool Needs::ring_with(StageId stage, const std::vector<JobId>& needs) const {
  return any_waits_for(stage) && reaches(needs, JobId{}, stage);
}

// Whether an unfinished job is in a stage that waits for this one: mostly none is, for the jobs of
// early stages are added first, and then nothing has to be searched.
bool Needs::any_waits_for(StageId stage) const {
  const Stage* found = find(stage);
  if (found == nullptr || !found->needed) return false;
  std::unordered_set<std::uint32_t> waiting = {number(stage)};
  // A stage is added after those that it needs.
  for (std::uint32_t later = number(stage) + 1; later <= last_stage_; ++later) {
    const Stage* other = find(StageId{later});
    if (other == nullptr) continue;
    const bool waits = std::any_of(other->needs.begin(), other->needs.end(),
                                   [&](StageId need) { return waiting.contains(number(need)); });
    if (!waits) continue;
    if (!other->jobs.empty()) return true;
    waiting.insert(later);
  }
  return false;
}

bool Needs::ring_with(JobId job, JobId on) const {
  const auto found = jobs_.find(number(job));
  return found != jobs_.end() && reaches({on}, job, found->second.stage);
}

const Needs::Stage* Needs::find(StageId stage) const {
  const auto found = stages_.find(number(stage));
  return found == stages_.end() ? nullptr : &found->second;
}

// Whether one of `from` waits for `job`, or for the join of `stage`.
bool Needs::reaches(const std::vector<JobId>& from, JobId job, StageId stage) const {
  std::vector<JobId> jobs = from;
  std::vector<StageId> stages;
  std::unordered_set<std::uint64_t> seen_jobs;
  std::unordered_set<std::uint32_t> seen_stages;
  while (!jobs.empty() || !stages.empty()) {
    if (!stages.empty()) {
      const StageId at = stages.back();
      stages.pop_back();
      if (at == stage) return true;
      const Stage* found = find(at);
      if (found == nullptr || !seen_stages.insert(number(at)).second) continue;
      jobs.insert(jobs.end(), found->jobs.begin(), found->jobs.end());
      stages.insert(stages.end(), found->needs.begin(), found->needs.end());
      continue;
    }
    const JobId at = jobs.back();
    jobs.pop_back();
    if (at == job) return true;
    const auto found = jobs_.find(number(at));
    if (found == jobs_.end() || !seen_jobs.insert(number(at)).second) continue;
    jobs.insert(jobs.end(), found->second.needs.begin(), found->second.needs.end());
    if (const Stage* own = find(found->second.stage)) {
      stages.insert(stages.end(), own->needs.begin(), own->needs.end());
    }
  }
  return false;
}

}  // namespace enjoin
