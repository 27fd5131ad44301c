#include "runner/pipeline/checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "runner/pipeline/names.h"
#include "runner/pipeline/text_reader.h"

namespace enjoin {
namespace {

using SourceKind = ForeachSource::Kind;
using PieceKind = TextPiece::Kind;

class Checker {
 public:
  Checker(PipelineFile* file, Complaints* complaints) : file_(*file), complaints_(*complaints) {}

  void run(std::vector<StageDraft> drafts);

 private:
  void check_names();
  void look_up(const StageDraft& draft, PipelineStage* stage);
  std::optional<std::size_t> stage_called(const NameUse& use);
  void look_up_pools(const StageDraft& draft, PipelineStage* stage);

  void find_columns(PipelineStage* stage);
  void inherit_columns(std::size_t from, FilePosition at, PipelineStage* stage);
  void add_column(const std::string& name, FilePosition at, PipelineStage* stage);
  void check_by(const PipelineStage& stage, const NeedsEach& each);
  void need_column(const PipelineStage& stage, const std::string& column, FilePosition at);

  void read_texts(PipelineStage* stage);
  void read_foreach(TextReader* reader, PipelineStage* stage);
  void check_outputs();
  void check_output(const PipelineStage& stage, const PipeText& text);

  PipelineFile& file_;
  Complaints& complaints_;
  std::map<std::string, FilePosition> constant_outputs_;
};

void Checker::run(std::vector<StageDraft> drafts) {
  for (const StageDraft& draft : drafts) file_.stages.push_back(draft.stage);
  check_names();
  for (std::size_t at = 0; at < drafts.size(); ++at) look_up(drafts[at], &file_.stages[at]);
  const std::vector<std::size_t> order = check_rings(file_, drafts, &complaints_);
  // Whoever is in a ring may look at columns that are not there: those complaints would mislead.
  if (complaints_.empty())
    for (const std::size_t at : order) find_columns(&file_.stages[at]);
  else
    for (PipelineStage& stage : file_.stages) stage.more_columns = true;
  for (PipelineStage& stage : file_.stages) read_texts(&stage);
  check_outputs();
}

void Checker::check_names() {
  std::map<std::string_view, FilePosition> seen;
  for (const PipelineStage& stage : file_.stages) {
    if (stage.name.empty()) continue;  // told before
    if (!is_stage_name(stage.name)) {
      complaints_.add(
          stage.at,
          fmt::format("stage '{}': a name is made of letters, digits, _ and -", stage.name));
    }
    const auto [first, is_new] = seen.emplace(stage.name, stage.at);
    if (!is_new)
      complaints_.add(stage.at, fmt::format("stage '{}' is there twice: the first is in line {}",
                                            stage.name, first->second.line));
  }
}

std::optional<std::size_t> Checker::stage_called(const NameUse& use) {
  if (const std::optional<std::size_t> found = file_.find_stage(use.name)) return found;
  std::vector<std::string_view> known;
  for (const PipelineStage& stage : file_.stages) known.push_back(stage.name);
  complaints_.add(use.at,
                  fmt::format("there is no stage '{}'{}", use.name, did_you_mean(use.name, known)));
  return std::nullopt;
}

void Checker::look_up(const StageDraft& draft, PipelineStage* stage) {
  for (const NameUse& need : draft.needs) {
    const std::optional<std::size_t> found = stage_called(need);
    if (found && std::find(stage->needs.begin(), stage->needs.end(), *found) == stage->needs.end())
      stage->needs.push_back(*found);
  }
  for (const StageDraft::Each& each : draft.needs_each)
    if (const auto found = stage_called(each.stage))
      stage->needs_each.push_back({*found, each.by, each.stage.at});
  for (LinkedSources& sources : stage->foreach)
    for (ForeachSource& source : sources)
      if (source.kind == SourceKind::kStage)
        source.stage = stage_called({source.text.source, source.text.at}).value_or(0);
  look_up_pools(draft, stage);
}

void Checker::look_up_pools(const StageDraft& draft, PipelineStage* stage) {
  std::vector<std::string_view> known;
  for (const PoolSpec& pool : file_.pools) known.push_back(pool.name);
  for (const NameUse& use : draft.pools) {
    const auto found = std::find(known.begin(), known.end(), use.name);
    const auto at = static_cast<std::size_t>(found - known.begin());
    if (found == known.end()) {
      complaints_.add(use.at, fmt::format("there is no pool '{}': [pools] names them{}", use.name,
                                          did_you_mean(use.name, known)));
    } else if (std::find(stage->pools.begin(), stage->pools.end(), at) == stage->pools.end()) {
      stage->pools.push_back(at);
    }
  }
}

void Checker::find_columns(PipelineStage* stage) {
  for (const LinkedSources& sources : stage->foreach) {
    for (const ForeachSource& source : sources) {
      if (source.kind == SourceKind::kStage) {
        inherit_columns(source.stage, source.text.at, stage);
      } else if (source.kind == SourceKind::kTable) {
        stage->more_columns = true;
      } else if (!source.name.empty()) {
        add_column(source.name, source.at, stage);
      }
    }
  }
  for (const NeedsEach& each : stage->needs_each) {
    if (!file_.stages[each.stage].is_many()) {
      const std::string& name = file_.stages[each.stage].name;
      complaints_.add(each.at, fmt::format("stage '{0}' has no items, only one job: write needs = "
                                           "[\"{0}\"]",
                                           name));
      continue;
    }
    const bool makes_items = stage->foreach.empty() && &each == stage->needs_each.data();
    if (makes_items && each.by.empty()) {
      inherit_columns(each.stage, each.at, stage);
    } else if (makes_items) {
      for (const std::string& column : each.by) add_column(column, each.at, stage);
    }
    check_by(*stage, each);
  }
}

void Checker::inherit_columns(std::size_t from, FilePosition at, PipelineStage* stage) {
  const PipelineStage& other = file_.stages[from];
  if (!other.is_many()) {
    complaints_.add(at, fmt::format("stage '{}' has no items to go through: it has one job. Name "
                                    "it in 'needs'",
                                    other.name));
    return;
  }
  for (const std::string& column : other.columns) add_column(column, at, stage);
  if (other.more_columns) stage->more_columns = true;
}

void Checker::add_column(const std::string& name, FilePosition at, PipelineStage* stage) {
  if (std::find(stage->columns.begin(), stage->columns.end(), name) != stage->columns.end()) {
    complaints_.add(at, fmt::format("the column '{}' is there twice", name));
    return;
  }
  stage->columns.push_back(name);
  for (const PipelineVariable& variable : file_.variables)
    if (variable.name == name)
      complaints_.add(at, fmt::format("'{}' is a column and a variable (line {}): rename one", name,
                                      variable.at.line));
  for (const PoolSpec& pool : file_.pools)
    if (pool.name == name && !pool.values.empty())
      complaints_.add(at, fmt::format("'{}' is a column and a pool with values: rename one", name));
}

void Checker::check_by(const PipelineStage& stage, const NeedsEach& each) {
  for (const std::string& column : each.by) {
    need_column(file_.stages[each.stage], column, each.at);
    if (&stage != &file_.stages[each.stage]) need_column(stage, column, each.at);
  }
}

void Checker::need_column(const PipelineStage& stage, const std::string& column, FilePosition at) {
  const std::vector<std::string>& known = stage.columns;
  if (stage.more_columns || std::find(known.begin(), known.end(), column) != known.end()) return;
  complaints_.add(at, fmt::format("stage '{}' has no column '{}'{}", stage.name, column,
                                  did_you_mean(column, known)));
}

void Checker::read_texts(PipelineStage* stage) {
  TextReader reader(file_, *stage, &complaints_);
  const auto read_all = [&](TextUse use, std::vector<PipeText>* texts) {
    for (PipeText& text : *texts) reader.read(use, &text);
  };
  if (stage->run) reader.read(TextUse::kRun, &*stage->run);
  read_all(TextUse::kWord, &stage->command);
  for (auto& [name, text] : stage->env)
    if (text) reader.read(TextUse::kWord, &*text);
  reader.read(TextUse::kPath, &stage->cwd);
  reader.read(TextUse::kStdinPath, &stage->stdin_path);
  reader.read(TextUse::kStdoutPath, &stage->stdout_path);
  reader.read(TextUse::kStdoutPath, &stage->stderr_path);
  read_all(TextUse::kPath, &stage->inputs);
  read_all(TextUse::kPath, &stage->outputs);
  read_foreach(&reader, stage);
}

void Checker::read_foreach(TextReader* reader, PipelineStage* stage) {
  for (LinkedSources& sources : stage->foreach) {
    for (ForeachSource& source : sources) {
      if (source.kind == SourceKind::kStage) continue;
      reader->read(
          source.kind == SourceKind::kCommand ? TextUse::kForeachCommand : TextUse::kForeach,
          &source.text);
      std::vector<PipeText> items;
      for (PipeText& item : source.items) {
        reader->read(TextUse::kForeach, &item);
        if (item.pieces.size() != 1 || !item.pieces[0].is_many()) {
          items.push_back(std::move(item));
          continue;
        }
        // A variable that is a list: an item for each.
        for (const std::string& value : item.pieces[0].values) {
          items.push_back(item);
          items.back().pieces[0].values = {value};
        }
      }
      source.items = std::move(items);
    }
  }
}

bool is_own_output(const PipeText& text) {
  return std::any_of(text.pieces.begin(), text.pieces.end(),
                     [](const TextPiece& piece) { return piece.kind == PieceKind::kOut; });
}

bool differs_by_item(const PipeText& text) {
  return std::any_of(text.pieces.begin(), text.pieces.end(), [](const TextPiece& piece) {
    return piece.kind != PieceKind::kLiteral && piece.kind != PieceKind::kValues &&
           piece.kind != PieceKind::kCpus;
  });
}

void Checker::check_outputs() {
  for (const PipelineStage& stage : file_.stages) {
    for (const PipeText& text : stage.outputs) check_output(stage, text);
    const auto is_same = [&](const PipeText& text) {
      return text.source == stage.stdout_path.source;
    };
    if (std::any_of(stage.outputs.begin(), stage.outputs.end(), is_same)) continue;
    if (!stage.stdout_path.empty() && !is_own_output(stage.stdout_path))
      check_output(stage, stage.stdout_path);
  }
}

/// Two jobs must not write the same file.
void Checker::check_output(const PipelineStage& stage, const PipeText& text) {
  if (differs_by_item(text) || differs_by_item(stage.cwd)) return;
  if (stage.is_many()) {
    complaints_.add(text.at, fmt::format("all jobs of stage '{}' would write '{}': put a column or "
                                         "{{item}} into it",
                                         stage.name, text.source));
    return;
  }
  const std::string key = stage.cwd.source + '\0' + text.source;
  const auto [first, is_new] = constant_outputs_.emplace(key, text.at);
  if (!is_new)
    complaints_.add(text.at, fmt::format("'{}' is an output twice: the first is in line {}",
                                         text.source, first->second.line));
}

}  // namespace

void check_stages(std::vector<StageDraft> drafts, PipelineFile* file, Complaints* complaints) {
  Checker(file, complaints).run(std::move(drafts));
}

}  // namespace enjoin
