// Jobs that do harm as far as they can reach, each shut in by --isolate=pid, between innocent ones:
// rows 7, 9, 29 to 31, 39 and 46 of the table in docs/reliability.md. (Rows that need limits of
// memory, disk or process numbers are in proof_adversarial_limits_test.cc.) The hostile programs
// refuse to run outside a pid namespace of their own.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/isolated.h"
#include "support/neighbours.h"

using namespace enjoin::test;

namespace {

const std::string kIsolate = "--isolate=pid";

std::vector<std::string> isolated(std::vector<std::string> options = {}) {
  options.insert(options.begin(), kIsolate);
  return options;
}

// Of a job's start in the joblog, which the neighbourhood keeps in the sandbox.
double started_at(const Sandbox& box, const std::string& command) {
  for (const std::string& line : lines_of(box.read("../home/log"))) {
    if (!line.ends_with('\t' + command)) continue;
    return std::strtod(line.c_str() + line.find('\t', line.find('\t') + 1) + 1, nullptr);
  }
  return 0;
}

// A copy of the program that any user can run, in the folder that jobs run in.
bool bring_program(const Sandbox& box) {
  box.shell("cp $(readlink ../bin/enjoin) " ENJOIN_WORKER " . && chmod a+rx . .. enjoin*");
  return box.has("enjoin-worker");
}

constexpr const char* kAsNobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

}  // namespace

TEST_CASE("adversarial 7: a fork bomb is gone with its job") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string bomb = bring_job(box, "fork_bomb");
  NeighbourRun run = run_between_neighbours(box, {.hostile = {bomb}, .options = isolated()});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.hostile[0].exit == 0);
  int processes = 0;
  double wants_to_end = 0;
  REQUIRE(std::sscanf(run.hostile_out.c_str(), "%d %lf", &processes, &wants_to_end) == 2);
  CHECK(processes > 10);
  std::printf("  %d processes, all gone %.0f ms after its end\n", processes,
              1000 * (started_at(box, bomb) + run.hostile[0].runtime_s - wants_to_end));
}

TEST_CASE("adversarial 7: a fork bomb that stays is ended by its timeout") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string bomb = bring_job(box, "fork_bomb") + " forever";
  NeighbourRun run = run_between_neighbours(
      box, {.hostile = {bomb},
            .options = isolated({"--timeout", "5", "--termseq", "TERM,200,KILL,25"})});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.says("timed out"));
}

TEST_CASE("adversarial 9: a daemon that forks faster than anybody could sweep is gone") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string daemon = bring_job(box, "refork");
  for (const Policies& policies : leftover_policies()) {
    std::vector<std::string> options = policies.options();
    NeighbourRun run = run_between_neighbours(
        box, {.hostile = {daemon, daemon, daemon}, .options = isolated(options)});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.says("left processes, now killed"));
  }
}

// In a pid namespace around the whole run, for this one may well escape.
TEST_CASE("adversarial 9: without isolation it is gone, or said to have escaped") {
  if (!is_root("wall in a whole run")) return;
  const OutsideTmp outside;
  const Sandbox box;
  bring_job(box, "refork");
  box.write("walled", R"(
enjoin -j2 -k --leftovers kill --joblog log '{}' ::: 'echo one' './refork #' 'echo two' >out 2>err
echo "status $?"
)");
  const Ran ran = box.shell("unshare --pid --fork --mount-proc --kill-child bash ./walled");
  if (ran.says("unshare")) {
    MESSAGE("SKIPPED: no pid namespace: ", ran.err);
    return;
  }
  CHECK(ran.out == "status 0\n");
  CHECK(box.read("out") == "one\ntwo\n");
  CHECK(lines_of(box.read("log")).size() == 4);
  const std::string err = box.read("err");
  const bool killed = err.find("left processes, now killed") != std::string::npos;
  const bool escaped = err.find("Not all processes that this job left") != std::string::npos;
  CHECK_MESSAGE(killed != escaped, err);
  std::printf("  without isolation: %s\n", escaped ? "escaped, and named" : "killed");
}

TEST_CASE("adversarial 9: it is gone as well when supervisor, keeper or workers are killed") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  for (const char* victims :
       {"$1", "$(cat /proc/$1/task/*/children)",
        "$(for k in $(cat /proc/$1/task/*/children); do cat /proc/$k/task/*/children; done)",
        "$1 $(for k in $(cat /proc/$1/task/*/children); do cat /proc/$k/task/*/children; done)"}) {
    const Sandbox box;
    bring_job(box, "refork");
    const Traces traces(box);
    Fifo here = box.fifo("here");
    Running running = box.start(
        {kIsolate, "-j2", "--halt", "now,fail=1", "./refork here wait #", ":::", "a", "b"},
        {.environment = {traces.mark()}});
    here.wait_line();
    here.wait_line();
    box.shell(std::string("set -- ") + std::to_string(running.pid()) + "; kill -9 " + victims);
    running.wait();
    std::chrono::milliseconds after{0};
    const std::set<std::string> left = traces.wait_none(true, &after);
    std::string text;
    for (const std::string& what : left) text += what + '\n';
    CHECK_MESSAGE(left.empty(), victims, ": ", text);
    std::printf("  killed %s: gone after %lld ms\n", victims,
                static_cast<long long>(after.count()));
  }
}

