#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/graph/graph_plan.h"
#include "runner/pipeline/pipeline_file.h"
#include "runner/pipeline/stage_items.h"
#include "runner/pipeline/text_writer.h"
#include "runner/record/identity.h"
#include "worker/job_recipe.h"

namespace enjoin {

/// What the jobs of a pipeline are. Nothing is kept for a job but its item: all is written when it
/// is asked for. The stage of a job, and those whose outputs it names, must have been expanded.
class PipelineJobs {
 public:
  explicit PipelineJobs(PipelineFile file);
  PipelineJobs(const PipelineJobs&) = delete;
  PipelineJobs& operator=(const PipelineJobs&) = delete;

  const PipelineFile& file() const { return file_; }
  PipelineItems& items() { return items_; }
  const PipelineItems& items() const { return items_; }

  /// Reads the items of a stage, of those that it iterates over and whose outputs it names, as they
  /// are now: of a stage that does not run, whose work is taken to be done. Throws Error.
  void expand_at_once(std::size_t stage);

  /// Throws Error where two jobs of a stage would write the same file: which, where.
  void check_outputs(std::size_t stage) const;

  /// The stages whose outputs the texts of `stage` name.
  const std::vector<std::size_t>& named_stages(std::size_t stage) const { return named_[stage]; }

  /// Whether these, and those that their outputs name, have been expanded: else the texts of
  /// `stage` cannot be written yet.
  bool is_settled(std::size_t stage) const;

  std::string name(JobPlace job) const { return job_name(file_, items_, job); }
  std::string command(JobPlace job) const;
  /// Files of lists, and the folder of its stderr, are made.
  JobRecipe recipe(JobPlace job, const GraphPlan::Start& start) const;
  /// From our own folder; patterns as what matches now, or as themselves where nothing does.
  std::vector<std::string> inputs(JobPlace job) const;
  std::vector<std::string> outputs(JobPlace job) const;
  /// Those of `outputs` that are no patterns.
  std::vector<std::string> literal_outputs(JobPlace job) const;
  bool has_output_patterns(std::size_t stage) const;
  Identity identity(JobPlace job) const;

 private:
  TextWriter writer(JobPlace job, TextAim use, const GraphPlan::Start* start = nullptr) const {
    return {file_, items_, job, use, start};
  }
  std::vector<std::string> written_paths(JobPlace job) const;
  std::vector<std::string> words(const PipelineStage& stage, const TextWriter& writer) const;

  PipelineFile file_;
  PipelineItems items_;
  std::vector<std::vector<std::size_t>> named_;       // by stage: those whose {outputs} are named
  std::vector<std::vector<TextPiece>> named_pieces_;  // by stage: where they are, each once
};

}  // namespace enjoin
