#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runner/cli/options.h"
#include "runner/cli/tokenizer.h"

// Between the files option*.cc only: what the options said, before they are taken together.

namespace enjoin {

constexpr std::uint32_t kMostRecords = 1'000'000'000;

struct Draft {
  Options options;
  SemaphoreSpec semaphore;
  bool is_semaphore = false;
  bool background = false;  // --bg
  // Inputs.
  std::vector<std::string> arg_files;
  std::optional<std::string> delimiter;
  std::optional<std::uint32_t> max_args;          // -n
  std::optional<std::uint32_t> max_replace_args;  // -N
  std::optional<std::uint32_t> max_lines;         // -L, -l
  bool lines_repeat_context = false;              // the last of them was -L
  bool repeat_context = false;                    // -X
  bool multiple = false;                          // -m
  bool xargs = false;
  std::optional<std::string> header;
  std::optional<Trim> trim;
  // Output.
  bool progress = false;
  bool eta = false;
  bool bar = false;
  bool tty = false;  // --tty, not --open-tty
  // Data on stdin.
  bool pipe = false;
  bool pipe_part = false;
  bool block_given = false;  // --block
  std::optional<std::string> record_start;
  std::optional<std::string> record_end;
  bool show_limits = false;
  std::optional<Invocation> instead;  // --help and the like
};

/// What is done with an option's value: empty where it has none. Values may be refused with Error.
struct Setter {
  std::string_view key;  ///< Flag::key()
  void (*set)(Draft&, const std::string& value);
  bool repeats = false;  ///< called for each occurrence; else for the last one only
};

// One for each file option_setters_*.cc.
std::span<const Setter> input_setters();
std::span<const Setter> running_setters();
std::span<const Setter> output_setters();
std::span<const Setter> pipe_setters();
std::span<const Setter> info_setters();

/// Of all of these, the one for `key`.
const Setter& setter_of(std::string_view key);

/// "OPTION 'VALUE': expected FORMS".
[[noreturn]] void throw_malformed(std::string_view option, std::string_view value,
                                  std::string_view forms);
/// Refuses an empty value.
void check_given(std::string_view option, const std::string& value, std::string_view forms);
std::uint32_t to_count(const std::string& value, std::string_view option, std::uint32_t least,
                       std::uint32_t most);

/// Takes everything together: defaults, what implies what, what excludes what. `draft` is used up.
Invocation finish_options(const CommandLine& line, Draft& draft, const std::string& program);
/// The part of it for the output.
void finish_output(const CommandLine& line, Draft& draft);
/// The part of it for the inputs: the sources, what cuts them, how they are batched.
void finish_inputs(const CommandLine& line, Draft& draft, bool as_parallel);
/// What is different in a stage after `--then`: without inputs of its own it runs once, and reads
/// nothing. Throws UsageError.
void finish_later_stage(const CommandLine& line, Options* options);
/// The part of it for --pipe and its kin.
void finish_pipe(Draft& draft);

/// Options that one run cannot have together: throws UsageError with both names.
void refuse_both(bool first, bool second, std::string_view names);

/// What --show-limits prints.
std::string limits_text();

/// Words as a POSIX shell would cut them, for what $PARALLEL and profiles hold: blanks and newlines
/// separate, quotes and backslashes protect. `where` is named where a quote is not closed.
std::vector<std::string> split_words(std::string_view text, std::string_view where);

/// The words that $PARALLEL and profiles hold, lowest first, as the command line's own options
/// (-J, --plain) ask for them.
std::vector<std::vector<std::string>> words_from_elsewhere(const CommandLine& line,
                                                           const Elsewhere& elsewhere);

/// The words of a script's first line (--shebang, --shebang-wrap) as an ordinary command line;
/// `args` itself where it is none.
std::vector<std::string> without_shebang(const std::vector<std::string>& args);

}  // namespace enjoin
