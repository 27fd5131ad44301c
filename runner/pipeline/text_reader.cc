#include "runner/pipeline/text_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "runner/pipeline/names.h"

namespace enjoin {
namespace {

constexpr std::string_view kAsFile = "@file";

void add_literal(std::string_view text, PipeText* to) {
  if (to->pieces.empty() || to->pieces.back().kind != TextPiece::Kind::kLiteral)
    to->pieces.emplace_back();
  to->pieces.back().text += text;
}

TextPiece piece_of(TextPiece::Kind kind, std::size_t index = 0) {
  TextPiece piece;
  piece.kind = kind;
  piece.index = index;
  return piece;
}

bool has_outputs(const PipelineStage& stage) {
  return !stage.outputs.empty() || !stage.stdout_path.empty();
}

std::string in_words(TextUse use) {
  switch (use) {
    case TextUse::kStdinPath:
      return "'stdin'";
    case TextUse::kStdoutPath:
      return "'stdout' and 'stderr'";
    case TextUse::kPath:
      return "'inputs', 'outputs' and 'cwd'";
    case TextUse::kForeach:
    case TextUse::kForeachCommand:
      return "'foreach'";
    default:
      return "this place";
  }
}

}  // namespace

Bond bond_of(const PipelineFile& file, const PipelineStage& stage, std::size_t other) {
  Bond bond = Bond::kNone;
  for (const std::size_t need : stage.needs)
    if (need == other) bond = file.stages[other].is_many() ? Bond::kMany : Bond::kOne;
  for (const NeedsEach& each : stage.needs_each)
    if (each.stage == other && bond != Bond::kOne)
      bond = each.by.empty() ? Bond::kOne : Bond::kMany;
  for (const LinkedSources& sources : stage.foreach)
    for (const ForeachSource& source : sources)
      if (source.kind == ForeachSource::Kind::kStage && source.stage == other) bond = Bond::kOne;
  return bond;
}

void TextReader::read(TextUse use, PipeText* text) {
  use_ = use;
  at_ = text->at;
  text->pieces.clear();
  const bool is_shell = use == TextUse::kRun || use == TextUse::kForeachCommand;
  const std::string_view source = text->source;
  std::size_t done = 0;
  for (std::size_t at = source.find('{'); at != std::string_view::npos; at = source.find('{', at)) {
    if (at > done) add_literal(source.substr(done, at - done), text);
    done = at;
    if ((is_shell && at > 0 && source[at - 1] == '$') || !read_brace(source, &done, text)) {
      add_literal("{", text);
      ++done;
    }
    at = done;
  }
  if (done < source.size()) add_literal(source.substr(done), text);
}

/// Of what begins with a brace at `*at`: false where it stays literal.
bool TextReader::read_brace(std::string_view text, std::size_t* at, PipeText* to) {
  const std::size_t end = text.find_first_of("{}\n", *at + 1);
  if (end == std::string_view::npos || text[end] != '}') return false;
  const std::string_view inside = text.substr(*at + 1, end - *at - 1);
  std::optional<TextPiece> found = piece(inside);
  if (!found) return false;
  to->pieces.push_back(std::move(*found));
  *at = end + 1;
  return true;
}

std::optional<TextPiece> TextReader::piece(std::string_view inside) {
  std::string_view name = inside;
  const bool as_file = name.ends_with(kAsFile);
  if (as_file) name.remove_suffix(kAsFile.size());
  std::optional<TextPiece> found = piece_of_name(name);
  if (!found) {
    if (!as_file) warn_of_near(name);
    return std::nullopt;
  }
  if (found->kind == Kind::kMaybeColumn) {
    found->text = inside;
    return found;
  }
  found->as_file = as_file;
  check(*found, inside);
  return found;
}

std::optional<TextPiece> TextReader::piece_of_name(std::string_view name) {
  if (name.empty()) return std::nullopt;
  if (auto own = own_piece(name)) return own;
  for (const PipelineVariable& variable : file_.variables) {
    if (variable.name != name) continue;
    TextPiece piece = piece_of(Kind::kValues);
    piece.text = name;
    piece.values = variable.values;
    return piece;
  }
  if (std::find(stage_.columns.begin(), stage_.columns.end(), name) != stage_.columns.end()) {
    TextPiece piece = piece_of(Kind::kColumn);
    piece.text = name;
    return piece;
  }
  for (std::size_t pool = 0; pool < file_.pools.size(); ++pool)
    if (file_.pools[pool].name == name && !file_.pools[pool].values.empty())
      return piece_of(Kind::kPoolValue, pool);
  if (auto of_stage = stage_piece(name)) return of_stage;
  if (!stage_.more_columns || use_ == TextUse::kForeach || use_ == TextUse::kForeachCommand)
    return std::nullopt;
  return piece_of(Kind::kMaybeColumn);
}

std::optional<TextPiece> TextReader::own_piece(std::string_view name) {
  // In the order of kOwnNames.
  constexpr std::array<Kind, kOwnNames.size()> kKinds = {
      Kind::kItem, Kind::kOut, Kind::kOutputs, Kind::kCpus, Kind::kMemory, Kind::kAttempt};
  for (std::size_t at = 0; at < kOwnNames.size(); ++at)
    if (kOwnNames[at] == name) return piece_of(kKinds[at]);
  return std::nullopt;
}

std::optional<TextPiece> TextReader::stage_piece(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view stage = name.substr(0, dot), what = name.substr(dot + 1);
  if (what != "out" && what != "outputs") return std::nullopt;
  const std::optional<std::size_t> index = file_.find_stage(stage);
  if (index) return piece_of(what == "out" ? Kind::kStageOut : Kind::kStageOutputs, *index);
  if (!is_stage_name(stage) || stage_.more_columns) return std::nullopt;
  std::vector<std::string_view> known;
  for (const PipelineStage& other : file_.stages) known.push_back(other.name);
  complaints_.add(at_, fmt::format("{{{}}}: there is no stage '{}'{}", name, stage,
                                   did_you_mean(stage, known)));
  return std::nullopt;
}

void TextReader::check(const TextPiece& piece, std::string_view inside) {
  std::string why = why_not_here(piece);
  if (why.empty()) why = why_not_ever(piece);
  if (!why.empty()) complaints_.add(at_, fmt::format("{{{}}}: {}", inside, why));
}

/// Why this use of a text cannot hold it; empty: it can.
std::string TextReader::why_not_here(const TextPiece& piece) const {
  const bool at_start = use_ == TextUse::kRun || use_ == TextUse::kWord;
  if (piece.as_file && !at_start && use_ != TextUse::kStdinPath)
    return fmt::format("@file is for commands, env and stdin, not for {}", in_words(use_));
  if (piece.as_file && piece.kind != Kind::kValues && piece.kind != Kind::kOutputs &&
      piece.kind != Kind::kStageOutputs)
    return "@file is for lists: {outputs}, {STAGE.outputs} and variables";
  if (at_start) return {};
  if (piece.is_of_start())
    return fmt::format("is known when a job starts, too late for {}", in_words(use_));
  if (use_ == TextUse::kForeach || use_ == TextUse::kForeachCommand)
    return piece.kind == Kind::kValues ? "" : "in 'foreach' only variables are known";
  const bool is_own_output = piece.kind == Kind::kOut || piece.kind == Kind::kOutputs;
  if (is_own_output && use_ != TextUse::kStdoutPath)
    return fmt::format("a job's outputs are not for its {}", in_words(use_));
  if (piece.kind == Kind::kOutputs) return "may be several, and one path is wanted: write {out}";
  return {};
}

/// Why the stage has no such thing; empty: it has.
std::string TextReader::why_not_ever(const TextPiece& piece) const {
  switch (piece.kind) {
    case Kind::kItem:
      if (!stage_.is_many()) return "the stage has no items: give it 'foreach' or 'needs_each'";
      return {};
    case Kind::kOut:
    case Kind::kOutputs:
      if (has_outputs(stage_)) return {};
      return "the stage declares no outputs: add outputs = [\"…\"]";
    case Kind::kMemory:
      if (!stage_.memory.empty()) return {};
      return "the stage asks for no memory: add memory = \"…\"";
    case Kind::kPoolValue:
      if (std::find(stage_.pools.begin(), stage_.pools.end(), piece.index) != stage_.pools.end())
        return {};
      return fmt::format("the stage is not in this pool: add pool = \"{}\"",
                         file_.pools[piece.index].name);
    case Kind::kStageOut:
    case Kind::kStageOutputs:
      return why_no_bond(piece);
    default:
      return {};
  }
}

std::string TextReader::why_no_bond(const TextPiece& piece) const {
  const PipelineStage& other = file_.stages[piece.index];
  const Bond bond = bond_of(file_, stage_, piece.index);
  if (&other == &stage_) return "is the stage itself: write {out} or {outputs}";
  if (bond == Bond::kNone)
    return fmt::format("the stage does not need '{}': add it to 'needs' or 'needs_each'",
                       other.name);
  if (!has_outputs(other)) return fmt::format("stage '{}' declares no outputs", other.name);
  if (piece.kind == Kind::kStageOut && bond == Bond::kMany)
    return fmt::format("the job may need several jobs of '{0}': write {{{0}.outputs}}", other.name);
  return {};
}

/// A name that is nearly one of ours is more likely misspelt than meant for someone else.
void TextReader::warn_of_near(std::string_view name) {
  if (!is_name(name) || name.size() < 3) return;
  std::vector<std::string_view> known(kOwnNames.begin(), kOwnNames.end());
  for (const PipelineVariable& variable : file_.variables) known.push_back(variable.name);
  for (const std::string& column : stage_.columns) known.push_back(column);
  const std::string hint = did_you_mean(name, known);
  if (!hint.empty())
    complaints_.warn(at_, fmt::format("{{{}}} stays as it is: it is no name here{}", name, hint));
}

}  // namespace enjoin
