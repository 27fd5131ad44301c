// The process between supervisor and workers, as a person meets it; and what else of a run may be
// killed, stopped or not be read.

#include <csignal>
#include <poll.h>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/death.h"
#include "worker/process_tree.h"

using namespace enjoin::test;

namespace {

std::string command_line(const Sandbox& box, pid_t pid) {
  return box.shell("tr '\\0' ' ' </proc/" + std::to_string(pid) + "/cmdline").out;
}

bool lives(const std::string& pid) {
  const pid_t number = static_cast<pid_t>(std::atoi(pid.c_str()));
  return number > 0 && ::kill(number, 0) == 0;
}

}  // namespace

TEST_CASE("keeper: keeper and workers go by their names, apart from our process group") {
  const Sandbox box;
  Fifo ready = box.fifo("ready");
  Fifo gate = box.fifo("gate");
  Running run = box.start({"-j2", "echo >ready; read x <gate; :", ":::", "1", "2"});
  for (int job = 0; job < 2; ++job) ready.wait_line();
  const RunTree tree = RunTree::of(run.pid(), 2);
  CHECK(command_line(box, tree.keeper).starts_with("enjoin-keeper "));
  std::set<std::string> lines;
  for (const pid_t worker : tree.workers) {
    std::string line = command_line(box, worker);
    line.erase(line.find_last_not_of(' ') + 1);
    lines.insert(line);
    CHECK(::getpgid(worker) == tree.keeper);
  }
  CHECK(lines == std::set<std::string>{"enjoin-worker 1", "enjoin-worker 2"});
  CHECK(::getpgid(tree.keeper) == tree.keeper);
  CHECK(::getsid(tree.keeper) == ::getsid(run.pid()));  // jobs can still open the terminal
  gate.write("\n\n");
  CHECK(run.wait().status == 0);
}

TEST_CASE("keeper: it needs no signal at its default") {
  const Sandbox box;
  const Ran ran = box.shell(
      "trap '' CHLD USR1; enjoin -k --joblog log --limit true 'echo {}; exit {}' ::: 0 1 2;"
      " cut -f7 log | tail -n +2 | sort | tr '\\n' ' '");
  CHECK(ran.out == "0\n1\n2\n0 1 2 ");
  CHECK(ran.err == "");
}

TEST_CASE("keeper: one executable that is called by another name is its own keeper") {
  const Sandbox box;
  const Ran ran = box.shell(
      "cp \"$(readlink -f \"$(command -v enjoin)\")\" alone &&"
      " exec ./alone -k 'echo {}' ::: 1 2 3");
  CHECK(ran.out == "1\n2\n3\n");
}

TEST_CASE("keeper: leftovers that may live on outlive another worker's death, and the run") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-j1", "--leftovers", "keep",
                              "setsid sleep 1000 & echo $! >pid{}; [ {} = 1 ] || kill -9 $PPID",
                              ":::", "1", "2"});
  CHECK(ran.status == 1);
  CHECK(lives(lines_of(box.read("pid1")).at(0)));
  CHECK_FALSE(lives(lines_of(box.read("pid2")).at(0)));
  ::kill(static_cast<pid_t>(std::atoi(box.read("pid1").c_str())), SIGKILL);
}

TEST_CASE("keeper: the death of a worker touches no other worker's job") {
  const Sandbox box;
  Fifo ready = box.fifo("ready");
  Fifo gate = box.fifo("gate");
  Running run = box.start({"-j2",
                           "if [ {} = 1 ]; then echo >ready; read x <gate; echo {} $x; else"
                           " setsid sleep 1000 & echo $! >ready; kill -9 $PPID; sleep 1000; fi",
                           ":::", "1", "2"});
  const std::string first = ready.wait_line();
  const std::string second = ready.wait_line();
  const pid_t left = static_cast<pid_t>(std::atoi((first + second).c_str()));
  REQUIRE(left > 0);
  wait_gone(left);
  gate.write("go\n");
  const Ran ran = run.wait();
  CHECK(ran.out == "1 go\n");
  CHECK(ran.status == 1);
}

