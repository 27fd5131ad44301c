#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/pipeline/complaints.h"
#include "runner/pipeline/pipeline_file.h"

namespace enjoin {

/// What a text is for: not everything is known everywhere.
enum class TextUse : std::uint8_t {
  kRun,             ///< a line for the shell: `${name}` is the shell's own
  kWord,            ///< of `command` and `env`
  kStdinPath,       ///< a path
  kStdoutPath,      ///< a path; stderr too
  kPath,            ///< inputs, outputs, cwd
  kForeach,         ///< known before there are items
  kForeachCommand,  ///< the same for the shell
};

/// How the jobs of a stage are bound to those of another.
enum class Bond : std::uint8_t {
  kNone,
  kOne,   ///< each needs one job of it
  kMany,  ///< any number
};
Bond bond_of(const PipelineFile& file, const PipelineStage& stage, std::size_t other);

/// Reads the texts of one stage, whose names, needs and columns are known.
class TextReader {
 public:
  TextReader(const PipelineFile& file, const PipelineStage& stage, Complaints* complaints)
      : file_(file), stage_(stage), complaints_(*complaints) {}

  /// Makes the pieces of `text->source`.
  void read(TextUse use, PipeText* text);

 private:
  using Kind = TextPiece::Kind;

  bool read_brace(std::string_view text, std::size_t* at, PipeText* to);
  std::optional<TextPiece> piece(std::string_view inside);
  std::optional<TextPiece> piece_of_name(std::string_view name);
  std::optional<TextPiece> own_piece(std::string_view name);
  std::optional<TextPiece> stage_piece(std::string_view name);
  void check(const TextPiece& piece, std::string_view inside);
  std::string why_not_here(const TextPiece& piece) const;
  std::string why_not_ever(const TextPiece& piece) const;
  std::string why_no_bond(const TextPiece& piece) const;
  void warn_of_near(std::string_view name);

  const PipelineFile& file_;
  const PipelineStage& stage_;
  Complaints& complaints_;
  TextUse use_ = TextUse::kRun;
  FilePosition at_;
};

}  // namespace enjoin
