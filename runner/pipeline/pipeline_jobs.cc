#include "runner/pipeline/pipeline_jobs.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "enjoin/error.h"
#include "runner/pipeline/path_pattern.h"
#include "worker/result_path.h"
#include "worker/shell_quote.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

using Kind = TextPiece::Kind;

template <typename Use>
void each_text(const PipelineStage& stage, Use use) {
  if (stage.run) use(*stage.run);
  for (const PipeText& text : stage.command) use(text);
  for (const auto& [name, value] : stage.env) {
    if (value) use(*value);
  }
  for (const PipeText* const text :
       {&stage.cwd, &stage.stdin_path, &stage.stdout_path, &stage.stderr_path}) {
    use(*text);
  }
  for (const PipeText& text : stage.inputs) use(text);
}

// The pieces that stand for outputs of other stages, each once; of a stage, all instead of one.
std::vector<TextPiece> find_named(const PipelineStage& stage) {
  std::vector<TextPiece> found;
  each_text(stage, [&found](const PipeText& text) {
    for (const TextPiece& piece : text.pieces) {
      if (piece.kind != Kind::kStageOut && piece.kind != Kind::kStageOutputs) continue;
      const auto same = std::find_if(found.begin(), found.end(), [&piece](const TextPiece& other) {
        return other.index == piece.index;
      });
      if (same == found.end()) {
        found.push_back(piece);
        found.back().as_file = false;
      } else if (piece.kind == Kind::kStageOutputs) {
        same->kind = Kind::kStageOutputs;
      }
    }
  });
  return found;
}

// A file that we write ourselves, when the job starts: what it names is what counts.
bool is_list(const PipeText& text) {
  return std::any_of(text.pieces.begin(), text.pieces.end(),
                     [](const TextPiece& piece) { return piece.as_file; });
}

void add_once(std::string path, std::vector<std::string>* paths) {
  if (std::find(paths->begin(), paths->end(), path) == paths->end())
    paths->push_back(std::move(path));
}

// Up to the first name with a wildcard: what comes behind has no folder to be made yet.
std::string_view begin_of_pattern(std::string_view pattern) {
  for (std::size_t slash = 0; (slash = pattern.find('/', slash)) != pattern.npos; ++slash) {
    if (has_wildcard(pattern.substr(0, slash))) return pattern.substr(0, slash);
  }
  return pattern;
}

// Where there is none, the job will say why it cannot write.
void make_parent(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash != path.npos && slash > 0) static_cast<void>(make_folders(path.substr(0, slash)));
}

void add_paths(const TextWriter& writer, const JobPath& path, std::vector<std::string>* paths) {
  const std::string folder = writer.folder();
  if (!path.is_pattern) return add_once(joined_path(folder, path.text), paths);
  const std::vector<std::string> found = matching_paths(path.text, folder);
  for (const std::string& one : found) add_once(joined_path(folder, one), paths);
  if (found.empty()) add_once(joined_path(folder, std::string(begin_of_pattern(path.text))), paths);
}

}  // namespace

PipelineJobs::PipelineJobs(PipelineFile file) : file_(std::move(file)), items_(file_) {
  for (const PipelineStage& stage : file_.stages) {
    named_pieces_.push_back(find_named(stage));
    std::vector<std::size_t>& stages = named_.emplace_back();
    for (const TextPiece& piece : named_pieces_.back()) stages.push_back(piece.index);
  }
}

void PipelineJobs::expand_at_once(std::size_t stage) {
  if (items_.is_expanded(stage)) return;
  for (const std::size_t other : items_.iterated_over(stage)) expand_at_once(other);
  items_.expand(stage);
  for (const std::size_t other : named_[stage]) expand_at_once(other);
}

std::vector<std::string> PipelineJobs::written_paths(JobPlace job) const {
  const TextWriter writer = this->writer(job, TextAim::kIdentify);
  const std::string folder = writer.folder();
  std::vector<std::string> paths;
  for (const JobPath& path : writer.outputs()) paths.push_back(joined_path(folder, path.text));
  return paths;
}

bool PipelineJobs::is_settled(std::size_t stage) const {
  return std::all_of(named_[stage].begin(), named_[stage].end(), [this](std::size_t other) {
    return items_.is_expanded(other) && is_settled(other);
  });
}

// By hashes, which take less room than the paths.
void PipelineJobs::check_outputs(std::size_t stage) const {
  const PipelineStage& described = file_.stages[stage];
  const std::uint32_t rows = items_.items(stage).table.rows();
  if (rows < 2 || !is_settled(stage) ||
      (described.outputs.empty() && described.stdout_path.empty()))
    return;
  std::vector<std::pair<std::size_t, std::uint32_t>> hashes;
  for (std::uint32_t row = 0; row < rows; ++row) {
    for (const std::string& path : written_paths({stage, row})) {
      hashes.emplace_back(std::hash<std::string>()(path), row);
    }
  }
  std::sort(hashes.begin(), hashes.end());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> suspects;
  for (std::size_t i = 1; i < hashes.size(); ++i) {
    if (hashes[i].first == hashes[i - 1].first && hashes[i].second != hashes[i - 1].second) {
      suspects.emplace_back(hashes[i - 1].second, hashes[i].second);
    }
  }
  std::sort(suspects.begin(), suspects.end());
  for (const auto& [first, second] : suspects) {
    const std::vector<std::string> paths = written_paths({stage, first});
    for (const std::string& path : written_paths({stage, second})) {
      if (std::find(paths.begin(), paths.end(), path) == paths.end()) continue;
      const PipeText& text =
          described.outputs.empty() ? described.stdout_path : described.outputs.front();
      throw Error(file_.place(text.at) + term_safe(name({stage, first})) + " and " +
                  term_safe(name({stage, second})) + " would both write " + term_safe(path) +
                  ": put a column into its name that tells them apart");
    }
  }
}

