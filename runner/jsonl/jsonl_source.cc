#include "runner/jsonl/jsonl_source.h"

#include <algorithm>
#include <poll.h>
#include <utility>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "runner/jsonl/job_paths.h"

namespace enjoin {
namespace {

constexpr int kLinesAtOnce = 32;
constexpr std::size_t kMostProblems = 20;
constexpr std::string_view kStage = "jobs";  // of jobs that name none
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == text.npos;
}

bool asks_for_nothing(const JobLine& line) {
  return line.cpus == 1 && line.memory.empty() && line.pools.empty() && line.attempts == 1;
}

}  // namespace

JsonlSource::JsonlSource(const std::string& path)
    : reader_(path, "\n"), name_(path == "-" ? "stdin" : path) {
  hash_.reset();
  no_environment_ = hash_.value64();
  wait_first_line();
}

void JsonlSource::wait_first_line() {
  std::string_view text;
  Pull without = Pull::kEnd;
  while (!next_line(&text, &without)) {
    if (without == Pull::kEnd) return;
    pollfd waited{reader_.wait_fd(), POLLIN, 0};
    ::poll(&waited, 1, -1);
  }
  try {
    if (lines_.read(text, &coming_) == JobLineReader::Kind::kHeader) return;
  } catch (const LineError& error) {
    report(number_, text, error);
    throw_problems();
  }
  first_ = text;
  has_first_ = true;
}

/// False: there is none now, and `*without` says why.
bool JsonlSource::next_line(std::string_view* text, Pull* without) {
  do {
    *without = reader_.pull(text);
    if (*without != Pull::kRecord) return false;
    if (++number_ == 1 && text->starts_with(kByteOrderMark)) {
      text->remove_prefix(kByteOrderMark.size());
    }
  } while (is_blank(*text));
  return true;
}

void JsonlSource::begin(GraphPlan& plan) {
  for (const PoolSpec& pool : lines_.header().pools) pools_[pool.name] = plan.add_pool(pool);
}

Pull JsonlSource::pull(GraphPlan& plan) {
  if (std::exchange(has_first_, false)) take_line(plan, first_);
  std::string_view text;
  Pull without = Pull::kRecord;
  for (int left = kLinesAtOnce; left > 0 && next_line(&text, &without); --left) {
    take_line(plan, text);
  }
  if (without == Pull::kEnd) end(plan);
  return without;
}

void JsonlSource::take_line(GraphPlan& plan, std::string_view text) {
  try {
    static_cast<void>(lines_.read(text, &coming_));
    add(plan, text);
  } catch (const LineError& error) {
    report(number_, text, error);
    if (wait_fd() >= 0) throw_problems();
  }
}

void JsonlSource::report(std::uint64_t number, std::string_view text, const LineError& error) {
  if (problems_.size() == kMostProblems) {
    ++more_problems_;
  } else {
    problems_.push_back(place(number, text, error.offset()) + error.what());
  }
}

/// "jobs.jsonl:3:14: ".
std::string JsonlSource::place(std::uint64_t number, std::string_view text,
                               std::size_t offset) const {
  std::size_t column = 1;
  for (const char letter : text.substr(0, offset)) {
    column += (static_cast<unsigned char>(letter) & 0xC0) != 0x80;  // the bytes that begin one
  }
  return fmt::format("{}:{}:{}: ", name_, number, column);
}

void JsonlSource::throw_problems() const {
  std::string text;
  for (const std::string& problem : problems_) {
    if (!text.empty()) text += '\n';
    text += problem;
  }
  if (more_problems_ > 0) text += fmt::format("\n{}: and {} more", name_, more_problems_);
  throw Error(text);
}

void JsonlSource::add(GraphPlan& plan, std::string_view text) {
  if (coming_.isolate != Isolate::kNone && isolate() == Isolate::kNone) {
    throw LineError(0,
                    "\"isolate\" must be said in the first line too, for the whole run is made so: "
                    R"({"enjoin": 1, "defaults": {"isolate": "pid"}}; others may say "none")");
  }
  if (!coming_.line.empty() && coming_.shell.empty() && !found_shell_) {
    if (!is_in_path("bash")) {
      throw LineError(0, R"("sh" is run by bash, which is not in PATH; another shell is named by )"
                         R"("shell": ["sh", "-eu"])");
    }
    found_shell_ = true;
  }
  find_keys();
  const KeptLine kept = kept_.keep(text, number_);
  const JobIndex job = place_job(plan, kept);
  add_needs(plan, job, kept);
}

