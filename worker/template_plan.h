#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/template.h"
#include "worker/value_part.h"

namespace enjoin {

/// A stretch of a command: literal text or a replacement string.
struct Piece {
  enum class Kind : std::uint8_t {
    kLiteral,   ///< `size` bytes from `begin` of the plan's literals
    kValue,     ///< `part` of the value at `position`
    kComputed,  ///< placed[begin]: the string that the runner computed for the value at `position`
    kSeq,       ///< {#} plus `position`, with zeros to `size` digits
    kSlot,      ///< {%} likewise
    kNothing,   ///< a replacement string that never stands for anything: {1#}
    kWordEnd,   ///< -q only: one of the words given ends here
  } kind = Kind::kLiteral;
  ValuePart part = ValuePart::kWhole;
  std::int32_t position = 0;  ///< 0 is all values, 1 the first, -1 the last; but see kSeq
  std::uint32_t begin = 0;
  std::uint32_t size = 0;

  bool is_of_values() const { return kind == Kind::kValue || kind == Kind::kComputed; }
  bool is_all_values() const { return is_of_values() && position == 0; }
};

/// Pieces of the line that are written once, or (under -X) once for each value.
struct Group {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool repeated = false;
};

/// A word of the command as a shell would see it, where that is known before the values are.
struct PlannedWord {
  enum class Kind : std::uint8_t {
    kConstant,  ///< literal text: at `begin` of constants, ended by a NUL
    kPointer,   ///< one value's tail and nothing else: it need not be copied
    kCopied,    ///< all else
  } kind = Kind::kConstant;
  bool repeated = false;    ///< once for each value
  std::uint32_t begin = 0;  ///< of word_pieces, but see kConstant
  std::uint32_t end = 0;
};

/// A parsed template. Made by template_parse.cc and template_contexts.cc (the line) and
/// template_words.cc (the words).
struct TemplatePlan {
  std::string literals;
  std::vector<TemplateSpec::Placed> placed;
  std::vector<Piece> pieces;
  std::vector<Group> groups;  ///< all pieces, in order
  Spread spread = Spread::kJoin;
  bool quote_values = true;
  bool quote_words = false;
  bool uses_input = false;
  bool needs_slot = false;

  // Lengths; see Template::added_length.
  std::size_t base_bytes = 0;
  std::size_t bytes_per_value = 0;  ///< blanks and repeated literals
  struct Measured {
    Piece piece;  ///< no literal
    std::size_t times = 1;
  };
  std::vector<Measured> measured;        ///< what depends on the record, each kind once
  std::size_t extra_bytes_of_piece = 0;  ///< that -q may cost each more

  /// How words are made.
  enum class Way : std::uint8_t {
    kShell,      ///< not at all
    kSplitLine,  ///< from the expanded line
    kPlanned,    ///< from `words`, where there are least_values
  } way = Way::kShell;
  std::vector<PlannedWord> words;
  std::vector<Piece> word_pieces;
  std::string constants;  ///< literals of word_pieces
  std::size_t least_values = 1;
  // Copied words need at most this: bytes, plus for each value bytes and so often its own length.
  std::size_t copied_bytes = 0;
  std::size_t copied_bytes_per_value = 0;
  std::size_t copied_value_pieces = 0;
  std::size_t copied_computed_pieces = 0;  // each at most the bytes of all computed strings
};

inline constexpr std::size_t kSeqDigits = 20;
inline constexpr std::size_t kMostDigits = 64;  // with leading zeros, a sign and an offset

/// Writes {#} or {%} of a job at `out`, at most kMostDigits bytes; returns where they end.
char* write_number(const Piece& piece, const JobNumbers& numbers, char* out);

/// The value at a position, or null. Positions from the end that reach beyond the first go once
/// more round, as under GNU parallel: {-3} of two values is the second.
const std::string_view* value_at(std::span<const std::string_view> values, std::int32_t position);

/// The string that was computed for the value with number `value` (0 where the piece has a
/// position), with its first byte; kComputedNothing alone where there is none.
std::string_view computed_string(const TemplateSpec::Placed& placed, const JobInputs& inputs,
                                 const JobNumbers& numbers, std::size_t value);

/// Makes groups of the plan's pieces, for -X. A context is a run of anything but blanks that holds
/// a replacement string for all values; it is repeated for each. A tab before the run belongs to
/// it, a space does not, and quotes are not looked at: so does GNU parallel.
void find_contexts(TemplatePlan* plan);

/// Fills in the plan's lengths.
void measure(TemplatePlan* plan);

/// Fills in `way` and all that belongs to it, from the rest of the plan.
void plan_words(TemplatePlan* plan);

/// Makes the words as planned. Requires way == kPlanned and least_values values.
void expand_planned_words(const TemplatePlan& plan, const JobInputs& inputs,
                          const JobNumbers& numbers, Argv* out);

}  // namespace enjoin
