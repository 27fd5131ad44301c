#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

// So long that a job on a busy machine comes to its clean-up before it is killed.
constexpr const char* kPatient = "TERM,20000,KILL,25";

std::vector<std::string> shared_memory_files() {
  std::vector<std::string> names;
  std::error_code none;  // a bare machine may have no such folder
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", none)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

}  // namespace

TEST_CASE("signals: INT and TERM stop all trees, print what was written and name the jobs") {
  for (const int number : {SIGINT, SIGTERM}) {
    const Sandbox box;
    Fifo pids = box.fifo("pids");
    Running running =
        box.start({"-j2", "echo part {}; setsid sleep 1000 & echo $! >pids; sleep 1000", ":::", "a",
                   "b", "c"});
    const pid_t first = std::atoi(pids.wait_line().c_str());
    const pid_t second = std::atoi(pids.wait_line().c_str());
    running.signal(number);
    const Ran ran = running.wait();
    CHECK(ran.status == 255);
    CHECK(sorted_lines(ran.out) == "part a\npart b\n");
    CHECK(ran.says("echo part a;"));
    CHECK(ran.says("echo part b;"));
    CHECK_FALSE(ran.says("echo part c;"));
    wait_gone(first);
    wait_gone(second);
    CHECK(box.left_in_tmp().empty());
  }
}

TEST_CASE("signals: an INT that is sent is heard where the caller ignores the terminal's") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running =
      box.start_shell("trap '' INT; exec enjoin -N0 'echo part; echo >here; sleep 1000' ::: a");
  here.wait_line();
  running.signal(SIGINT);
  const Ran ran = running.wait();
  CHECK(ran.out == "part\n");
  CHECK(ran.status == 255);
}

TEST_CASE("signals: TERM lets a job clean up") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running = box.start(
      {"-N0", "--termseq", kPatient,
       "trap 'echo cleaned; exit' TERM; echo >here; while :; do sleep 0.05; done", ":::", "a"});
  here.wait_line();
  running.signal(SIGTERM);
  const Ran ran = running.wait();
  CHECK(ran.out == "cleaned\n");
  CHECK(ran.status == 255);
}

TEST_CASE("signals: a second TERM kills jobs that will not go") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running =
      box.start({"-N0", "trap '' TERM INT HUP; echo x; echo $$ >here; while :; do sleep 1000; done",
                 ":::", "a"});
  const pid_t job = std::atoi(here.wait_line().c_str());
  running.signal(SIGTERM);
  running.signal(SIGINT);
  const Ran ran = running.wait();
  CHECK(ran.status == 255);
  CHECK(ran.out == "x\n");
  wait_gone(job);
}

TEST_CASE("signals: a job that ignores TERM is killed at the end of the ladder") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running = box.start(
      {"-N0", "trap '' TERM INT HUP; echo $$ >here; while :; do sleep 1000; done", ":::", "a"});
  const pid_t job = std::atoi(here.wait_line().c_str());
  running.signal(SIGTERM);
  CHECK(running.wait().status == 255);
  wait_gone(job);
}

TEST_CASE("signals: TERM while waiting for input ends at once") {
  const Sandbox box;
  const Fifo input = box.fifo("input");
  Fifo here = box.fifo("here");
  Running running = box.start_shell("exec enjoin 'echo >here; : {}' <input");
  box.shell("echo a >input");
  here.wait_line();
  running.signal(SIGTERM);
  CHECK(running.wait().status == 255);
}

TEST_CASE("signals: HUP lets the running jobs end and starts no more") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running running =
      box.start({"-j2", "echo >here; read x <go; echo ended {}", ":::", "a", "b", "c", "d"});
  here.wait_line();
  here.wait_line();
  running.signal(SIGHUP);
  // Else a worker might take the next job before the run has heard of it. Signals are heard in the
  // order of their numbers, so the answer to this one comes after the other was dealt with.
  running.signal(SIGUSR1);
  while (running.err_so_far().find("echo ended b\n") == std::string::npos && !running.has_ended()) {
    ::usleep(1000);
  }
  go.write("1\n2\n");
  const Ran ran = running.wait();
  CHECK(sorted_lines(ran.out) == "ended a\nended b\n");
  CHECK(ran.status == 255);
}

