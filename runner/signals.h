#pragma once

#include <csignal>
#include <cstdint>
#include <optional>

#include "ipc/unique_fd.h"

namespace enjoin {

/// Signals as readable events, for the program (a library must not do this to its host).
/// While it lives, INT, TERM, HUP, TSTP, USR1, USR2 and PIPE are blocked; those that our caller
/// ignores (nohup) stay ignored, but for an INT that somebody sends: shells start what runs in the
/// background of a script with INT ignored, and mean the terminal's. No handler is installed, so
/// nothing needs to be reset in children.
class SignalEvents {
 public:
  SignalEvents();  ///< Throws Error.
  ~SignalEvents();
  SignalEvents(const SignalEvents&) = delete;
  SignalEvents& operator=(const SignalEvents&) = delete;

  int fd() const { return fd_.get(); }
  /// The next signal that came, if any.
  std::optional<int> take();
  /// Our caller's mask, for jobs: bit n-1 for signal n.
  std::uint64_t caller_mask() const;
  /// Stands still as the terminal asked by SIGTSTP, until SIGCONT.
  static void stop_self();

 private:
  sigset_t before_{};
  bool ignores_terminal_int_ = false;
  ipc::UniqueFd fd_;
};

}  // namespace enjoin
