// Executor jobs and the host's terminal. The host is a fork of this process, with a pseudo terminal
// as its own.

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <poll.h>
#include <string>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/wait.h>

#include "doctest/doctest.h"
#include "enjoin/executor.h"
#include "ipc/unique_fd.h"
#include "support/executor.h"

namespace enjoin {
namespace {

/// Runs `host` in a process that has a terminal of its own, in the foreground.
class OnTerminal {
 public:
  explicit OnTerminal(const std::function<int()>& host)
      : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(::grantpt(master_.get()) == 0);
    REQUIRE(::unlockpt(master_.get()) == 0);
    char name[64] = {};
    REQUIRE(::ptsname_r(master_.get(), name, sizeof name) == 0);
    slave_.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(slave_);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    ::setsid();
    ::ioctl(slave_.get(), TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; ++fd) ::dup2(slave_.get(), fd);
    try {
      ::_exit(host());
    } catch (...) {
      ::_exit(99);
    }
  }
  ~OnTerminal() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;

  void type(const std::string& text) const {
    REQUIRE(::write(master_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  /// Waits until the terminal has shown this, a minute at most.
  void wait_shown(const std::string& text) {
    while (shown_.find(text) == std::string::npos) {
      pollfd ready{master_.get(), POLLIN, 0};
      INFO("shown: ", shown_);
      REQUIRE(::poll(&ready, 1, 60'000) == 1);
      char part[512];
      const ssize_t size = ::read(master_.get(), part, sizeof part);
      REQUIRE(size > 0);
      shown_.append(part, static_cast<std::size_t>(size));
    }
  }
  /// The host's exit status.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  ipc::UniqueFd master_;
  ipc::UniqueFd slave_;
  pid_t pid_ = -1;
  std::string shown_;
};

Command console(const std::string& line) {
  Command job = test::shell(line);
  job.output = Output::kConsole;
  return job;
}

bool in_foreground() {
  return ::tcgetpgrp(0) == ::getpgrp();
}

}  // namespace

TEST_CASE("console: a job reads the host's terminal, which is the host's again afterwards") {
  OnTerminal terminal([] {
    Executor executor(test::executor_options());
    const JobReport report =
        test::run(executor, console("echo ready; read word; echo heard $word; exit 5"));
    if (!std::holds_alternative<Exited>(report.outcome)) return 1;
    if (std::get<Exited>(report.outcome).status != 5) return 2;
    return in_foreground() ? 0 : 3;
  });
  terminal.wait_shown("ready");
  terminal.type("hello\n");
  terminal.wait_shown("heard hello");
  CHECK(terminal.wait() == 0);
}

TEST_CASE("console: Ctrl-C goes to the console job alone") {
  OnTerminal terminal([] {
    Executor executor(test::executor_options());
    // No shell: dash forgets an interrupt that comes while it forks.
    Command cat = test::command({"cat"});
    cat.output = Output::kConsole;
    const JobReport report = test::run(executor, cat);
    const auto* signaled = std::get_if<Signaled>(&report.outcome);
    if (signaled == nullptr || signaled->signal != SIGINT) return 1;
    return in_foreground() && test::run(executor, test::command({"true"})).success ? 0 : 2;
  });
  terminal.type("word\n");
  terminal.wait_shown("word\r\nword\r\n");  // the terminal's echo, and cat's
  terminal.type("\x03");
  CHECK(terminal.wait() == 0);
}

TEST_CASE("console: without a console job Ctrl-C goes to the host alone, which decides") {
  OnTerminal terminal([] {
    struct sigaction action = {};
    static volatile sig_atomic_t interrupted = 0;
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, nullptr);
    Executor executor(test::executor_options());
    Command job = test::shell("echo ready; sleep 1000");
    job.output = Output::kInherit;
    const JobId id = executor.add(job);
    while (interrupted == 0) executor.wait(std::chrono::milliseconds(50));
    if (executor.unfinished() != 1) return 1;
    executor.cancel(id);
    executor.wait_all();
    return test::run(executor, test::command({"true"})).success ? 0 : 2;
  });
  terminal.wait_shown("ready");
  terminal.type("\x03");
  CHECK(terminal.wait() == 0);
}

}  // namespace enjoin
