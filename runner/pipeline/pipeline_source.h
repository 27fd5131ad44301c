#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/graph/job_source.h"
#include "runner/pipeline/pipeline_file.h"
#include "runner/pipeline/stage_selection.h"
#include "runner/pipeline/text_writer.h"

namespace enjoin {

class PipelineJobs;

/// The jobs of a pipeline file: stages become jobs by their items, texts become commands by their
/// replacement strings (docs/pipelines.md). A stage whose items come from files or commands, and
/// that needs others, is looked at when these have ended; so are those that iterate over it.
class PipelineSource : public JobSource {
 public:
  /// Throws Error, where the selection is wrong.
  PipelineSource(PipelineFile file, const StageSelection& selection);
  ~PipelineSource() override;

  void begin(GraphPlan& plan) override;
  void open(GraphPlan& plan, StageIndex stage) override;
  Pull pull(GraphPlan&) override { return Pull::kEnd; }
  Isolate isolate() const override;

  JobText text(JobIndex job) const override;
  bool is_settled(JobIndex job) const override;
  std::string command(JobIndex job) const override;
  JobRecipe recipe(const GraphPlan::Start& start) override;
  std::chrono::nanoseconds timeout(JobIndex job) const override;
  std::vector<std::string> inputs(JobIndex job) const override;
  std::vector<std::string> outputs(JobIndex job) const override;
  std::vector<std::string> failed_outputs(JobIndex job) const override;
  Identity identity(JobIndex job) const override;

 private:
  // A stage of the file, in the plan.
  struct Stage {
    StageIndex index{};
    RequirementIndex requirement{};
    std::vector<StageIndex> needs;
    bool is_late = false;  // its items can be read only when it is opened
    bool waits = false;    // so is this, or a stage that it iterates over
    bool is_opened = false;
    bool has_jobs = false;  // they have been added, even if none
    std::uint32_t first_job = 0;
  };
  JobPlace place(JobIndex job) const;
  void add_stage(GraphPlan& plan, std::size_t stage);
  bool joins(std::size_t stage, std::size_t needed) const;
  bool can_expand(std::size_t stage) const;
  void add_known_jobs(GraphPlan& plan);
  void add_jobs(GraphPlan& plan, std::size_t stage);
  void add_needs(GraphPlan& plan, std::size_t stage, std::uint32_t item);

  std::unique_ptr<PipelineJobs> jobs_;
  std::vector<bool> selected_;        // by stage of the file
  std::vector<std::size_t> order_;    // the selected, in the order of the plan
  std::vector<Stage> stages_;         // by stage of the file
  std::vector<std::size_t> started_;  // stages with jobs, by their first
  std::uint32_t jobs_added_ = 0;
  // By job, what the patterns of its outputs matched when it started.
  std::unordered_map<std::uint32_t, std::vector<std::string>> there_before_;
};

}  // namespace enjoin
