#include "runner/pipeline/text_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "enjoin/error.h"
#include "runner/pipeline/list_file.h"
#include "runner/pipeline/path_pattern.h"
#include "runner/pipeline/shell_line.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

using Kind = TextPiece::Kind;

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    if (&value != &values.front()) text += ' ';
    text += value;
  }
  return text;
}

std::string absolute_path(const std::string& path) {
  return path.starts_with('/') ? path : std::filesystem::current_path().string() + '/' + path;
}

// What a job in `from` calls `path`, for one that runs in `to`.
std::string seen_from(const std::string& to, const std::string& from, const std::string& path) {
  if (from == to || path.starts_with('/')) return path;
  const std::string ours = joined_path(from, path);
  return to.empty() ? ours : absolute_path(ours);
}

}  // namespace

bool has_pattern(const PipeText& text) {
  return std::any_of(text.pieces.begin(), text.pieces.end(), [](const TextPiece& piece) {
    return piece.kind == Kind::kLiteral && has_wildcard(piece.text);
  });
}

std::string joined_path(const std::string& folder, const std::string& path) {
  if (folder.empty() || path.starts_with('/')) return path;
  return folder.ends_with('/') ? folder + path : folder + '/' + path;
}

std::string job_name(const PipelineFile& file, const PipelineItems& items, JobPlace place) {
  const PipelineStage& stage = file.stages[place.stage];
  if (!stage.is_many()) return stage.name;
  return stage.name + '[' + items.items(place.stage).table.name(place.item) + ']';
}

const StageLink* find_link(const StageItems& items, std::size_t stage) {
  const auto found = std::find_if(items.links.begin(), items.links.end(),
                                  [stage](const StageLink& link) { return link.stage == stage; });
  return found == items.links.end() ? nullptr : &*found;
}

std::string TextWriter::plain(const PipeText& text) const {
  std::string result;
  for (const TextPiece& piece : text.pieces) {
    result += piece.kind == Kind::kLiteral ? piece.text : joined(values(piece, text.at));
  }
  return result;
}

std::string TextWriter::shell_line(const PipeText& text) const {
  ShellLine line;
  for (const TextPiece& piece : text.pieces) {
    if (piece.kind == Kind::kLiteral) {
      line.add_literal(piece.text);
    } else if (piece.kind == Kind::kMaybeColumn && !table().find_column(piece.text)) {
      line.add_literal('{' + piece.text + '}');
    } else {
      line.add_values(values(piece, text.at));
    }
  }
  return line.take();
}

void TextWriter::add_words(const PipeText& text, std::vector<std::string>* words) const {
  if (text.pieces.size() != 1 || !text.pieces.front().is_many()) {
    words->push_back(plain(text));
    return;
  }
  for (std::string& word : values(text.pieces.front(), text.at)) words->push_back(std::move(word));
}

std::vector<std::string> TextWriter::values(const TextPiece& piece, FilePosition at) const {
  std::vector<std::string> result;
  switch (piece.kind) {
    case Kind::kLiteral:
      result = {piece.text};
      break;
    case Kind::kValues:
      result = piece.values;
      break;
    case Kind::kColumn:
    case Kind::kMaybeColumn:
      if (const auto column = table().find_column(piece.text)) {
        result = {std::string(table().value(place_.item, *column))};
      } else if (piece.kind == Kind::kMaybeColumn) {
        result = {'{' + piece.text + '}'};
      } else {
        throw Error(file_.place(at) + "stage " + term_safe(stage().name) +
                    ": its items have no column " + term_safe(piece.text));
      }
      break;
    case Kind::kItem:
      result = {table().label(place_.item)};
      break;
    case Kind::kOut:
      result = own_outputs();
      result.resize(std::min<std::size_t>(result.size(), 1));
      break;
    case Kind::kOutputs:
      result = own_outputs();
      break;
    case Kind::kStageOut:
    case Kind::kStageOutputs:
      result = stage_outputs(piece, at);
      break;
    case Kind::kCpus:
    case Kind::kMemory:
    case Kind::kAttempt:
    case Kind::kPoolValue:
      result = {value_of_start(piece)};
      break;
  }
  if (!piece.as_file || use_ == TextAim::kIdentify) return result;
  return {list_file(piece, result)};
}

