#pragma once

#include <optional>
#include <termios.h>

#include <sys/types.h>

namespace enjoin {

/// Remembers how our terminal is set, and at its end sets it so again: a job may have opened the
/// terminal and left it raw, or taken the foreground with it into its grave. It keeps its hands off
/// where the terminal is somebody else's now: the shell's, after ^Z and bg.
class TerminalGuard {
 public:
  TerminalGuard();
  ~TerminalGuard();
  TerminalGuard(const TerminalGuard&) = delete;
  TerminalGuard& operator=(const TerminalGuard&) = delete;

 private:
  int fd_ = -1;  ///< of stderr, stdin and stdout, the first that is our terminal, in the foreground
  termios settings_{};
};

}  // namespace enjoin
