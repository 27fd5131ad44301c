#pragma once

#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "ipc/unique_fd.h"

namespace enjoin {

/// A program that is to run beside us without being our child.
struct DetachedStart {
  int program = -1;  ///< a descriptor of the file to execute (O_PATH will do); the caller's
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< all of it
  /// {ours, its}. Of all others only 0, 1 and 2 are inherited, the rest is closed, whatever the
  /// host has forgotten to mark.
  std::vector<std::pair<int, int>> descriptors = {};
};

struct Detached {
  pid_t pid = 0;        ///< only to be shown
  ipc::UniqueFd pidfd;  ///< readable when it has ended; {} where the kernel has none
};

/// Starts it as a grandchild whose parent is gone at once: no SIGCHLD reaches the caller, no
/// waitpid(-1) of its other threads sees anything, and nothing of its memory is copied however
/// large it is. Only the calling thread stands still until the program has been executed. All
/// signals are blocked in the program at first: it sets its own mask. Any number of threads may be
/// there, and call this at once. It leads a process group of its own.
/// The signals that we ignore it ignores too. In a subreaper (PR_SET_CHILD_SUBREAPER) and in pid 1
/// it becomes a child all the same, as all orphans do.
/// Throws Error: what could not be executed, and why.
Detached start_detached(const DetachedStart& start);

/// The same by a fork of ourselves instead of a program: returns 0 pid in the new process, with our
/// signal mask and all our descriptors. Only where we have one thread (Start::kFork of the
/// library).
Detached fork_detached();

}  // namespace enjoin
