#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "worker/process_tree.h"
#include "worker/spawn.h"

using namespace std::chrono_literals;
using enjoin::Child;
using enjoin::kill_children;
using enjoin::list_children;
using enjoin::reap_ended_children;
using enjoin::SweepAnswer;

namespace {

pid_t start_shell(const std::string& line) {
  const char* const words[] = {"sh", "-c", line.c_str(), nullptr};
  enjoin::SpawnRequest request;
  request.path = "/bin/sh";
  request.argv = const_cast<char* const*>(words);
  request.environment = environ;
  Child child;
  REQUIRE(enjoin::spawn(request, &child) == 0);
  return child.pid;
}

void wait_for_end_of(pid_t pid) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0) {
    REQUIRE(errno == EINTR);
  }
}

// What orphans come back to.
struct Subreaper {
  Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
};

}  // namespace

TEST_CASE("process tree: without children there is nothing to list, reap or kill") {
  CHECK(list_children().empty());
  CHECK_FALSE(reap_ended_children());
  CHECK(kill_children(0ms) == SweepAnswer::kClean);
}

TEST_CASE("process tree: a child is listed until it is reaped") {
  const pid_t pid = start_shell("exit 0");
  wait_for_end_of(pid);
  CHECK(list_children() == std::vector<pid_t>{pid});
  CHECK_FALSE(reap_ended_children());
  CHECK(list_children().empty());
}

TEST_CASE("process tree: a living child is left") {
  const pid_t pid = start_shell("exec sleep 1000");
  CHECK(reap_ended_children());
  CHECK(list_children() == std::vector<pid_t>{pid});
  CHECK(kill_children(60s) == SweepAnswer::kClean);
  CHECK(list_children().empty());
}

TEST_CASE("process tree: descendants in sessions of their own are killed too") {
  const Subreaper subreaper;
  const pid_t pid =
      start_shell("setsid sh -c 'sleep 1000 & setsid sleep 1000 & sleep 1000' & wait");
  // Wherever the sweep meets them on their way.
  CHECK(kill_children(60s) == SweepAnswer::kClean);
  CHECK(list_children().empty());
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("process tree: who is spared lives") {
  const pid_t spared = start_shell("exec sleep 1000");
  start_shell("exec sleep 1000");
  CHECK(kill_children(60s, [&](pid_t pid) { return pid == spared; }) == SweepAnswer::kClean);
  CHECK(list_children() == std::vector<pid_t>{spared});
  CHECK(::waitpid(spared, nullptr, WNOHANG) == 0);
  CHECK(kill_children(60s) == SweepAnswer::kClean);
}
