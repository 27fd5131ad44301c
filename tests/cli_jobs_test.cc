#include <sched.h>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

/// Runs four jobs under `option` that each tell when they begin, and counts how many begin before
/// any may end.
int begin_at_once(const std::string& option, int expected) {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running running =
      box.start({option, "echo {} >here; read x <go; echo {} >>done", ":::", "1", "2", "3", "4"});
  for (int i = 0; i < expected; ++i) here.wait_line();
  const int begun = box.has("done") ? 0 : expected;
  go.write("1\n2\n3\n4\n");
  for (int i = expected; i < 4; ++i) here.wait_line();
  CHECK(running.wait().status == 0);
  CHECK(lines_of(box.read("done")).size() == 4);
  return begun;
}

/// Runs what follows on one CPU of those that the tests may use, which need not be the first.
std::string one_cpu() {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  REQUIRE(::sched_getaffinity(0, sizeof mine, &mine) == 0);
  std::size_t cpu = 0;
  while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &mine)) ++cpu;
  return "taskset -c " + std::to_string(cpu) + ' ';
}

}  // namespace

TEST_CASE("jobs: -jN runs N at once") {
  CHECK(begin_at_once("-j1", 1) == 1);
  CHECK(begin_at_once("-j3", 3) == 3);
  CHECK(begin_at_once("--jobs=4", 4) == 4);
  CHECK(begin_at_once("-P2", 2) == 2);
}

TEST_CASE("jobs: -j0 runs all at once") {
  CHECK(begin_at_once("-j0", 4) == 4);
}

TEST_CASE("jobs: percentages and sums are reckoned from the CPUs that may be used") {
  const Sandbox box;
  for (const char* option : {"-j100%", "-j+0", "-j-0"}) {
    const Ran ran = box.shell(one_cpu() + "enjoin " + option + " 'echo {%}; : {}' ::: 1 2 3 4");
    CHECK(ran.out == "1\n1\n1\n1\n");
  }
  CHECK(box.shell(one_cpu() + "enjoin -j-5 'echo {%}; : {}' ::: 1 2").out == "1\n1\n");
}

TEST_CASE("jobs: the default is the CPUs that may be used") {
  const Sandbox box;
  CHECK(box.shell(one_cpu() + "enjoin 'echo {%}; : {}' ::: 1 2 3").out == "1\n1\n1\n");
}

TEST_CASE("jobs: never more than -j at once") {
  const Sandbox box;
  box.shell("seq 200 | enjoin -j3 'mkdir slot{%}; ls -d slot* | wc -l; rmdir slot{%}' >counts");
  for (const std::string& count : lines_of(box.read("counts"))) CHECK(count <= "3");
}

TEST_CASE("jobs: the number of jobs may stand in a file") {
  const Sandbox box;
  box.write("count", "1\n");
  CHECK(box.enjoin({"-j", "count", "echo", "{%}", ":::", "a", "b"}).out == "1\n1\n");
}

TEST_CASE("jobs: nonsense is refused") {
  const Sandbox box;
  for (const char* bad : {"-jx", "-j", "-j1.5x", "-j%"}) {
    const Ran ran = box.enjoin({bad, "echo", ":::", "a"});
    CHECK(ran.status == 255);
    CHECK(ran.says("-j"));
    CHECK(ran.out.empty());
  }
}

TEST_CASE("jobs: --delay keeps starts apart") {
  const Sandbox box;
  // Any of them may begin late on a busy machine, but none before its time.
  const Ran ran = box.shell(
      "began=$(date +%s.%N); enjoin -j4 --delay 0.2 --joblog log true ::: 1 2 3 && "
      "awk -F'\\t' -v began=$began 'NR > 1 && $3 - began < 0.2 * ($1 - 1) - 0.01 "
      "{print \"early\", $1, $3 - began}' log");
  CHECK(ran.status == 0);
  CHECK(ran.out.empty());
}

TEST_CASE("jobs: thousands of jobs in hundreds of slots") {
  const Sandbox box;
  CHECK(box.shell("seq 2000 | enjoin -j200 'echo {}' | sort -n | cmp - <(seq 2000) && echo all")
            .out == "all\n");
}
