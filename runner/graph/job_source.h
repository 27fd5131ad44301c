#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/graph/graph_plan.h"
#include "runner/input/input_source.h"
#include "runner/record/identity.h"
#include "worker/job_recipe.h"

namespace enjoin {

/// What people and logs call a job.
struct JobText {
  std::uint64_t seq = 0;  ///< from 1, in the order in which jobs came to be
  std::string stage;
  std::string name;  ///< "align[s1]", "index", or the id of a machine-made graph
};

/// Where the jobs of a run come from, and what each of them is: a pipeline file
/// (pipeline/pipeline_source.h) or JSON Lines (jsonl/jsonl_source.h). The plan knows jobs by their
/// index only; all their text stays here.
class JobSource {
 public:
  virtual ~JobSource() = default;

  /// Adds the pools, the stages, and the jobs that are known before anything runs. Throws Error.
  virtual void begin(GraphPlan& plan) = 0;
  /// The needs of a stage are met: adds the jobs that could not be known before, and closes it.
  virtual void open(GraphPlan& plan, StageIndex stage) = 0;
  /// Adds what has come meanwhile; kEnd: nothing more will. kRecord: call again.
  virtual Pull pull(GraphPlan& plan) = 0;
  virtual int wait_fd() const { return -1; }  ///< readable: pull() may have more
  /// Whether some of its jobs, come or to come, may ask for isolation.
  virtual Isolate isolate() const { return Isolate::kNone; }

  virtual JobText text(JobIndex job) const = 0;
  /// False: what the job is depends on jobs that have not come to be. Its name is known, and when
  /// the plan gives it to be started, all is; identity(), inputs() and outputs() are not before.
  virtual bool is_settled(JobIndex) const { return true; }
  virtual std::string command(JobIndex job) const = 0;          ///< for people, joblog and record
  virtual JobRecipe recipe(const GraphPlan::Start& start) = 0;  ///< how to run this attempt
  virtual std::chrono::nanoseconds timeout(JobIndex) const { return {}; }  ///< 0: none
  /// Files that it declares, as paths from our own folder. Of `outputs`, all must be there when it
  /// has succeeded; none is left by an attempt that failed.
  virtual std::vector<std::string> inputs(JobIndex) const { return {}; }
  virtual std::vector<std::string> outputs(JobIndex) const { return {}; }
  /// Those to remove after an attempt that failed: of a pattern, only what was not there before it.
  virtual std::vector<std::string> failed_outputs(JobIndex job) const { return outputs(job); }
  /// With `input` still 0: the record adds what the inputs hold.
  virtual Identity identity(JobIndex job) const = 0;
};

}  // namespace enjoin
