#pragma once

// Kills parts of a run, by their place in the tree: supervisor -> keeper -> workers -> jobs.

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "support/cli.h"
#include "support/neighbours.h"

namespace enjoin::test {

/// The processes of a run that are ours, as they are now.
struct RunTree {
  pid_t supervisor = 0;
  pid_t keeper = 0;  ///< 0: none
  std::vector<pid_t> workers;

  /// Waits until there is a keeper with this many workers.
  static RunTree of(pid_t supervisor, std::size_t workers);
};

/// Which of them are killed, at once: all are stopped before the first is killed, so that none gets
/// to act on another's end.
struct Victims {
  const char* name = "";
  bool supervisor = false;
  bool keeper = false;
  bool workers = false;
  bool group = false;  ///< the supervisor's whole process group

  void kill(const RunTree& tree) const;
  bool ends_run() const { return supervisor || group; }
};

}  // namespace enjoin::test
