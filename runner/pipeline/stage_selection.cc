#include "runner/pipeline/stage_selection.h"

#include <algorithm>
#include <string_view>

#include "enjoin/error.h"
#include "runner/near_word.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

void add_once(std::size_t stage, std::vector<std::size_t>* stages) {
  if (std::find(stages->begin(), stages->end(), stage) == stages->end()) stages->push_back(stage);
}

std::size_t named_stage(const PipelineFile& file, const std::string& name) {
  if (const auto stage = file.find_stage(name)) return *stage;
  std::vector<std::string_view> names;
  for (const PipelineStage& stage : file.stages) names.push_back(stage.name);
  const std::string_view near = near_word(name, names);
  std::string hint = " (--list shows them)";
  if (!near.empty()) hint = "; did you mean " + std::string(near) + '?';
  throw Error(term_safe(file.path) + " has no stage " + term_safe(name) + hint);
}

// A stage and all that it needs.
void mark_needs(const PipelineFile& file, std::size_t stage, std::vector<bool>* marks) {
  if ((*marks)[stage]) return;
  (*marks)[stage] = true;
  for (const std::size_t needed : direct_needs(file.stages[stage])) mark_needs(file, needed, marks);
}

// Of each stage, those that need it.
void mark_users(const PipelineFile& file, std::vector<bool>* marks) {
  for (const std::size_t stage : in_order_of_needs(file)) {
    for (const std::size_t needed : direct_needs(file.stages[stage])) {
      if ((*marks)[needed]) (*marks)[stage] = true;
    }
  }
}

void visit(const PipelineFile& file, std::size_t stage, std::vector<bool>* seen,
           std::vector<std::size_t>* order) {
  if ((*seen)[stage]) return;
  (*seen)[stage] = true;
  for (const std::size_t needed : direct_needs(file.stages[stage])) {
    visit(file, needed, seen, order);
  }
  order->push_back(stage);
}

}  // namespace

std::vector<std::size_t> direct_needs(const PipelineStage& stage) {
  std::vector<std::size_t> stages = stage.needs;
  for (const NeedsEach& needs : stage.needs_each) add_once(needs.stage, &stages);
  for (const LinkedSources& sources : stage.foreach) {
    for (const ForeachSource& source : sources) {
      if (source.kind == ForeachSource::Kind::kStage) add_once(source.stage, &stages);
    }
  }
  return stages;
}

std::vector<std::size_t> in_order_of_needs(const PipelineFile& file) {
  std::vector<std::size_t> order;
  std::vector<bool> seen(file.stages.size());
  for (std::size_t stage = 0; stage < file.stages.size(); ++stage) {
    visit(file, stage, &seen, &order);
  }
  return order;
}

std::vector<bool> select_stages(const PipelineFile& file, const StageSelection& spec) {
  const std::size_t count = file.stages.size();
  if (!spec.only.empty()) {
    if (!spec.stages.empty() || !spec.from.empty()) {
      throw Error("--only says which stages run: with it, name no others, and leave out --from");
    }
    std::vector<bool> marks(count);
    for (const std::string& name : spec.only) marks[named_stage(file, name)] = true;
    return marks;
  }
  std::vector<bool> marks(count, spec.stages.empty());
  for (const std::string& name : spec.stages) mark_needs(file, named_stage(file, name), &marks);
  if (spec.from.empty()) return marks;
  std::vector<bool> users(count);
  for (const std::string& name : spec.from) users[named_stage(file, name)] = true;
  mark_users(file, &users);
  for (std::size_t stage = 0; stage < count; ++stage) marks[stage] = marks[stage] && users[stage];
  if (std::find(marks.begin(), marks.end(), true) == marks.end()) {
    throw Error("--from leaves nothing to run: none of the stages that were named needs " +
                term_safe(spec.from.front()));
  }
  return marks;
}

}  // namespace enjoin
