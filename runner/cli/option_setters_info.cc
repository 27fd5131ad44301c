#include <cstdlib>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "runner/cli/help.h"
#include "runner/cli/option_draft.h"
#include "runner/cpu_count.h"
#include "runner/input/batcher.h"

// Options that show something, and those that do nothing.

namespace enjoin {
namespace {

using Value = const std::string&;

/// The release of GNU parallel whose command line is understood here.
constexpr std::uint32_t kGnuVersion = 20221122;

/// What GNU parallel finds out by trying: the 131,072 bytes that one argument of exec may hold,
/// without room for what it puts around a command.
constexpr int kLongestLine = 130'329;

void show(Draft& draft, std::string text, int status = 0) {
  draft.instead.emplace();
  draft.instead->action = Invocation::Action::kShow;
  draft.instead->text = std::move(text);
  draft.instead->status = status;
}

void set_help(Draft& draft, Value value) {
  if (!value.empty() && value != "all") throw_malformed("--help", value, "--help or --help=all");
  show(draft, value.empty() ? short_help() : full_help());
}

void set_version(Draft& draft, Value value) {
  if (!value.empty() && value != "all")
    throw_malformed("--version", value, "--version or --version=all");
  show(draft, version_line());
  if (value == "all") draft.instead->action = Invocation::Action::kShowVersionAll;
}

void set_least_version(Draft& draft, Value value) {
  const std::uint32_t least = to_count(value, "--minversion", 0, 1'000'000'000);
  show(draft, fmt::format("{}\n", kGnuVersion), least > kGnuVersion ? 255 : 0);
}

template <CpuUnit Unit>
void show_cpus(Draft& draft, Value) {
  show(draft, fmt::format("{}\n", count_cpus(Unit)));
}

void set_completion(Draft& draft, Value value) {
  std::string shell = value;
  if (shell == "auto") {
    const char* const variable = std::getenv("SHELL");
    shell = variable != nullptr ? variable : "bash";
    shell.erase(0, shell.rfind('/') + 1);
  }
  if (shell == "bash") {
    show(draft, bash_completion());
  } else if (shell == "zsh") {
    show(draft, zsh_completion());
  } else if (shell == "fish") {
    show(draft, fish_completion());
  } else {
    throw_malformed("--shell-completion", value, "bash, zsh, fish or auto");
  }
}

constexpr Setter kSetters[] = {
    {"help", set_help},
    {"version", set_version},
    {"profile", [](Draft&, Value) {}, true},  // see words_from_elsewhere
    {"plain", [](Draft&, Value) {}},
    {"show-limits", [](Draft& d, Value) { d.show_limits = true; }},
    {"max-line-length-allowed",
     [](Draft& d, Value) { show(d, fmt::format("{}\n", kLongestLine)); }},
    {"number-of-cpus", show_cpus<CpuUnit::kCores>},
    {"number-of-cores", show_cpus<CpuUnit::kCores>},
    {"number-of-sockets", show_cpus<CpuUnit::kSockets>},
    {"number-of-threads", show_cpus<CpuUnit::kThreads>},
    {"minversion", set_least_version},
    {"shell-completion", set_completion},

    {"will-cite", [](Draft&, Value) {}},
    {"citation",
     [](Draft& d, Value) { show(d, "enjoin asks for no citation: there is nothing to do.\n"); }},
    {"gnu", [](Draft&, Value) {}},
    {"tollef", [](Draft&, Value) {}},  // without --gnu: see finish_options
    {"cleanup", [](Draft&, Value) {}},
    {"sshlogin",
     [](Draft&, Value v) {
       if (v == ":") return;
       throw UsageError(
           "--sshlogin is not in enjoin, but for : (this machine); to use another, run enjoin "
           "there: ssh HOST enjoin ...");
     },
     true},
    // A script's first line is resolved before options are looked at.
    {"shebang", [](Draft&, Value) { throw UsageError("--shebang must be the first option"); }},
    {"shebang-wrap",
     [](Draft&, Value) { throw UsageError("--shebang-wrap must be the first option"); }},
};

}  // namespace

std::span<const Setter> info_setters() {
  return kSetters;
}

std::string limits_text() {
  return fmt::format(
      "Maximal size of command: {}\nMaximal usable size of command: {}\n\n"
      "Now the jobs are run. Where no inputs were given, they are read from stdin.\n",
      kLongestLine, default_max_line_bytes());
}

}  // namespace enjoin
