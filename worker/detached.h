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
  std::vector<std::string> environment;               ///< all of it
  std::vector<std::pair<int, int>> descriptors = {};  ///< {ours, its}: all others are close-on-exec
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
/// Throws Error: what could not be executed, and why.
Detached start_detached(const DetachedStart& start);

/// The same by a fork of ourselves instead of a program: returns 0 pid in the new process. Only
/// where we have one thread (Start::kFork of the library).
Detached fork_detached();

}  // namespace enjoin
