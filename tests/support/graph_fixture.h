#pragma once

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "runner/graph/graph_plan.h"

namespace enjoin::graph_test {

using std::chrono::seconds;
using End = GraphPlan::End;
using Verdict = GraphPlan::Verdict;
using Jobs = std::vector<JobIndex>;

inline const GraphPlan::TimePoint kNow{std::chrono::seconds(1000)};

/// A plan, and short words for what is done with it.
struct Fixture {
  explicit Fixture(GraphPlanSpec spec = {.cpus = 2}) : plan(spec) {}

  StageIndex stage(StageSpec spec = {}) { return plan.add_stage(std::move(spec)); }
  JobIndex job(StageIndex stage, Requirement requirement = {}, seconds expected = {}) {
    return plan.add_job(stage, plan.add_requirement(requirement), expected);
  }
  std::optional<JobIndex> start(GraphPlan::TimePoint now = kNow) {
    const std::optional<GraphPlan::Start> start = plan.next(now);
    return start ? std::optional(start->job) : std::nullopt;
  }
  std::vector<JobIndex> start_all() {
    std::vector<JobIndex> started;
    while (const std::optional<JobIndex> job = start()) started.push_back(*job);
    return started;
  }
  Verdict end(JobIndex job, End end = End::kSuccess, GraphPlan::TimePoint now = kNow) {
    return plan.on_end(job, end, seconds(1), now);
  }
  std::vector<JobIndex> dropped() {
    std::vector<JobIndex> jobs;
    while (const std::optional<JobIndex> job = plan.take_dropped()) jobs.push_back(*job);
    return jobs;
  }
  std::vector<StageIndex> opened() {
    std::vector<StageIndex> stages;
    while (const std::optional<StageIndex> stage = plan.take_opened()) stages.push_back(*stage);
    return stages;
  }
  void close() {
    for (std::size_t i = 0; i < plan.stages(); ++i) {
      plan.close_stage(StageIndex{static_cast<std::uint32_t>(i)});
    }
    plan.close();
  }

  GraphPlan plan;
};

}  // namespace enjoin::graph_test