/// Of a large graph, each look into the table misses all caches: so they are announced together.
void JsonlSource::find_keys() {
  own_key_ = key_of(coming_.id.empty() ? unnamed_id(number_) : coming_.id);
  ids_.prefetch(own_key_);
  need_keys_.clear();
  for (const std::string& need : coming_.needs) {
    need_keys_.push_back(key_of(need));
    ids_.prefetch(need_keys_.back());
  }
}

/// Gives the line its job in the plan.
JobIndex JsonlSource::place_job(GraphPlan& plan, const KeptLine& kept) {
  const StageIndex stage = stage_of(plan);
  const RequirementIndex requirement = requirement_of(plan);
  const auto key_at = [this](std::uint32_t index) -> const IdTable::Key& {
    return entries_[index].key;
  };
  const IdTable::Key& key = own_key_;
  const IdTable::Place place = ids_.find(key, key_at);
  JobIndex job{};
  if (!place.index) {
    job = plan.add_job(stage, requirement, coming_.expected);
    entries_.emplace_back();
    defined_.push_back(true);
    entries_.back().key = key;
    ids_.insert(place, key, static_cast<std::uint32_t>(job));
  } else if (job = JobIndex{*place.index}; !is_defined(job)) {
    plan.define_job(job, stage, requirement, coming_.expected);
    defined_[at(job)] = true;
    --promised_;
  } else {
    throw LineError(coming_.id_at, fmt::format("\"{}\" is the id of line {} already", coming_.id,
                                               entries_[*place.index].line.number));
  }
  Entry& entry = entries_[at(job)];
  entry.line = kept;
  entry.command = hash_command(coming_, hash_);
  entry.environment =
      coming_.environment.empty() ? no_environment_ : hash_words(coming_.environment, hash_);
  has_files_.resize(entries_.size());
  has_files_[at(job)] = !input_paths(coming_).empty() || !output_paths(coming_).empty();
  return job;
}

void JsonlSource::add_needs(GraphPlan& plan, JobIndex job, const KeptLine& kept) {
  for (std::size_t i = 0; i < coming_.needs.size(); ++i) {
    const JobIndex on = job_of(plan, need_keys_[i], kept);
    if (on == job) throw LineError(coming_.needs_at[i], "a job cannot need itself");
    plan.add_need(job, on);
  }
}

/// The job with this id, which may still have to come.
JobIndex JsonlSource::job_of(GraphPlan& plan, const IdTable::Key& key, const KeptLine& needed_by) {
  const auto key_at = [this](std::uint32_t index) -> const IdTable::Key& {
    return entries_[index].key;
  };
  const IdTable::Place place = ids_.find(key, key_at);
  if (place.index) return JobIndex{*place.index};
  const JobIndex job = plan.promise_job();
  entries_.emplace_back();
  defined_.push_back(false);
  entries_.back().key = key;
  entries_.back().line = needed_by;
  ids_.insert(place, key, static_cast<std::uint32_t>(job));
  ++promised_;
  looked_ahead_ = true;
  return job;
}

/// Whether failures are allowed is a matter of stages, so a name may stand for two of them.
StageIndex JsonlSource::stage_of(GraphPlan& plan) {
  const std::string_view name = coming_.stage.empty() ? kStage : std::string_view(coming_.stage);
  if (last_stage_ == nullptr || last_stage_->first.first != name ||
      last_stage_->first.second != coming_.allow_failure) {
    const auto [there, is_new] =
        stages_.try_emplace({std::string(name), coming_.allow_failure}, StageIndex{});
    if (is_new) {
      StageSpec spec;
      spec.name = name;
      spec.allow_failure = coming_.allow_failure;
      there->second = plan.add_stage(std::move(spec));
    }
    last_stage_ = &*there;
  }
  return last_stage_->second;
}

RequirementIndex JsonlSource::requirement_of(GraphPlan& plan) {
  if (asks_for_nothing(coming_)) {
    if (!plain_requirement_) plain_requirement_ = plan.add_requirement({});
    return *plain_requirement_;
  }
  Requirement requirement;
  requirement.cpus = coming_.cpus;
  requirement.memory = coming_.memory;
  requirement.attempts = coming_.attempts;
  requirement.retry_delay = coming_.retry_delay;
  requirement.retry_backoff = coming_.retry_backoff;
  for (const std::string& name : coming_.pools) {
    const auto pool = pools_.find(name);
    if (pool == pools_.end()) {
      throw LineError(coming_.pools_at,
                      fmt::format("no pool is called \"{}\"; the first line makes pools: "
                                  R"({{"enjoin": 1, "pools": {{"{}": 1}}}})",
                                  name, name));
    }
    requirement.pools.push_back(pool->second);
  }
  return plan.add_requirement(requirement);
}

