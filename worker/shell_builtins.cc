// Which first words a shell keeps for itself. The lists hold what bash 3 to 5, dash, ksh93, mksh
// and zsh 5 know as keywords, builtins, predefined aliases and precommand modifiers, all in one:
// a word too many costs a shell, a word too few would run the wrong thing.
//
// A few builtins have programs of the same name that do the same for most arguments, and echo is
// common enough to make the proof worth its lines. They are compared with coreutils' programs.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include "worker/shell_words.h"

extern char** environ;

namespace enjoin {
namespace {

using Words = std::span<const char* const>;

// clang-format off
constexpr auto kShellsOwn = std::to_array<std::string_view>({
    // Keywords.
    "!", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "end", "esac", "fi", "for",
    "foreach", "function", "if", "in", "namespace", "nocorrect", "repeat", "select", "then", "time",
    "until", "while", "{", "{}", "}",
    // Builtins of POSIX and of bash.
    ".", ":", "[", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen",
    "complete", "compopt", "continue", "declare", "dirs", "disown", "echo", "enable", "eval",
    "exec", "exit", "export", "false", "fc", "fg", "getopts", "hash", "help", "history", "jobs",
    "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read",
    "readarray", "readonly", "return", "set", "shift", "shopt", "source", "suspend", "test",
    "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
    // zsh's.
    "-", "autoload", "bindkey", "bye", "cap", "chdir", "clone", "comparguments", "compcall",
    "compctl", "compdescribe", "compfiles", "compgroups", "compquote", "compset", "comptags",
    "comptry", "compvalues", "disable", "echotc", "echoti", "emulate", "float", "functions",
    "getcap", "getln", "integer", "limit", "log", "noglob", "print", "private", "pushln", "r",
    "rehash", "sched", "setcap", "setopt", "stat", "ttyctl", "unfunction", "unhash", "unlimit",
    "unsetopt", "vared", "whence", "where", "which", "zcompile", "zcurses", "zdelattr", "zf_chgrp",
    "zf_chmod", "zf_chown", "zf_ln", "zf_mkdir", "zf_mv", "zf_rm", "zf_rmdir", "zf_sync", "zformat",
    "zftp", "zgetattr", "zle", "zlistattr", "zmodload", "zparseopts", "zprof", "zpty",
    "zregexparse", "zselect", "zsetattr", "zsocket", "zstat", "zstyle", "zsystem", "ztcp",
});
// clang-format on

// Kept by shells of the Korn family only; common programs for all others.
// clang-format off
constexpr auto kKornsOwn = std::to_array<std::string_view>({
    "alarm", "basename", "cat", "chmod", "cmp", "compound", "cut", "dirname", "domainname", "enum",
    "getconf", "global", "hist", "login", "logname", "mkdir", "mknod", "mkservice", "nameref",
    "newgrp", "nohup", "poll", "realpath", "redirect", "rename", "sleep", "stop", "sync", "tty",
    "uname", "vpath", "wc",
});
// clang-format on

// Builtins that may be replaced by a program, see twin_is_equal.
constexpr auto kTwins =
    std::to_array<std::string_view>({"echo", "true", "false", "printf", "test", "["});

template <std::size_t N>
constexpr auto sorted(std::array<std::string_view, N> names) {
  std::sort(names.begin(), names.end());
  return names;
}
constexpr auto kSortedShellsOwn = sorted(kShellsOwn);
constexpr auto kSortedKornsOwn = sorted(kKornsOwn);

template <typename Names>
bool holds(const Names& sorted_names, std::string_view name) {
  return std::binary_search(sorted_names.begin(), sorted_names.end(), name);
}

// bash expands no backslash without -e, the others may expand all.
bool echo_is_equal(Words arguments, ShellKind shell, const ShellEnvironment& environment) {
  if (environment.echo_may_differ) return false;
  if (!arguments.empty() && arguments[0][0] == '-') return false;
  if (shell == ShellKind::kBash) return true;
  return std::none_of(arguments.begin(), arguments.end(),
                      [](const char* argument) { return std::strchr(argument, '\\') != nullptr; });
}

// %s, %% and three escapes; and a conversion at least where there are arguments, for programs warn
// of those left over.
bool printf_is_equal(Words arguments) {
  if (arguments.empty() || arguments[0][0] == '-') return false;
  bool converts = false;
  for (const char* at = arguments[0]; *at != '\0'; ++at) {
    if (*at == '%') {
      ++at;
      if (*at != 's' && *at != '%') return false;
      converts |= *at == 's';
    } else if (*at == '\\') {
      ++at;
      if (*at != 'n' && *at != 't' && *at != '\\') return false;
    }
  }
  return converts || arguments.size() == 1;
}

// `test -f x` and `[ -f x ]`, with the operators that mean the same everywhere.
bool test_is_equal(Words arguments, bool is_bracket) {
  if (arguments.size() != (is_bracket ? 3U : 2U)) return false;
  if (is_bracket && std::strcmp(arguments[2], "]") != 0) return false;
  const char* operation = arguments[0];
  return operation[0] == '-' && operation[1] != '\0' && operation[2] == '\0' &&
         std::strchr("efdsLhpSbczn", operation[1]) != nullptr;
}

bool twin_is_equal(std::string_view name, Words arguments, ShellKind shell,
                   const ShellEnvironment& environment) {
  if (!environment.twins_are_first) return false;
  if (name == "echo") return echo_is_equal(arguments, shell, environment);
  if (name == "printf") return printf_is_equal(arguments);
  if (name == "test" || name == "[") return test_is_equal(arguments, name == "[");
  // The programs know --help and --version.
  if (name == "true" || name == "false") return arguments.empty() || arguments[0][0] != '-';
  return false;
}

bool is_unproven(ShellKind shell, const ShellEnvironment& environment) {
  switch (shell) {
    case ShellKind::kBash:
    case ShellKind::kPosix:
      return environment.bash_reads_more;
    case ShellKind::kKorn:
      return environment.bash_reads_more || environment.korn_reads_more;
    case ShellKind::kZsh:
      return environment.zsh_reads_more;
    case ShellKind::kOther:
      return true;
  }
  return true;
}

// The first file of this name in $PATH is the system's.
bool is_systems_own(std::string_view name, std::string_view path) {
  std::string file;
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    if (folder.empty()) return false;  // the current folder
    path.remove_prefix(std::min(folder.size() + 1, path.size()));
    file.assign(folder).append("/").append(name);
    if (::access(file.c_str(), X_OK) == 0) return folder == "/bin" || folder == "/usr/bin";
  }
  return false;
}

}  // namespace

