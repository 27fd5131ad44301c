#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <sys/wait.h>

#include "doctest/doctest.h"
#include "enjoin/error.h"
#include "worker/detached.h"

namespace enjoin {
namespace {

struct Pipe {
  ipc::UniqueFd out;
  ipc::UniqueFd in;
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  /// All that comes until the last writer is gone.
  std::string rest() {
    in.reset();
    std::string text;
    char part[512];
    ssize_t size = 0;
    while ((size = ::read(out.get(), part, sizeof part)) > 0) {
      text.append(part, static_cast<std::size_t>(size));
    }
    return text;
  }
};

ipc::UniqueFd program(const char* path) {
  ipc::UniqueFd fd(::open(path, O_PATH | O_CLOEXEC));
  REQUIRE(fd);
  return fd;
}

std::string shell_says(const std::string& line, std::vector<std::pair<int, int>> descriptors = {}) {
  Pipe pipe;
  const ipc::UniqueFd shell = program("/bin/sh");
  descriptors.emplace_back(pipe.in.get(), 1);
  const Detached child =
      start_detached({shell.get(), {"sh", "-c", line}, {"PATH=/usr/bin:/bin", "A=b"}, descriptors});
  CHECK(child.pid > 0);
  return pipe.rest();
}

void wait_until_ended(const Detached& child) {
  REQUIRE(child.pidfd);
  pollfd end{child.pidfd.get(), POLLIN, 0};
  while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
  }
}

volatile sig_atomic_t child_signals = 0;
void count_signal(int) {
  child_signals = child_signals + 1;
}

struct Disposition {
  struct sigaction before = {};
  explicit Disposition(void (*handler)(int)) {
    struct sigaction action = {};
    action.sa_handler = handler;
    ::sigaction(SIGCHLD, &action, &before);
  }
  ~Disposition() { ::sigaction(SIGCHLD, &before, nullptr); }
};

}  // namespace

TEST_CASE("detached: the program has its arguments, environment and descriptors, and no more") {
  CHECK(shell_says("echo $0 $A $HOME") == "sh b\n");
  Pipe sloppy;
  ::fcntl(sloppy.in.get(), F_SETFD, 0);
  CHECK(shell_says("ls /proc/self/fd | tr '\\n' ' '") == "0 1 2 3 ");  // 3: ls reads the folder
  CHECK(sloppy.rest().empty());
}

TEST_CASE("detached: descriptors may change places with each other") {
  Pipe first;
  Pipe second;
  ipc::UniqueFd six(::fcntl(first.in.get(), F_DUPFD_CLOEXEC, 60));
  ipc::UniqueFd seven(::fcntl(second.in.get(), F_DUPFD_CLOEXEC, 61));
  const std::string line = "echo to 2 >/proc/self/fd/" + std::to_string(six.get()) +
                           "; echo to 1 >/proc/self/fd/" + std::to_string(seven.get()) +
                           "; ls /proc/self/fd | wc -l";
  CHECK(shell_says(line, {{six.get(), seven.get()}, {seven.get(), six.get()}}) == "6\n");
  six.reset();
  seven.reset();
  CHECK(first.rest() == "to 1\n");
  CHECK(second.rest() == "to 2\n");
}

TEST_CASE("detached: the program is no child of ours, and leads a group of its own") {
  const std::string said = shell_says("read -r stat </proc/$$/stat; echo $stat");
  const std::size_t name_end = said.find(") ");
  REQUIRE(name_end != std::string::npos);
  int parent = 0;
  int group = 0;
  REQUIRE(std::sscanf(said.c_str() + name_end, ") %*c %d %d", &parent, &group) == 2);
  CHECK(parent != ::getpid());
  CHECK(group == std::stoi(said));
}

TEST_CASE("detached: neither SIGCHLD nor waitpid(-1) tells of it, running or ended") {
  const Disposition handler(count_signal);
  child_signals = 0;
  Pipe hold;
  const ipc::UniqueFd cat = program("/bin/cat");
  const Detached child = start_detached({cat.get(), {"cat"}, {}, {{hold.out.get(), 0}}});
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
  hold.in.reset();
  wait_until_ended(child);
  CHECK(::waitpid(-1, nullptr, WNOHANG | __WALL) == -1);
  CHECK(errno == ECHILD);
  CHECK(child_signals == 0);
}

TEST_CASE("detached: it works where SIGCHLD is ignored") {
  const Disposition ignored(SIG_IGN);
  CHECK(shell_says("echo x") == "x\n");
}

TEST_CASE("detached: an error of exec comes back as its own text") {
  const auto refused = [](const char* path, std::vector<std::string> argv) {
    const ipc::UniqueFd file = program(path);
    try {
      start_detached({file.get(), std::move(argv), {}, {}});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused("/etc/passwd", {"passwd"}) == "cannot execute passwd: Permission denied");
  CHECK(refused("/bin/true", {"true", std::string(200 * 1024, 'x')}) ==
        "cannot execute true: Argument list too long");
  CHECK(::waitpid(-1, nullptr, WNOHANG | __WALL) == -1);
}

TEST_CASE("detached: many threads may start programs at once") {
  std::vector<std::thread> threads;
  std::vector<std::string> said(8);
  for (std::string& text : said) {
    threads.emplace_back([&text] {
      for (int round = 0; round < 5; ++round) text += shell_says("echo x");
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : said) CHECK(text == "x\nx\nx\nx\nx\n");
}

TEST_CASE("detached: a fork goes on where it was called, as nobody's child") {
  Pipe pipe;
  const pid_t us = ::getpid();
  const Detached child = fork_detached();
  if (child.pid == 0) {
    const bool well = ::getppid() != us && ::getpgrp() == ::getpid();
    const ssize_t size = ::write(pipe.in.get(), well ? "yes" : "no", well ? 3 : 2);
    ::_exit(size > 0 ? 0 : 1);
  }
  CHECK(pipe.rest() == "yes");
  wait_until_ended(child);
  CHECK(::waitpid(-1, nullptr, WNOHANG | __WALL) == -1);
}

}  // namespace enjoin