TEST_CASE("keeper: killed, it is replaced, and its jobs are dealt with as dead workers' jobs are") {
  for (const std::string policy : {"fail", "requeue"}) {
    const Sandbox box;
    const Traces traces(box);
    Fifo ready = box.fifo("ready");
    Ran ran;
    {
      Running run = box.start({"-j2", "-k", "--worker-loss", policy, "--joblog", "log",
                               "echo x >>begun{}; [ {} = 3 ] || [ $(wc -l <begun{}) = 2 ] ||"
                               " { setsid sleep 1000 & echo >ready; sleep 1000; }; echo {}",
                               ":::", "1", "2", "3"},
                              {.environment = {traces.mark()}});
      for (int job = 0; job < 2; ++job) ready.wait_line();
      Victims{.keeper = true}.kill(RunTree::of(run.pid(), 2));
      ran = run.wait();
    }
    CHECK(ran.status == (policy == "fail" ? 2 : 0));
    CHECK(ran.out == (policy == "fail" ? "3\n" : "1\n2\n3\n"));
    CHECK(lines_of(box.read("log")).size() == (policy == "fail" ? 2 : 4));
    CHECK(traces.wait_none().empty());
    traces.kill_left();
  }
}

TEST_CASE("supervisor: messages that nobody reads hold up nothing") {
  const Sandbox box;
  Fifo sink = box.fifo("sink");
  Fifo ready = box.fifo("ready");
  Fifo gate = box.fifo("gate");
  const std::string text(1500, 'x');
  Running run = box.start_shell(
      "exec enjoin -j2 --joblog log 'echo >ready; read x <gate; : " + text + "' ::: 1 2 2>sink");
  for (int job = 0; job < 2; ++job) ready.wait_line();
  const auto row_count = [&] { return lines_of(box.read("log")).size(); };
  for (int turn = 0; turn < 12'000 && !sink.is_full(); ++turn) {  // each names both jobs
    run.signal(SIGUSR1);
    ::poll(nullptr, 0, 5);
  }
  REQUIRE(sink.is_full());
  run.signal(SIGUSR1);
  gate.write("\n\n");
  for (int turn = 0; turn < 6000 && row_count() < 3; ++turn) ::poll(nullptr, 0, 10);
  CHECK(row_count() == 3);
  run.signal(SIGTERM);  // it stays until all is read, or it is asked not to
  run.wait();
}

// ---- hostile jobs
// --------------------------------------------------------------------------------

TEST_CASE("adversarial 20: a worker that is killed for want of memory loses no other job") {
  // What the kernel's OOM killer does to a worker is a SIGKILL out of the blue.
  for (const Policies& policies : loss_policies()) {
    const Sandbox box;
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"echo 1000 >/proc/$PPID/oom_score_adj; kill -9 $PPID; sleep 1000",
                          "setsid sleep 1000 & kill -9 $PPID; wait"},
              .options = policies.options()});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.says("its worker died"));
  }
}

TEST_CASE("adversarial 27: a job that kills its worker is named, and nobody else's job is lost") {
  for (const Policies& policies : loss_policies()) {
    const Sandbox box;
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"kill -9 $PPID; sleep 1000", "exec sh -c 'kill -9 $PPID'",
                          "(sleep 1000 & setsid sleep 1000 &) ; kill -KILL $PPID"},
              .options = policies.options()});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.says("its worker died"));
  }
}

TEST_CASE(
    "adversarial 45: stopping, going on, interrupting twice, hanging up, a reader that left") {
  const std::string job = "echo >$READY; setsid sleep 1000 & trap '' INT TERM; sleep 1000; sleep 1";
  struct Way {
    const char* name;
    std::vector<int> signals;
  };
  for (const Way& way : {Way{"stop, go on, end", {SIGTSTP, SIGCONT, SIGTERM, SIGTERM}},
                         Way{"interrupt twice", {SIGINT, SIGINT}},
                         Way{"hang up, then end", {SIGHUP, SIGTERM, SIGTERM}}}) {
    CAPTURE(std::string(way.name));
    const Sandbox box;
    const Traces traces(box);
    Fifo ready = box.fifo("ready");
    {
      Running run = box.start({"-j2", job, ":::", "1", "2", "3", "4"},
                              {.environment = {traces.mark(), "READY=" + box.path("ready")}});
      for (int at = 0; at < 2; ++at) ready.wait_line();
      for (const int number : way.signals) {
        run.signal(number);
        if (number == SIGTSTP) run.wait_stopped();
        ::poll(nullptr, 0, 20);  // else two of a kind may count as one
      }
      const int status = run.wait().status;  // the last signal may come just after the end
      CHECK((status == 255 || status == 128 + way.signals.back()));
    }
    CHECK(traces.wait_none().empty());
    traces.kill_left();
  }
  const Sandbox box;
  const Traces traces(box);
  const Ran ran = box.shell(
      "seq 1000 | enjoin -j2 'seq 10000; :' | head -n1;"
      " enjoin --lb -j2 'setsid sleep 1000 & yes; :' ::: 1 2 | head -n1",
      {.environment = {traces.mark()}});
  CHECK(lines_of(ran.out).size() <= 2);
  CHECK(traces.wait_none().empty());
  traces.kill_left();
}