std::vector<std::string> PipelineJobs::words(const PipelineStage& stage,
                                             const TextWriter& writer) const {
  std::vector<std::string> words;
  for (const PipeText& text : stage.command) writer.add_words(text, &words);
  return words;
}

std::string PipelineJobs::command(JobPlace job) const {
  const PipelineStage& stage = file_.stages[job.stage];
  const TextWriter writer = this->writer(job, TextAim::kShow);
  if (stage.run) return writer.shell_line(*stage.run);
  std::string line;
  for (const std::string& word : words(stage, writer)) {
    if (!line.empty()) line += ' ';
    append_shell_quoted(word, &line);
  }
  return line;
}

JobRecipe PipelineJobs::recipe(JobPlace job, const GraphPlan::Start& start) const {
  const PipelineStage& stage = file_.stages[job.stage];
  const TextWriter writer = this->writer(job, TextAim::kStart, &start);
  JobRecipe recipe;
  recipe.label = name(job);
  if (stage.run) {
    recipe.shell = stage.shell;
    recipe.line = writer.shell_line(*stage.run);
  } else {
    recipe.argv = words(stage, writer);
  }
  recipe.folder = writer.folder();
  recipe.stdin_path = writer.plain(stage.stdin_path);
  recipe.stdout_path = writer.plain(stage.stdout_path);
  recipe.stderr_path = writer.plain(stage.stderr_path);
  make_parent(joined_path(recipe.folder, recipe.stderr_path));
  for (const auto& [name, value] : stage.env) {
    recipe.environment.push_back(value ? name + '=' + writer.plain(*value) : name);
  }
  recipe.leftovers = stage.leftovers;
  recipe.isolate = stage.isolate;
  return recipe;
}

std::vector<std::string> PipelineJobs::outputs(JobPlace job) const {
  const TextWriter writer = this->writer(job, TextAim::kShow);
  std::vector<std::string> paths;
  for (const JobPath& path : writer.outputs()) add_paths(writer, path, &paths);
  return paths;
}

std::vector<std::string> PipelineJobs::literal_outputs(JobPlace job) const {
  const TextWriter writer = this->writer(job, TextAim::kShow);
  std::vector<std::string> paths;
  for (const JobPath& path : writer.outputs()) {
    if (!path.is_pattern) add_paths(writer, path, &paths);
  }
  return paths;
}

bool PipelineJobs::has_output_patterns(std::size_t stage) const {
  const std::vector<PipeText>& outputs = file_.stages[stage].outputs;
  return std::any_of(outputs.begin(), outputs.end(), has_pattern);
}

std::vector<std::string> PipelineJobs::inputs(JobPlace job) const {
  const PipelineStage& stage = file_.stages[job.stage];
  const TextWriter writer = this->writer(job, TextAim::kShow);
  std::vector<std::string> paths;
  const std::string folder = writer.folder();
  for (const PipeText& text : stage.inputs) {
    if (text.pieces.size() == 1 && text.pieces.front().is_many()) {
      std::vector<std::string> many;
      writer.add_words(text, &many);
      for (const std::string& path : many) add_once(joined_path(folder, path), &paths);
    } else {
      add_paths(writer, writer.path(text), &paths);
    }
  }
  if (!stage.stdin_path.empty() && !is_list(stage.stdin_path)) {
    add_once(joined_path(folder, writer.plain(stage.stdin_path)), &paths);
  }
  for (const TextPiece& piece : named_pieces_[job.stage]) {
    const StageLink* const link = find_link(items_.items(job.stage), piece.index);
    if (link == nullptr) continue;
    items_.each_needed(*link, job.item, [&](std::uint32_t row) {
      const TextWriter other = writer.of({piece.index, row});
      for (const JobPath& path : other.outputs()) {
        add_paths(other, path, &paths);
        if (piece.kind == Kind::kStageOut) break;
      }
    });
  }
  return paths;
}

Identity PipelineJobs::identity(JobPlace job) const {
  const PipelineStage& stage = file_.stages[job.stage];
  const TextWriter writer = this->writer(job, TextAim::kIdentify);
  Identity identity;
  IdentityHash hash;
  hash.add(stage.name);
  if (stage.is_many()) {
    const ItemTable& table = items_.items(job.stage).table;
    hash.add(table.label(job.item)).add(std::uint64_t{table.repeat(job.item)});
  }
  identity.key = hash.value128();

  hash.reset();
  if (stage.run) {
    for (const std::string& word : stage.shell) hash.add(word);
    hash.add(writer.shell_line(*stage.run));
  } else {
    hash.add(std::uint64_t{1});
    for (const std::string& word : words(stage, writer)) hash.add(word);
  }
  hash.add(writer.folder());
  hash.add(writer.plain(stage.stdin_path));
  hash.add(writer.plain(stage.stdout_path));
  hash.add(writer.plain(stage.stderr_path));
  identity.command = hash.value64();

  hash.reset();
  for (const auto& [name, value] : stage.env) {
    hash.add(name);
    hash.add(std::uint64_t{value.has_value()});
    if (value) hash.add(writer.plain(*value));
  }
  identity.environment = hash.value64();
  return identity;
}

}  // namespace enjoin