TEST_CASE("adversarial 29: a job that kills all that it may reaches its own processes only") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  // Nothing of this may run where the guard does not hold.
  const std::string guard = "[ $PPID = 1 ] && [ $$ = 2 ] || exit 99; ";
  NeighbourRun run = run_between_neighbours(
      box, {.hostile = {guard + "sleep 1000 & kill -9 -1; kill -9 1; kill -TERM 1; kill -STOP 1; "
                                "wait $!; echo status $?",
                        guard + "trap '' TERM; kill -TERM -1; kill -STOP 1; kill -9 $PPID; echo on",
                        guard + "kill -9 $$", guard + "kill -9 0"},
            .options = isolated()});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.hostile_out.find("status 137\n") != std::string::npos);
  CHECK(run.hostile_out.find("on\n") != std::string::npos);
  CHECK(run.hostile[2].signal == SIGKILL);
  CHECK(run.hostile[3].signal == SIGKILL);
}

TEST_CASE("adversarial 30: a job cannot stop its siblings, its worker or the supervisor") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string guard = "[ $PPID = 1 ] && [ $$ = 2 ] || exit 99; ";
  NeighbourRun run = run_between_neighbours(
      box, {.hostile = {guard + "kill -STOP $PARALLEL_PID; kill -STOP -1; kill -STOP $PPID; "
                                "for ((i = 3; i < 2000; ++i)); do kill -STOP $i 2>/dev/null && "
                                "echo reached $i; done; echo tried"},
            .options = isolated({"--timeout", "60"})});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.hostile_out == "tried\n");
}

TEST_CASE("adversarial 31: isolated, not even root's jobs find a way into us") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string spy = bring_job(box, "spy");
  std::string machine = box.shell(spy + " self").out;
  if (machine == "tried\n") MESSAGE("SKIPPED: here nobody may look into any process");
  NeighbourRun run = run_between_neighbours(
      box, {.hostile = {spy + " $PARALLEL_PID", spy + " $(seq 3 400)"}, .options = isolated()});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.hostile_out == "tried\ntried\n");
}

TEST_CASE("adversarial 31: without isolation an ordinary user's jobs find none either") {
  const OutsideTmp outside;
  const Sandbox box;
  const std::string spy = bring_job(box, "spy");
  const bool root = ::geteuid() == 0;
  if (!bring_program(box)) return;
  const std::string as_user = root ? kAsNobody : "";
  const std::string machine = box.shell(as_user + spy + " self").out;
  CHECK(machine.find("tried") != std::string::npos);
  if (machine == "tried\n") MESSAGE("SKIPPED: here nobody may look into any process");
  // The shell's parent is the worker, whose parent is the keeper.
  const Ran ran =
      box.shell("export TMPDIR=/var/tmp; " + as_user +
                "./enjoin 'k=$(sed -n \"s/^PPid:.//p\" /proc/$PPID/status); " + spy +
                " $PPID $k $PARALLEL_PID; grep -c . /proc/$k/status >/dev/null #' ::: a");
  CHECK(ran.out == "tried\n");
  CHECK(ran.status == 0);
}

TEST_CASE("adversarial 39: ten thousand zombies are no burden to anybody") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string zombies = bring_job(box, "zombies");
  for (const std::string whose : {"own", "init"}) {
    NeighbourRun run = run_between_neighbours(
        box, {.hostile = {zombies + " 10000 " + whose}, .options = isolated()});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.hostile[0].exit == 0);
    const std::vector<std::string> lines = lines_of(run.hostile_out);
    REQUIRE(lines.size() == 2);
    if (lines[0] != "made 10000") MESSAGE("SKIPPED: of 10000 zombies, ", lines[0]);
    if (whose == "init") CHECK(lines[1] == "left 2");  // the init reaps what is its own
  }
}

TEST_CASE("adversarial 46: a set-uid program works, and under isolation gives no privileges") {
  if (!is_root("make a set-uid program")) return;
  const OutsideTmp outside;
  const Sandbox box;
  if (!bring_program(box)) return;
  box.shell("cp $(command -v id) root-id; chmod u+s,a+rx root-id");
  const std::string run = std::string("export TMPDIR=/var/tmp; ") + kAsNobody + "./enjoin ";
  if (box.shell(std::string(kAsNobody) + "./root-id -u").out != "0\n") {
    MESSAGE("SKIPPED: set-uid programs do not work where tests run");
    return;
  }
  CHECK(box.shell(run + "./root-id -u ::: >out; cat out").out == "");  // no inputs, no jobs
  CHECK(box.shell(run + "-N0 './root-id -u' ::: a").out == "0\n");
  const Ran shut_in = box.shell(run + "-N0 --isolate=pid './root-id -u' ::: a");
  if (shut_in.status == 255) {
    MESSAGE("SKIPPED: users may not make user namespaces: ", shut_in.err);
  } else {
    CHECK(shut_in.out == "65534\n");
  }
  // And for root itself: a program that would make it somebody else.
  if (!can_isolate()) return;
  box.shell("chown 65534 root-id; chmod u+s root-id");
  CHECK(box.enjoin({"-N0", "./root-id -u", ":::", "a"}).out == "65534\n");
  CHECK(box.enjoin({kIsolate, "-N0", "./root-id -u", ":::", "a"}).out == "0\n");
}
