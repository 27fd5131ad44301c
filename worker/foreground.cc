#include "worker/foreground.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace enjoin {
namespace {

ipc::UniqueFd open_terminal() {
  return ipc::UniqueFd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
}

void give(int terminal, pid_t owner, pid_t borrower) {
  const pid_t now = ::tcgetpgrp(terminal);
  if (now < 0 || now == owner) return;
  const bool is_gone = ::kill(-now, 0) != 0 && errno == ESRCH;
  if (now == borrower || is_gone) ::tcsetpgrp(terminal, owner);
}

}  // namespace

ForegroundLoan::ForegroundLoan(pid_t owner) : owner_(owner), terminal_(open_terminal()) {
  if (terminal_ && ::tcgetpgrp(terminal_.get()) != owner) terminal_.reset();
}

void ForegroundLoan::give_back(pid_t borrower) {
  if (terminal_) give(terminal_.get(), owner_, borrower);
  terminal_.reset();
}

void restore_foreground(pid_t owner) {
  if (const ipc::UniqueFd terminal = open_terminal()) give(terminal.get(), owner, 0);
}

}  // namespace enjoin
