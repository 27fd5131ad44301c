#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runner/graph/job_source.h"

namespace enjoin::test {

/// A graph that a test writes down: stages of shell lines, each stage joined before the next ones
/// that need it.
class TinySource : public JobSource {
 public:
  struct TinyJob {
    std::string line;
    std::vector<std::string> outputs = {};
    std::vector<std::size_t> needs = {};  ///< jobs, counted over all stages
  };
  struct TinyStage {
    StageSpec spec;
    std::vector<TinyJob> jobs;
    Requirement requirement = {};
    bool late = false;  ///< its jobs are known when it is opened
  };

  explicit TinySource(std::vector<TinyStage> stages) : stages_(std::move(stages)) {}

  void begin(GraphPlan& plan) override {
    for (const TinyStage& stage : stages_) indexes_.push_back(plan.add_stage(stage.spec));
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      if (!stages_[i].late) add_jobs(plan, i);
    }
  }
  void open(GraphPlan& plan, StageIndex stage) override {
    if (stages_[at(stage)].late) add_jobs(plan, at(stage));
  }
  Pull pull(GraphPlan&) override { return Pull::kEnd; }

  JobText text(JobIndex job) const override {
    const Place& place = places_[at(job)];
    const std::string& stage = stages_[place.stage].spec.name;
    return {at(job) + 1, stage, stage + "[" + std::to_string(place.job) + "]"};
  }
  std::string command(JobIndex job) const override { return of(job).line; }
  JobRecipe recipe(const GraphPlan::Start& start) override {
    JobRecipe recipe;
    recipe.label = text(start.job).name;
    recipe.shell = {"/bin/bash"};
    recipe.line = of(start.job).line;
    recipe.environment = {"ATTEMPT=" + std::to_string(start.attempt)};
    return recipe;
  }
  std::vector<std::string> outputs(JobIndex job) const override { return of(job).outputs; }
  Identity identity(JobIndex job) const override {
    Identity identity;
    identity.key = {at(job) + 1, 1};
    identity.command = std::hash<std::string>()(of(job).line);
    return identity;
  }

 private:
  struct Place {
    std::size_t stage, job;
  };

  static JobIndex index(std::size_t job) { return JobIndex{static_cast<std::uint32_t>(job)}; }
  const TinyJob& of(JobIndex job) const {
    const Place& place = places_[at(job)];
    return stages_[place.stage].jobs[place.job];
  }
  void add_jobs(GraphPlan& plan, std::size_t stage) {
    const RequirementIndex requirement = plan.add_requirement(stages_[stage].requirement);
    const std::vector<TinyJob>& jobs = stages_[stage].jobs;
    const std::size_t first = places_.size();
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      plan.add_job(indexes_[stage], requirement);
      places_.push_back({stage, i});
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      for (const std::size_t need : jobs[i].needs) plan.add_need(index(first + i), index(need));
    }
    plan.close_stage(indexes_[stage]);
  }

  std::vector<TinyStage> stages_;
  std::vector<StageIndex> indexes_;
  std::vector<Place> places_;  // by job
};

}  // namespace enjoin::test
