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
/// A recipe with `descriptors` gets them when it starts: its worker asks the supervisor, which is
/// asked for them by LocalTeam::give_descriptors().
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
  bool merges_output = false;  ///< its stderr, without a path of its own, is its stdout
  /// Bytes kept of each captured stream, the first ones; the rest is counted and dropped. 0: no
  /// cap. The job is never held up by it. Where output is captured in files (OutputMode::kGroup).
  std::uint64_t most_output = 0;
  std::vector<ResourceLimit> limits = {};  ///< besides those of the team, and after them
  std::int32_t nice = 0;                   ///< added to the team's
  /// The numbers under which the job finds the descriptors that it is given: each once, in the
  /// order in which they are given. They win over all of the above. Not with Isolate::kPid.
  std::vector<std::int32_t> descriptors = {};
  /// The process group (of our caller) from which the job takes over the foreground of our
  /// controlling terminal, while it runs. Nothing happens where that group does not have it. ^Z
  /// does nothing then, for nobody would continue the job. 0: none.
  std::int32_t foreground_of = 0;

  static constexpr std::size_t kMostDescriptors = 200;
};

/// As Job::inputs. Throws Error: a string holds a NUL byte, a line has no shell, descriptors cannot
/// be given so.
std::string pack(const JobRecipe& recipe);

/// A packed recipe, read where it lies. Every string there is ended by a NUL byte.
struct RecipeView {
  std::string_view label, line, folder, stdin_path, stdout_path, stderr_path;
  std::vector<const char*> shell, argv, environment;
  Leftovers leftovers = Leftovers::kKill;
  Isolate isolate = Isolate::kNone;
  bool merges_output = false;
  std::uint64_t most_output = 0;
  std::vector<ResourceLimit> limits;
  std::int32_t nice = 0;
  std::vector<std::int32_t> descriptors;
  std::int32_t foreground_of = 0;
};

/// False: `bytes` are not what pack() makes. Allocates nothing once `view` is large enough.
[[nodiscard]] bool unpack(std::string_view bytes, RecipeView* view);

/// JobRecipe::most_output of a packed recipe; 0 where `bytes` are none.
std::uint64_t most_output_of(std::string_view bytes);

}  // namespace enjoin
