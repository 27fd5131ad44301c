#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runner/graph/job_source.h"
#include "runner/pipeline/pipeline_file.h"
#include "runner/pipeline/stage_selection.h"

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
  std::string command(JobIndex job) const override;
  JobRecipe recipe(const GraphPlan::Start& start) override;
  std::chrono::nanoseconds timeout(JobIndex job) const override;
  std::vector<std::string> inputs(JobIndex job) const override;
  std::vector<std::string> outputs(JobIndex job) const override;
  Identity identity(JobIndex job) const override;

 private:
  struct Place {
    std::size_t stage;  // of the file
    std::uint32_t item;
  };
  struct Stage;
  Place place(JobIndex job) const;
  void add_stage(GraphPlan& plan, std::size_t stage);
  bool try_add_jobs(GraphPlan& plan, std::size_t stage);
  void add_jobs(GraphPlan& plan, std::size_t stage);

  std::unique_ptr<PipelineJobs> jobs_;
  std::vector<bool> selected_;      // by stage of the file
  std::vector<std::size_t> order_;  // of the selected, as they are in the plan
  std::vector<Stage> stages_;       // by stage of the file
  std::vector<std::size_t> begun_;  // stages that have jobs, in the order of these
  std::uint32_t next_job_ = 0;
};

}  // namespace enjoin