TEST_CASE("signals: under nohup HUP means nothing") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running running =
      box.start_shell("exec nohup enjoin -j1 'echo >here; read x <go; echo {}' ::: a b");
  here.wait_line();
  running.signal(SIGHUP);
  go.write("1\n");
  here.wait_line();
  go.write("2\n");
  const Ran ran = running.wait();
  CHECK(ran.status == 0);
  CHECK(ran.out == "a\nb\n");
}

TEST_CASE("signals: TSTP stops the jobs too, CONT lets all go on") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running running = box.start({"-N0", "echo $$ >here; read x <go; echo on", ":::", "a"});
  const std::string job = here.wait_line();
  running.signal(SIGTSTP);
  running.wait_stopped();
  box.shell("until grep -q '^State:.T' /proc/" + job + "/status; do sleep 0.02; done");
  go.write("\n");
  running.signal(SIGCONT);
  const Ran ran = running.wait();
  CHECK(ran.status == 0);
  CHECK(ran.out == "on\n");
}

TEST_CASE("signals: killed with KILL, workers, jobs and grandchildren go and nothing stays") {
  const Sandbox box;
  Fifo pids = box.fifo("pids");
  Running running = box.start(
      {"-j2", "setsid sleep 1000 & echo $! $$ $PPID >pids; echo {}; sleep 1000", ":::", "a", "b"});
  const std::string all = pids.wait_line() + ' ' + pids.wait_line();
  running.signal(SIGKILL);
  CHECK(running.wait().status == 128 + SIGKILL);
  const char* at = all.c_str();
  char* end = nullptr;
  for (long pid = std::strtol(at, &end, 10); end != at; pid = std::strtol(at, &end, 10)) {
    wait_gone(static_cast<pid_t>(pid));
    at = end;
  }
  CHECK(box.left_in_tmp().empty());
  for (const std::string& name : shared_memory_files()) {
    INFO(name);
    CHECK(name.find("enjoin") == std::string::npos);
  }
}

TEST_CASE("signals: a reader that goes early ends the run quietly") {
  const Sandbox box;
  const Ran ran = box.shell("yes | enjoin echo | head -n 1; echo ${PIPESTATUS[1]}");
  CHECK(lines_of(ran.out).front() == "y");
  CHECK(ran.err.empty());
}

TEST_CASE("signals: a reader that goes early stops the jobs") {
  const Sandbox box;
  const Ran ran =
      box.shell("enjoin -j2 --lb 'while echo {}; do sleep 0.05; done' ::: a b c d | head -n 1");
  CHECK(ran.out.size() == 2);
  CHECK(ran.err.find("write") == std::string::npos);
}

TEST_CASE("signals: a full disk is named and stops the run") {
  const Sandbox box;
  const Ran ran = box.shell("enjoin -j2 echo ::: a b c >/dev/full");
  CHECK(ran.status == 255);
  CHECK(ran.says("cannot write the output: No space left on device"));
}

TEST_CASE("signals: TERM ends a run whose stdout nobody reads") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  const Fifo out = box.fifo("out");
  Running running =
      box.start_shell("exec enjoin -j2 'seq 100000; echo >here; : {}' ::: a b c d >out");
  here.wait_line();
  running.signal(SIGTERM);
  CHECK(running.wait().status == 255);
  CHECK(box.left_in_tmp().empty());
}

TEST_CASE("signals: a job that is being stopped gets CONT only where it is suspended") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  const std::string job =
      "trap 'echo went on' CONT; trap 'echo cleaned; exit' TERM; echo $$ >here; "
      "while :; do sleep 0.05; done";
  {
    Running running = box.start({"-N0", "--termseq", kPatient, job, ":::", "a"});
    here.wait_line();
    running.signal(SIGTERM);
    CHECK(running.wait().out == "cleaned\n");
  }
  Running running = box.start({"-N0", "--termseq", kPatient, job, ":::", "a"});
  const std::string pid = here.wait_line();
  box.shell("kill -STOP " + pid + "; until grep -q '^State:.T' /proc/" + pid +
            "/status; do sleep 0.02; done");
  running.signal(SIGTERM);
  CHECK(running.wait().out.find("cleaned\n") != std::string::npos);
}
