// The part of GraphPlan that reckons the longest chain of work from each job on.

#include <algorithm>
#include <utility>
#include <vector>

#include "runner/graph/graph_plan.h"

namespace enjoin {
namespace {

// Of jobs that take no time, too, the longer chain goes first.
constexpr float kLeastWeight = 1e-4F;

float mean(double sum, std::uint64_t count) {
  return std::max(static_cast<float>(sum / static_cast<double>(count)), kLeastWeight);
}

}  // namespace

/// How long a job takes, in seconds, as far as can be known.
float GraphPlan::weight(const JobTable::Job& job) const {
  if (job.expected > 0) return job.expected;
  if (job.stage == kNoIndex) return usual_weight_;
  const Stage& stage = stages_[job.stage];
  if (stage.timed > 0) return mean(stage.wall, stage.timed);
  return usual_weight_;
}

// Each time the graph has doubled, and when twice as many times are known as before: all of that
// together costs no more than a few passes over the whole graph.
bool GraphPlan::should_reckon() const {
  constexpr std::uint32_t kMostForTimes = 200'000;
  if (!has_chains_) return false;
  return grown_ > reckoned_ || (timed_ >= timed_next_ && jobs_.size() <= kMostForTimes);
}

void GraphPlan::reckon_levels() {
  reckoned_ += std::exchange(grown_, 0);
  while (timed_next_ <= timed_) timed_next_ *= 2;
  double wall = expected_;
  std::uint64_t timed = expected_jobs_;
  for (const Stage& stage : stages_) {
    wall += stage.wall;
    timed += stage.timed;
  }
  if (timed > 0) usual_weight_ = mean(wall, timed);
  std::vector<float> heads(stages_.size(), 0.0F);
  // Stages whose jobs are not known yet count as one job each.
  for (std::size_t index = stages_.size(); index-- > 0;) {
    Stage& stage = stages_[index];
    stage.tail = 0;
    for (const std::uint32_t by : stage.needed_by) stage.tail = std::max(stage.tail, heads[by]);
    heads[index] = stage.phase == Phase::kEnded ? 0 : stage.tail + usual_weight_;
  }
  const auto finish = [&](std::uint32_t index) {
    JobTable::Job& job = jobs_[index];
    float below = 0;
    if (job.stage != kNoIndex) below = stages_[job.stage].tail;
    jobs_.for_each_dependent(index,
                             [&](std::uint32_t to) { below = std::max(below, jobs_[to].level); });
    job.level = below;
    if (job.stage == kNoIndex) return;
    if (!is_final(job.state())) job.level += weight(job);
    if (job.level <= heads[job.stage] || is_final(job.state())) return;
    heads[job.stage] = job.level;
    for (const StageIndex need : stages_[job.stage].spec.needs) {
      stages_[at(need)].tail = std::max(stages_[at(need)].tail, job.level);
    }
  };
  // From the ends of the chains: jobs mostly come after those that they need.
  constexpr std::uint8_t kUnseen = 0, kSeen = 1;
  std::vector<std::uint8_t> marks(jobs_.size(), kUnseen);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> path;  // jobs, and their next edge
  for (std::uint32_t first = jobs_.size(); first-- > 0;) {
    if (marks[first] != kUnseen) continue;
    marks[first] = kSeen;
    path.emplace_back(first, jobs_[first].first_edge);
    while (!path.empty()) {
      auto& [job, edge_index] = path.back();
      if (edge_index == kNoIndex) {
        finish(job);
        path.pop_back();
        continue;
      }
      const JobTable::Edge edge = jobs_.edge(edge_index);
      edge_index = edge.next;
      if (marks[edge.to] != kUnseen) continue;
      marks[edge.to] = kSeen;
      path.emplace_back(edge.to, jobs_[edge.to].first_edge);
    }
  }
  capacity_awaited_ = false;
  ready_.rebuild([this](std::uint32_t job) { return jobs_[job].level; },
                 [](std::uint32_t) { return true; });
}

}  // namespace enjoin
