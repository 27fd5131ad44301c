#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/cli/flag_table.h"

namespace enjoin {

/// One option as it was given.
struct OptionToken {
  const Flag* flag;
  std::string value;        ///< empty where it has none
  bool has_value = false;   ///< "--tagstring=" has one, which is empty
  std::uint32_t layer = 0;  ///< where it comes from: higher is nearer to the command line
};

/// The words after one `:::` or `::::`.
struct SourceWords {
  enum class Kind : std::uint8_t { kArguments, kFiles } kind = Kind::kArguments;
  std::vector<std::string> words;
  bool linked = false;  ///< `:::+`, `::::+`
};

/// A command line, cut into its parts.
struct CommandLine {
  std::vector<OptionToken> options;  ///< in the order given
  std::vector<std::string> command;  ///< from the first word that is no option
  std::vector<SourceWords> sources;
  bool is_semaphore = false;  ///< `enjoin sem`, or called by that name
  /// What follows `--then`: the command line of the next stage, and of those after it.
  std::optional<std::vector<std::string>> then;
};

/// Which stage's words are read.
enum class Stage : std::uint8_t {
  kFirst,
  kLater,  ///< after `--then`: no word is reserved
};

/// Finds where our options end and the command begins, and resolves our options: bundled letters
/// (-kj2), values in the same word or the next (-j2, -j 2, --jobs=2, --jobs 2), unambiguous
/// abbreviations (--tags x), `--`. The command's own words are never looked into: after its first
/// word only the whole words `:::`, `:::+`, `::::`, `::::+` (or what --arg-sep and --arg-file-sep
/// put in their place) and `--then` (--then-sep) are ours. `inherited` are options of an earlier
/// stage. Each of `before` is read first: options, then words
/// that go before the command's. `program` as for parse_command_line(). Throws UsageError.
CommandLine tokenize(const std::string& program, const std::vector<std::string>& args,
                     const std::vector<std::vector<std::string>>& before = {},
                     Stage stage = Stage::kFirst, const std::vector<OptionToken>& inherited = {});

/// Says that the word is a command of enjoin's own, present or to come, and how to run a program of
/// this name.
[[noreturn]] void throw_reserved(std::string_view word);

}  // namespace enjoin
