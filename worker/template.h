#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace enjoin {

struct TemplatePlan;

/// How a job with several inputs (-n, -X, -m) spreads them over the command.
enum class Spread : std::uint8_t {
  kJoin,     ///< `{}` becomes all values, joined by a blank (plain -n, and -m)
  kContext,  ///< the word that holds `{}` is repeated for each value (-X)
};

/// What the command line says about the command. Zero values are GNU parallel's defaults.
struct TemplateSpec {
  std::vector<std::string> words = {};  ///< the command's words; none: the input is the command
  std::string replace_string = "{}";    ///< -I
  bool quote_words = false;             ///< -q: the words are literal, no shell syntax
  Spread spread = Spread::kJoin;
  /// A command without replacement strings gets ` {}` at its end. GNU parallel does so for -N0 too:
  /// the line then ends with a blank, for there are no values.
  bool append_if_absent = true;
  bool quote_values = true;  ///< false: values stand in the line as they are (--tagstring)
  bool plus = false;         ///< --plus: {..} {+/} {##} and so on are replacement strings
  /// --rpl: each is "STRING EXPRESSION", where STRING may hold groups in parentheses.
  std::vector<std::string> definitions = {};
  /// --bnr, -U and the like: the replacement string `from` ("{/}") is written as `to`.
  struct Rename {
    std::string from;
    std::string to;
  };
  std::vector<Rename> renames = {};
  std::string perl_open = "{=";  ///< --parens
  std::string perl_close = "=}";
  std::vector<std::string> names = {};  ///< --header: {name} is position 1, 2, …

  /// What the runner puts in place of replacement strings that only it can read: Perl expressions,
  /// --rpl, names (see runner/values/resolver.h, which fills this in and empties the fields above
  /// that it has dealt with). `placed[i]` stands where a word holds i between two NUL bytes.
  struct Placed {
    enum class Kind : std::uint8_t {
      kComputed,  ///< a string that comes with each job
      kSeq,       ///< {#} plus `offset`, with zeros to `width`
      kSlot,      ///< {%} likewise
      kNothing,   ///< stands for nothing, and counts as a replacement string
    } kind = Kind::kComputed;
    /// kComputed: of the value that it was computed of; 0: it is there for each value.
    std::int32_t position = 0;
    /// kComputed: its strings begin at `first + first_per_value * values` of JobInputs::computed:
    /// one for each slot (or one for all), and that for each value where position is 0 (for one
    /// where there are no values).
    std::uint32_t first = 0;
    std::uint32_t first_per_value = 0;
    std::uint32_t slots = 1;
    std::int32_t offset = 0;
    std::uint32_t width = 0;
  };
  std::vector<Placed> placed = {};
};

/// The first byte of a computed string: how the rest is put into the line.
inline constexpr char kComputedQuoted = 'q';   ///< quoted as a value is
inline constexpr char kComputedAsIs = 'u';     ///< as it is (uq() in the expression)
inline constexpr char kComputedNothing = 'n';  ///< there is no such value: it stands for nothing

/// One job's inputs. `values` holds `records * columns` strings, record by record: one record for
/// an ordinary job, several under -n and -X, none under -N0; `columns` is the number of input
/// sources. {1} {2} count through all values: with two sources, {3} is the second record's first.
/// For expand_argv each value must be followed by a NUL byte in memory.
struct JobInputs {
  std::span<const std::string_view> values;
  std::uint32_t columns = 1;
  /// What the runner computed for this job, for all templates of the run (TemplateSpec::Placed).
  /// Each likewise followed by a NUL.
  std::span<const std::string_view> computed = {};
};

/// What else a template may refer to.
struct JobNumbers {
  std::uint64_t seq = 1;   ///< {#}, from 1
  std::uint32_t slot = 1;  ///< {%}, from 1
};

/// The words of one command, ready for exec: pointers into `text`, the inputs or the template,
/// ended by a null pointer. Valid as long as all these live and `text` is not changed.
struct Argv {
  std::string text;  ///< storage: its size says nothing
  std::vector<const char*> words;
};

/// A command line with replacement strings, parsed once and expanded for every job.
///
/// There are two ways out. `expand_line` gives the line that a shell would be handed, byte for byte
/// what GNU parallel would run, with every value quoted; it is what the joblog and --dry-run show.
/// `expand_argv` gives the words that the shell would make of that line, without a shell, where
/// that is proven to be the same; it is how most jobs run.
/// Replacement strings are {} {.} {/} {//} {/.}, the same with a position ({2.}, {-1}, {0} for
/// all), {#} and {%}; with `plus` also {..} {...} {/..} {/...} {+/} {+.} {+..} {+...}. Braces
/// around anything else stay as they are. Where one is a part of the command's
/// name, as in `{} x` and `./{} x`, values are taken for shell text and are not quoted; so is the
/// input where there are no words. Words of -q are literal: their values are quoted with the word.
///
/// Immutable after parse(); may be used by several threads; copies share.
class Template {
 public:
  /// Throws Error where the words cannot be parsed (what is wrong, at which word).
  static Template parse(TemplateSpec spec);

  /// Replaces `*line` by the shell line of one job. Allocates nothing once `line` is large enough.
  void expand_line(const JobInputs& inputs, const JobNumbers& numbers, std::string* line) const;

  /// The same as words. False where a shell of this name ("bash", "dash", …) must read the line:
  /// `out` is then unspecified. The words say nothing about who runs them: may_exec_directly (see
  /// shell_words.h) knows builtins and functions. Allocates nothing once `out` is large enough.
  bool expand_argv(const JobInputs& inputs, const JobNumbers& numbers, std::string_view shell_name,
                   Argv* out) const;

  /// The bytes that one more record adds to the line of a job whose {#} has `seq_digits`, reckoned
  /// as GNU parallel reckons to fill -X and -m batches: quoting and repeated context included, each
  /// {.} and so on with its real part of the value. {#}, {%} and {1} count once for every record.
  /// For a job's only record it is too small at most where {%} has several digits, or where -X
  /// repeats {1} or {#} for the values of several sources. Where parts are as long as the value and
  /// quoting changes nothing, it is a constant plus a multiple of the size.
  std::size_t added_length(std::span<const std::string_view> record, std::size_t seq_digits) const;
  std::size_t added_length(std::string_view value, std::size_t seq_digits = 1) const {
    return added_length({&value, 1}, seq_digits);
  }
  /// The line's length before any record.
  std::size_t base_length() const;

  /// True where the words given hold a replacement string (then nothing is appended).
  bool uses_input() const;
  bool needs_slot() const;  ///< true where {%} occurs
  /// How many of JobInputs::computed it may look at for a job of one value; 0: nothing is computed
  /// for it. Lengths are a guess there: what is computed counts for as long as the value.
  std::size_t computed_strings() const;
  /// True where every job gets the same text: there is no replacement string of any kind.
  bool is_constant() const;

 private:
  explicit Template(std::shared_ptr<const TemplatePlan> plan) : plan_(std::move(plan)) {}

  // Shared, so that pointers into the plan's constants outlive moves of the template.
  std::shared_ptr<const TemplatePlan> plan_;
};

}  // namespace enjoin
