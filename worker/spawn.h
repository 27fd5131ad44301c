#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

#include "ipc/unique_fd.h"
#include "worker/config.h"

namespace enjoin {

/// A descriptor of ours, and its number in the new process.
struct DescriptorPlace {
  int from = -1;
  int to = -1;
};

/// What to start. All pointers stay the caller's and must live until spawn returns.
struct SpawnRequest {
  const char* path = nullptr;  ///< file to execute; no search
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  int stdio[3] = {-1, -1, -1};  ///< become 0, 1, 2; -1: inherited
  /// More of them, which come after those. No `from` is the `to` of any.
  std::span<const DescriptorPlace> descriptors;
  /// A terminal of ours: the new process's group becomes its foreground, and ^Z does nothing there.
  /// -1: none. With own_group.
  int foreground = -1;
  const char* folder = nullptr;  ///< where it runs; nullptr: where we are
  std::optional<int> nice;
  std::span<const ResourceLimit> limits;
  const rlimit* open_files = nullptr;  ///< given back to the job, where set
  int ignored_signal = 0;              ///< to be ignored by the job; 0: none
  std::uint64_t signal_mask = 0;       ///< blocked signals of the job, bit n-1 for signal n
  bool own_group = true;               ///< false: stays in ours, to be able to read our terminal
};

/// A running child of ours. Whoever owns it reaps it, once. Signals go to its process group, whose
/// number cannot be another's before it is reaped.
struct Child {
  pid_t pid = -1;
  ipc::UniqueFd pidfd;
  ipc::UniqueFd init;  ///< where the child is the init of an isolated job: see job_init.h
};

/// Starts a process without copying our memory (as vfork: we stand still until it has executed or
/// failed), leader of a process group of its own (but see own_group), killed when we die.
/// Descriptors other than 0-2 are inherited unless close-on-exec. Returns 0, or the errno of what
/// failed; `*child` is then unset. Only for a process with one thread.
int spawn(const SpawnRequest& request, Child* child);

/// Names the environment of all jobs: our caller's, with PARALLEL_SEQ, PARALLEL_JOBSLOT and
/// PARALLEL_PID set anew for each job without allocation.
class JobEnvironment {
 public:
  /// kNone: jobs get what is inherited, as it is.
  enum class Marks : std::uint8_t { kOurs, kNone };
  JobEnvironment(char** inherited, std::uint32_t slot, std::uint32_t parallel_pid,
                 Marks marks = Marks::kOurs);
  bool is_plain() const { return is_plain_; }
  /// Valid until the next call.
  char* const* for_job(std::uint64_t seq);
  /// The same with changes for this job alone: NAME=VALUE sets, NAME takes away; the last counts.
  char* const* for_job(std::uint64_t seq, std::span<const char* const> changes);
  /// Sets a variable for the next jobs, in place of what was inherited or set before.
  void set(std::string_view name, std::string_view value);

 private:
  char seq_[40];
  char slot_[40];
  char pid_[40];
  /// What set() made: the text and its place among the words.
  struct Setting {
    std::string text;
    std::size_t place = 0;
  };
  std::deque<Setting> settings_;  // their texts must not move
  std::vector<char*> words_;
  bool is_plain_ = false;
  std::vector<char*> changed_;  // words_ with the changes of one job
};

/// Where programs are searched without a PATH.
inline constexpr char kDefaultPath[] = "/usr/local/bin:/bin:/usr/bin";

/// Finds programs in PATH as execvp does, and remembers them.
class ProgramFinder {
 public:
  /// The path to execute for `name`; nullptr where nothing executable is found. Valid until the
  /// next call.
  const char* find(const char* name);
  void forget();

 private:
  std::string name_;
  std::string path_;
};

}  // namespace enjoin
