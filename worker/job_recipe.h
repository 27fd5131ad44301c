#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/config.h"

namespace enjoin {

/// A job that is described whole, not by the team's one command and its inputs: what pipelines,
/// machine-made graphs and the library run. It travels as Job::inputs, where
/// WorkerConfig::recipes says so.
///
/// A line that needs no shell is executed directly, by the rules of the batch mode (shell_words.h),
/// where the shell has no options but -e, -u and -o pipefail, and `environment` changes nothing
/// that shells look at. Why a job could not be started stands in its stderr.
struct JobRecipe {
  std::string label = {};               ///< for people: "align[s1]"; the tag of its output
  std::vector<std::string> shell = {};  ///< {"bash", "-euo", "pipefail"}; `-c line` follows
  std::string line = {};                ///< for the shell; without one `argv` counts
  std::vector<std::string> argv = {};   ///< executed as it is, found in the job's own PATH
  std::string folder = {};              ///< where it runs, and must be there; empty: where we are
  std::string stdin_path = {};          ///< relative to `folder`; empty: /dev/null
  /// Emptied or made, as by a shell's `>`, relative to `folder`; empty: captured. Both may be one.
  std::string stdout_path = {};
  std::string stderr_path = {};
  /// NAME=VALUE sets, NAME alone takes away; the last counts.
  std::vector<std::string> environment = {};
  Leftovers leftovers = Leftovers::kKill;
  Isolate isolate = Isolate::kNone;
};

/// As Job::inputs. No string may hold a NUL byte, a line needs a shell: throws Error.
std::string pack(const JobRecipe& recipe);

/// A packed recipe, read where it lies. Every string there is ended by a NUL byte.
struct RecipeView {
  std::string_view label, line, folder, stdin_path, stdout_path, stderr_path;
  std::vector<const char*> shell, argv, environment;
  Leftovers leftovers = Leftovers::kKill;
  Isolate isolate = Isolate::kNone;
};

/// False: `bytes` are not what pack() makes. Allocates nothing once `view` is large enough.
[[nodiscard]] bool unpack(std::string_view bytes, RecipeView* view);

}  // namespace enjoin
