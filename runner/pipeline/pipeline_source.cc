#include "runner/pipeline/pipeline_source.h"

#include <algorithm>
#include <utility>

#include "runner/pipeline/item_sources.h"
#include "runner/pipeline/pipeline_jobs.h"

namespace enjoin {
namespace {

void add_once(StageIndex stage, std::vector<StageIndex>* stages) {
  if (std::find(stages->begin(), stages->end(), stage) == stages->end()) stages->push_back(stage);
}

Requirement requirement_of(const PipelineStage& stage) {
  Requirement requirement;
  requirement.cpus = stage.cpus;
  requirement.memory = stage.memory;
  for (const std::size_t pool : stage.pools) {
    requirement.pools.push_back(PoolIndex{static_cast<std::uint32_t>(pool)});
  }
  requirement.attempts = stage.attempts;
  requirement.retry_delay = stage.retry_delay;
  requirement.retry_backoff = stage.retry_backoff;
  return requirement;
}

}  // namespace

PipelineSource::PipelineSource(PipelineFile file, const StageSelection& selection)
    : jobs_(std::make_unique<PipelineJobs>(std::move(file))),
      selected_(select_stages(jobs_->file(), selection)),
      stages_(jobs_->file().stages.size()) {
  for (const std::size_t stage : in_order_of_needs(jobs_->file())) {
    if (selected_[stage]) order_.push_back(stage);
  }
}

PipelineSource::~PipelineSource() = default;

void PipelineSource::begin(GraphPlan& plan) {
  for (const PoolSpec& pool : jobs_->file().pools) plan.add_pool(pool);
  for (const std::size_t stage : order_) add_stage(plan, stage);
  add_known_jobs(plan);
}

/// Whether all jobs of `needed` end before one of `stage` starts, although they go item by item:
/// whether an item is wanted by its failure, or in spite of it, is a matter of whole stages.
bool PipelineSource::joins(std::size_t stage, std::size_t needed) const {
  const std::vector<PipelineStage>& all = jobs_->file().stages;
  return all[stage].when != When::kSuccess ||
         (stages_[needed].waits && all[needed].when != When::kSuccess);
}

void PipelineSource::add_stage(GraphPlan& plan, std::size_t stage) {
  const PipelineStage& described = jobs_->file().stages[stage];
  Stage& added = stages_[stage];
  for (const std::size_t needed : described.needs) {
    if (selected_[needed]) add_once(stages_[needed].index, &added.needs);
  }
  added.is_late = !added.needs.empty() && reads_outside(described);
  added.waits = added.is_late;
  for (const std::size_t other : jobs_->items().iterated_over(stage)) {
    if (!selected_[other]) {
      jobs_->expand_at_once(other);
    } else if (joins(stage, other)) {
      add_once(stages_[other].index, &added.needs);
    } else if (stages_[other].waits) {
      // It can be opened when the other is, and never is if that never is.
      for (const StageIndex needed : stages_[other].needs) add_once(needed, &added.needs);
    }
    if (selected_[other] && stages_[other].waits) added.waits = true;
  }
  for (const std::size_t other : jobs_->named_stages(stage)) {
    if (!selected_[other]) jobs_->expand_at_once(other);
  }
  StageSpec spec;
  spec.name = described.name;
  spec.needs = added.needs;
  spec.when = described.when;
  spec.most_running = described.most_running;
  spec.allow_failure = described.allow_failure;
  added.index = plan.add_stage(std::move(spec));
  added.requirement = plan.add_requirement(requirement_of(described));
}

void PipelineSource::open(GraphPlan& plan, StageIndex stage) {
  stages_[order_[at(stage)]].is_opened = true;
  add_known_jobs(plan);
}

bool PipelineSource::can_expand(std::size_t stage) const {
  if (stages_[stage].has_jobs || (stages_[stage].is_late && !stages_[stage].is_opened))
    return false;
  const std::vector<std::size_t> others = jobs_->items().iterated_over(stage);
  return std::all_of(others.begin(), others.end(),
                     [this](std::size_t other) { return jobs_->items().is_expanded(other); });
}

// Those of one stage may be what the next was waiting for.
void PipelineSource::add_known_jobs(GraphPlan& plan) {
  for (const std::size_t stage : order_) {
    if (!can_expand(stage)) continue;
    jobs_->items().expand(stage);
    jobs_->check_outputs(stage);
    add_jobs(plan, stage);
    plan.close_stage(stages_[stage].index);
  }
}

void PipelineSource::add_jobs(GraphPlan& plan, std::size_t stage) {
  Stage& added = stages_[stage];
  added.has_jobs = true;
  added.first_job = jobs_added_;
  const std::uint32_t rows = jobs_->items().items(stage).table.rows();
  if (rows == 0) return;
  started_.push_back(stage);
  for (std::uint32_t item = 0; item < rows; ++item) {
    plan.add_job(added.index, added.requirement);
    ++jobs_added_;
    add_needs(plan, stage, item);
  }
}

void PipelineSource::add_needs(GraphPlan& plan, std::size_t stage, std::uint32_t item) {
  const JobIndex job{stages_[stage].first_job + item};
  for (const StageLink& link : jobs_->items().items(stage).links) {
    if (link.kind == StageLink::Kind::kAll || !selected_[link.stage] || joins(stage, link.stage))
      continue;
    const std::uint32_t first = stages_[link.stage].first_job;
    jobs_->items().each_needed(
        link, item, [&](std::uint32_t row) { plan.add_need(job, JobIndex{first + row}); });
  }
}

JobPlace PipelineSource::place(JobIndex job) const {
  const auto number = static_cast<std::uint32_t>(job);
  const auto next = std::upper_bound(started_.begin(), started_.end(), number,
                                     [this](std::uint32_t wanted, std::size_t stage) {
                                       return wanted < stages_[stage].first_job;
                                     });
  const std::size_t stage = *(next - 1);
  return {.stage = stage, .item = number - stages_[stage].first_job};
}

Isolate PipelineSource::isolate() const {
  Isolate most = Isolate::kNone;
  for (const std::size_t stage : order_) {
    most = std::max(most, jobs_->file().stages[stage].isolate);
  }
  return most;
}

JobText PipelineSource::text(JobIndex job) const {
  const JobPlace where = place(job);
  return {.seq = at(job) + 1,
          .stage = jobs_->file().stages[where.stage].name,
          .name = jobs_->name(where)};
}

std::string PipelineSource::command(JobIndex job) const {
  return jobs_->command(place(job));
}

JobRecipe PipelineSource::recipe(const GraphPlan::Start& start) {
  const JobPlace job = place(start.job);
  if (jobs_->has_output_patterns(job.stage)) {
    there_before_[static_cast<std::uint32_t>(start.job)] = jobs_->outputs(job);
  }
  return jobs_->recipe(job, start);
}

std::chrono::nanoseconds PipelineSource::timeout(JobIndex job) const {
  return jobs_->file().stages[place(job).stage].timeout;
}

std::vector<std::string> PipelineSource::inputs(JobIndex job) const {
  return jobs_->inputs(place(job));
}

std::vector<std::string> PipelineSource::outputs(JobIndex job) const {
  return jobs_->outputs(place(job));
}

// A pattern may match files that are none of the job's making.
std::vector<std::string> PipelineSource::failed_outputs(JobIndex job) const {
  std::vector<std::string> paths = outputs(job);
  const JobPlace where = place(job);
  if (!jobs_->has_output_patterns(where.stage)) return paths;
  const auto noted = there_before_.find(static_cast<std::uint32_t>(job));
  if (noted == there_before_.end()) return {};
  std::vector<std::string> kept = noted->second;
  const std::vector<std::string> declared = jobs_->literal_outputs(where);
  std::erase_if(kept, [&](const std::string& path) {
    return std::find(declared.begin(), declared.end(), path) != declared.end();
  });
  std::erase_if(paths, [&](const std::string& path) {
    return std::find(kept.begin(), kept.end(), path) != kept.end();
  });
  return paths;
}

bool PipelineSource::is_settled(JobIndex job) const {
  return jobs_->is_settled(place(job).stage);
}

Identity PipelineSource::identity(JobIndex job) const {
  return jobs_->identity(place(job));
}

}  // namespace enjoin
