#include "runner/signals.h"

#include <cerrno>
#include <ctime>
#include <unistd.h>

#include <sys/signalfd.h>

#include "enjoin/error.h"

namespace enjoin {

SignalEvents::SignalEvents() {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGUSR1, SIGUSR2}) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    const bool ignored = now.sa_handler == SIG_IGN;
    // A blocked signal is not thrown away, even where it is ignored.
    if (!ignored || signal == SIGINT) sigaddset(&ours, signal);
    if (ignored && signal == SIGINT) ignores_terminal_int_ = true;
  }
  // Where our caller ignores it, children vanish unreaped.
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t blocked = ours;
  sigaddset(&blocked, SIGPIPE);
  sigaddset(&blocked, SIGXFSZ);  // a file that may grow no more is an error like a full disk
  ::sigprocmask(SIG_BLOCK, &blocked, &before_);
  fd_.reset(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw system_error("cannot make a signalfd", errno);
}

SignalEvents::~SignalEvents() {
  sigset_t told_by_errno;
  sigemptyset(&told_by_errno);
  sigaddset(&told_by_errno, SIGXFSZ);
  const timespec at_once{};
  if (sigismember(&before_, SIGXFSZ) == 0) ::sigtimedwait(&told_by_errno, nullptr, &at_once);
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> SignalEvents::take() {
  while (true) {
    signalfd_siginfo info{};
    const ssize_t got = ::read(fd_.get(), &info, sizeof info);
    if (got != static_cast<ssize_t>(sizeof info)) return std::nullopt;
    const int signal = static_cast<int>(info.ssi_signo);
    const bool from_terminal = info.ssi_code == SI_KERNEL;
    if (signal != SIGINT || !from_terminal || !ignores_terminal_int_) return signal;
  }
}

std::uint64_t SignalEvents::caller_mask() const {
  std::uint64_t mask = 0;
  for (int signal = 1; signal <= 64; ++signal) {
    if (sigismember(&before_, signal) == 1) mask |= std::uint64_t{1} << (signal - 1);
  }
  return mask;
}

void SignalEvents::stop_self() {
  ::kill(::getpid(), SIGSTOP);
}

}  // namespace enjoin
