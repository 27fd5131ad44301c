#pragma once

#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/wait.h>

namespace enjoin::test {

/// A forked process that runs a function and exits with what it gives. Killed and reaped at the
/// end of its scope. No test assertions in it.
class Forked {
 public:
  explicit Forked(const std::function<int()>& run) : pid_(::fork()) {
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ != 0) return;
    // The test framework's handlers live on in a forked child.
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = 99;
    try {
      status = run();
    } catch (const std::exception&) {
    }
    ::_exit(status);
  }
  Forked(Forked&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  Forked& operator=(Forked&&) = delete;
  ~Forked() { kill(); }

  pid_t pid() const { return pid_; }
  /// Its exit status; -1 where a signal ended it.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  /// Dead, and a zombie until the end of its scope.
  void kill_unreaped() const {
    ::kill(pid_, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }

 private:
  pid_t pid_;
};

}  // namespace enjoin::test
