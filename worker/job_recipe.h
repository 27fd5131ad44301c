#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/config.h"

namespace enjoin {

/// A job that is described whole, not by the team's one command and its inputs: what pipelines,
/// machine-made graphs and the library run. It travels as Job::inputs.
struct JobRecipe {
  std::string label;               ///< for people: "align[s1]"; the tag of its output
  std::vector<std::string> shell;  ///< {"bash", "-euo", "pipefail"}; `-c line` follows
  std::string line;                ///< for the shell; without one `argv` counts
  std::vector<std::string> argv;   ///< executed as it is
  std::string folder;              ///< where it runs; empty: where we are
  std::string stdin_path;          ///< empty: /dev/null
  std::string stdout_path;         ///< made anew, relative to `folder`; empty: captured
  std::string stderr_path;
  std::vector<std::string> environment;  ///< NAME=VALUE sets, NAME alone takes away
  Leftovers leftovers = Leftovers::kKill;
  Isolate isolate = Isolate::kNone;
};

/// As Job::inputs. No string may hold a NUL byte: throws Error.
std::string pack(const JobRecipe& recipe);

}  // namespace enjoin