void JsonlSource::end(GraphPlan& plan) {
  if (problems_.empty()) check_graph(plan);
  if (!problems_.empty()) throw_problems();
  for (const auto& [name, stage] : stages_) plan.close_stage(stage);
}

// A job whose needs all stood in earlier lines is in no ring.
void JsonlSource::check_graph(const GraphPlan& plan) {
  for (std::size_t index = 0; promised_ > 0 && index < entries_.size(); ++index) {
    if (defined_[index]) continue;
    --promised_;
    const KeptLine& line = entries_[index].line;
    const Need need = need_of(JobIndex{static_cast<std::uint32_t>(index)});
    report(line.number, line.view(),
           LineError(need.at, fmt::format("needs \"{}\", which no line describes", need.id)));
  }
  if (!problems_.empty() || !looked_ahead_) return;
  const std::vector<JobIndex> ring = plan.find_cycle();
  if (ring.empty()) return;
  constexpr std::size_t kMostNamed = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(ring.size(), kMostNamed); ++i) {
    text += fmt::format("\"{}\" needs ", id_of(ring[i]));
  }
  text += ring.size() > kMostNamed ? fmt::format("… ({} jobs in all)", ring.size())
                                   : fmt::format("\"{}\"", id_of(ring.front()));
  const KeptLine& line = entries_[at(ring.front())].line;
  report(line.number, line.view(), LineError(0, text + ": none of them can ever start"));
}

IdTable::Key JsonlSource::key_of(std::string_view id) const {
  hash_.reset();
  return hash_.add(id).value128();
}

/// The need of the line that first named this promised job.
JsonlSource::Need JsonlSource::need_of(JobIndex job) const {
  const Entry& entry = entries_[at(job)];
  JobLine line;
  static_cast<void>(lines_.read(entry.line.view(), &line));
  for (std::size_t i = 0; i < line.needs.size(); ++i) {
    if (key_of(line.needs[i]) == entry.key) return {line.needs[i], line.needs_at[i]};
  }
  return {};
}

std::string JsonlSource::id_of(JobIndex job) const {
  if (!is_defined(job)) return need_of(job).id;
  const std::string& id = line(job).id;
  return id.empty() ? unnamed_id(entries_[at(job)].line.number) : id;
}

const JobLine& JsonlSource::line(JobIndex job) const {
  if (asked_index_ != at(job)) {
    static_cast<void>(lines_.read(entries_[at(job)].line.view(), &asked_));
    asked_index_ = is_defined(job) ? at(job) : ~std::uint64_t{0};
  }
  return asked_;
}

JobText JsonlSource::text(JobIndex job) const {
  JobText text{at(job) + 1, std::string(kStage), id_of(job)};
  if (is_defined(job) && !line(job).stage.empty()) text.stage = line(job).stage;
  return text;
}

std::string JsonlSource::command(JobIndex job) const {
  return command_text(line(job));
}

JobRecipe JsonlSource::recipe(const GraphPlan::Start& start) {
  JobRecipe recipe = make_recipe(line(start.job));
  recipe.label = id_of(start.job);
  for (std::size_t i = 0; i < start.pool_values.size(); ++i) {
    if (start.pool_values[i] == nullptr) continue;
    recipe.environment.push_back(
        fmt::format("ENJOIN_POOL_{}={}", line(start.job).pools[i], *start.pool_values[i]));
  }
  return recipe;
}

std::vector<std::string> JsonlSource::inputs(JobIndex job) const {
  return has_files_[at(job)] ? input_paths(line(job)) : std::vector<std::string>();
}

std::vector<std::string> JsonlSource::outputs(JobIndex job) const {
  return has_files_[at(job)] ? output_paths(line(job)) : std::vector<std::string>();
}

Identity JsonlSource::identity(JobIndex job) const {
  const Entry& entry = entries_[at(job)];
  return {entry.key, entry.command, entry.environment, 0};
}

}  // namespace enjoin