std::string TextWriter::value_of_start(const TextPiece& piece) const {
  const bool is_start = use_ == TextAim::kStart;
  const bool by_name = use_ == TextAim::kIdentify;
  switch (piece.kind) {
    case Kind::kCpus:
      return by_name ? "{cpus}" : std::to_string(stage().cpus);
    case Kind::kMemory:
      if (by_name) return "{memory}";
      if (is_start) return std::to_string(start_->memory);
      return std::to_string(stage().memory.empty() ? 0 : stage().memory.front());
    case Kind::kAttempt:
      return by_name ? "{attempt}" : is_start ? std::to_string(start_->attempt) : "1";
    default:
      break;
  }
  const std::vector<std::size_t>& pools = stage().pools;
  const auto pool = std::find(pools.begin(), pools.end(), piece.index);
  const auto at = static_cast<std::size_t>(pool - pools.begin());
  if (is_start && at < start_->pool_values.size() && start_->pool_values[at] != nullptr) {
    return *start_->pool_values[at];
  }
  return '{' + file_.pools[piece.index].name + '}';
}

std::string TextWriter::folder() const {
  if (stage().cwd.empty() || writes_folder_) return {};
  TextWriter writer = *this;
  writer.writes_folder_ = true;  // paths in it are seen from our own folder
  return writer.plain(stage().cwd);
}

JobPath TextWriter::path(const PipeText& text) const {
  if (!has_pattern(text)) return {.text = plain(text)};
  JobPath path{.is_pattern = true};
  for (const TextPiece& piece : text.pieces) {
    path.text +=
        piece.kind == Kind::kLiteral ? piece.text : escaped_pattern(joined(values(piece, text.at)));
  }
  return path;
}

std::vector<JobPath> TextWriter::outputs() const {
  std::vector<JobPath> paths;
  for (const PipeText& text : stage().outputs) paths.push_back(path(text));
  if (stage().stdout_path.empty() || writes_stdout_) return paths;
  TextWriter writer = *this;
  writer.writes_stdout_ = true;  // {out} and {outputs} in it are the others
  const std::string out = writer.plain(stage().stdout_path);
  const auto is_out = [&out](const JobPath& path) { return !path.is_pattern && path.text == out; };
  if (std::none_of(paths.begin(), paths.end(), is_out)) paths.push_back({.text = out});
  return paths;
}

/// What it stands for now; itself where nothing matches.
std::vector<std::string> TextWriter::found(const JobPath& path) const {
  if (path.is_pattern && use_ != TextAim::kIdentify) {
    std::vector<std::string> paths = matching_paths(path.text, folder());
    if (!paths.empty()) return paths;
  }
  return {path.text};
}

std::vector<std::string> TextWriter::own_outputs() const {
  std::vector<std::string> paths;
  for (const JobPath& path : outputs()) {
    for (std::string& one : found(path)) paths.push_back(std::move(one));
  }
  return paths;
}

void TextWriter::add_outputs_of(JobPlace other, bool all, std::vector<std::string>* paths) const {
  const TextWriter writer = of(other);
  const std::string their_folder = writer.folder();
  const std::string our_folder = folder();
  for (const JobPath& path : writer.outputs()) {
    for (const std::string& one : writer.found(path)) {
      paths->push_back(seen_from(our_folder, their_folder, one));
      if (!all) return;
    }
  }
}

std::vector<std::string> TextWriter::stage_outputs(const TextPiece& piece, FilePosition at) const {
  const std::string& name = file_.stages[piece.index].name;
  const StageLink* const link = find_link(items_.items(place_.stage), piece.index);
  const auto fail = [&](const std::string& what) {
    throw Error(file_.place(at) + "job " + term_safe(job_name(file_, items_, place_)) + ' ' + what);
  };
  if (link == nullptr) fail("needs nothing of stage " + term_safe(name));
  const bool all = piece.kind == Kind::kStageOutputs;
  std::vector<std::string> paths;
  std::uint32_t jobs = 0;
  items_.each_needed(*link, place_.item, [&](std::uint32_t row) {
    if (all || jobs == 0) add_outputs_of({piece.index, row}, all, &paths);
    ++jobs;
  });
  if (!all && jobs > 1) {
    fail("needs " + std::to_string(jobs) + " jobs of stage " + term_safe(name) + ": write {" +
         term_safe(name) + ".outputs} for the files of all");
  }
  if (!all && paths.empty()) fail("needs an output of stage " + term_safe(name) + ": it has none");
  return paths;
}

std::string TextWriter::list_file(const TextPiece& piece,
                                  const std::vector<std::string>& values) const {
  std::string what = piece.text;
  if (piece.kind == Kind::kOut) what = "out";
  if (piece.kind == Kind::kOutputs) what = "outputs";
  if (piece.kind == Kind::kStageOut) what = file_.stages[piece.index].name + ".out";
  if (piece.kind == Kind::kStageOutputs) what = file_.stages[piece.index].name + ".outputs";
  const std::string item = stage().is_many() ? table().name(place_.item) : std::string();
  const std::string path = list_path(stage().name, item, what);
  if (use_ == TextAim::kStart) write_list(path, values);
  return folder().empty() ? path : absolute_path(path);
}

}  // namespace enjoin