ShellKind shell_kind(std::string_view shell_name) {
  if (shell_name == "bash") return ShellKind::kBash;
  if (shell_name == "sh" || shell_name == "dash") return ShellKind::kPosix;
  if (shell_name == "zsh") return ShellKind::kZsh;
  constexpr auto korn = std::to_array<std::string_view>({"ksh", "ksh93", "mksh", "lksh", "pdksh"});
  const bool is_korn = std::find(korn.begin(), korn.end(), shell_name) != korn.end();
  return is_korn ? ShellKind::kKorn : ShellKind::kOther;
}

ShellEnvironment ShellEnvironment::read(const char* const* environment) {
  ShellEnvironment found;
  std::string_view path;
  std::string_view home;
  std::string_view zdotdir;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    const std::string_view name = entry.substr(0, entry.find('='));
    const std::string_view value = entry.substr(std::min(name.size() + 1, entry.size()));
    constexpr std::string_view kPrefix = "BASH_FUNC_";
    if (name.starts_with(kPrefix) && (name.ends_with("%%") || name.ends_with("()"))) {
      found.functions.emplace_back(name.substr(kPrefix.size(), name.size() - kPrefix.size() - 2));
    } else if (name == "BASH_ENV" || name == "SHELLOPTS") {
      found.bash_reads_more |= !value.empty();
    } else if (name == "ENV") {
      found.korn_reads_more = !value.empty();
    } else if (name == "BASHOPTS" || name == "POSIXLY_CORRECT") {
      found.echo_may_differ = true;
    } else if (name == "PATH") {
      path = value;
    } else if (name == "HOME") {
      home = value;
    } else if (name == "ZDOTDIR") {
      zdotdir = value;
    }
  }
  std::sort(found.functions.begin(), found.functions.end());
  const std::string zshenv = std::string(zdotdir.empty() ? home : zdotdir) + "/.zshenv";
  // Debian's file for all users sets these paths anew.
  found.zsh_reads_more =
      ::access(zshenv.c_str(), F_OK) == 0 || path.empty() || path == "/bin:/usr/bin";
  found.twins_are_first = std::all_of(kTwins.begin(), kTwins.end(), [&](std::string_view name) {
    return is_systems_own(name, path);
  });
  return found;
}

bool may_exec_directly(std::span<const char* const> words, std::string_view shell_name,
                       const ShellEnvironment& environment) {
  const ShellKind shell = shell_kind(shell_name);
  if (is_unproven(shell, environment)) return false;
  if (words.empty()) return true;
  const std::string_view name(words[0]);
  // No command, an assignment, a job.
  if (name.empty() || name[0] == '%' || name.find('=') != name.npos) return false;
  if (!environment.functions.empty() && holds(environment.functions, name)) return false;
  if (is_no_op(words)) return true;
  if (shell == ShellKind::kKorn && holds(kSortedKornsOwn, name)) return false;
  if (!holds(kSortedShellsOwn, name)) return true;
  return twin_is_equal(name, words.subspan(1), shell, environment);
}

bool may_exec_directly(std::span<const char* const> words, std::string_view shell_name) {
  static const ShellEnvironment environment = ShellEnvironment::read(environ);
  return may_exec_directly(words, shell_name, environment);
}

}  // namespace enjoin
