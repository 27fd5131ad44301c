#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace enjoin {

/// Shells, told apart as far as lines are read in different ways.
enum class ShellKind : std::uint8_t {
  kBash,
  kPosix,  ///< sh and dash, whatever sh really is
  kKorn,   ///< ksh93, mksh and their kin
  kZsh,
  kOther,  ///< csh, fish, … and the unknown: nothing is proven for these
};
ShellKind shell_kind(std::string_view shell_name);

/// Splits a line into words as a shell would, where no shell is needed for it: no expansion,
/// redirection, operator, glob, comment, assignment or history; quotes and backslashes only around
/// literal text. nullopt where a shell must read the line, which is said rather too often than too
/// seldom. True of all shells but those of kind kOther.
std::optional<std::vector<std::string>> split_simple_line(std::string_view line);

/// The same without a copy: the words are appended to `words` and point into `line`, which is
/// overwritten. False where a shell must read the line; `line` is then spoilt. Allocates nothing
/// once `words` is large enough.
bool split_simple_line(std::string* line, std::vector<const char*>* words);

/// What a shell would take from the environment before it reads a line, as far as that changes what
/// simple lines do.
struct ShellEnvironment {
  bool bash_reads_more = false;  ///< BASH_ENV, SHELLOPTS: a start file, or options
  bool korn_reads_more = false;  ///< ENV
  bool zsh_reads_more = false;   ///< the user has a .zshenv
  bool echo_may_differ = false;  ///< BASHOPTS (xpg_echo), POSIXLY_CORRECT
  bool twins_are_first = false;  ///< $PATH finds echo, test, … where the system keeps them
  std::vector<std::string> functions = {};  ///< bash functions exported to us, sorted

  static ShellEnvironment read(const char* const* environment);
};

/// True where `words` may be exec'd in place of letting the shell `shell_name` (a base name) run
/// them: the first word is no keyword, builtin or function of that shell, or is a builtin whose
/// program is proven equal for these very arguments (echo without options, in bash; and so on).
/// True also for words that do nothing (see is_no_op), of which there may be no program.
bool may_exec_directly(std::span<const char* const> words, std::string_view shell_name,
                       const ShellEnvironment& environment);
/// The same with our own environment, read once, at the first call.
bool may_exec_directly(std::span<const char* const> words, std::string_view shell_name);

/// True where the words do nothing at all, so that no process is needed: there are none, or the
/// first is the builtin `:`. A null pointer at the end is not counted.
bool is_no_op(std::span<const char* const> words);

}  // namespace enjoin
