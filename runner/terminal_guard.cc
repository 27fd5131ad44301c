#include "runner/terminal_guard.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <unistd.h>

namespace enjoin {
namespace {

// Field by field: there may be padding.
bool same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
         a.c_lflag == b.c_lflag && std::memcmp(a.c_cc, b.c_cc, sizeof a.c_cc) == 0;
}

bool is_empty(pid_t group) {
  return group > 1 && ::kill(-group, 0) != 0 && errno == ESRCH;
}

}  // namespace

TerminalGuard::TerminalGuard() {
  for (const int fd : {STDERR_FILENO, STDIN_FILENO, STDOUT_FILENO}) {
    if (::tcgetattr(fd, &settings_) != 0 || ::tcgetpgrp(fd) != ::getpgrp()) continue;
    fd_ = fd;
    return;
  }
}

TerminalGuard::~TerminalGuard() {
  if (fd_ < 0) return;
  const pid_t holder = ::tcgetpgrp(fd_);
  const bool taken = holder != ::getpgrp();
  if (taken && !is_empty(holder)) return;
  // Whoever is not in the foreground is stopped for changing the terminal.
  sigset_t stops;
  sigset_t before;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTTOU);
  ::sigprocmask(SIG_BLOCK, &stops, &before);
  if (taken) ::tcsetpgrp(fd_, ::getpgrp());
  termios now{};
  if (::tcgetattr(fd_, &now) == 0 && !same(now, settings_)) {
    ::tcsetattr(fd_, TCSANOW, &settings_);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace enjoin
