#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("perl: the functions and data that the manual names") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "-j1", "echo",
                    "{= $_ = join '-', seq(), slot(), total_jobs(), $arg[1] =}", ":::", "a", "b"})
            .out == "1-1-2-a\n2-1-2-b\n");
  CHECK(box.enjoin({"echo", "{= $_ = Q($_) =}", ":::", "it's"}).out == "'it'\"'\"'s'\n");
  CHECK(box.enjoin({"echo", "{= uq(); $_ = 'a  b' =}", ":::", "x"}).out == "a b\n");
  CHECK(box.enjoin({"echo", "{= $_ = $job->seq() . $job->slot() =}", ":::", "x"}).out == "11\n");
  CHECK(box.enjoin({"echo", "{= $_ = yyyymmdd() =}", ":::", "x"}).out.size() == 9);
  CHECK(box.enjoin({"echo", "{= $job->total_failed() =}", ":::", "x"}).says("is not to be had"));
}

TEST_CASE("perl: an expression may go over several words, and several stand in a line") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "echo", "{=", "$_++", "=}", "{=2 $_ .= 'x' =}", ":::", "4", ":::", "y"})
            .out == "5 z yx\n");
  CHECK(box.enjoin({"-q", "echo", "{=", "$_ .= '  z'", "=}", ":::", "a"}).out == "a  z\n");
}

// As GNU parallel's releases since 2024; 20221122 takes $$1_c for another variable.
TEST_CASE("perl: text beside $$1 does not belong to its name") {
  const Sandbox box;
  CHECK(box.enjoin({"--rpl", "{a(.)b} s/$$1_c/o/g", "echo", "{aDb}", ":::", "GD_cD_cd"}).out ==
        "Good\n");
}

TEST_CASE("perl: --dry-run shows what would run, filters applied") {
  const Sandbox box;
  CHECK(
      box.enjoin({"--dry-run", "--filter", "{} > 1", "echo", "{= $_++ =}", ":::", "1", "2"}).out ==
      "echo 3\n");
  CHECK(box.enjoin({"--shellquote", "echo", "{= $_++ =}", ":::", "1"}).out == "'echo 2'\n");
}

TEST_CASE("perl: what an expression remembers lives on from job to job") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "echo", "{= $_ = ++$count =}", ":::", "a", "b", "c"}).out == "1\n2\n3\n");
}

TEST_CASE("perl: slot() is the slot that the job runs in") {
  const Sandbox box;
  const Ran ran = box.shell("enjoin -j4 'echo {%}-{= $_ = slot() =}' ::: {1..20}");
  for (const std::string& line : lines_of(ran.out)) CHECK(line.substr(0, 1) == line.substr(2, 1));
}

TEST_CASE("perl: jobs that are left out keep their numbers, and do not count") {
  const Sandbox box;
  const Ran ran = box.shell(
      "enjoin -k --joblog log --halt soon,fail=1 "
      "'echo {#} {= skip() if $_ eq \"b\" =}' ::: a b c; echo $?; cut -f1 log");
  CHECK(ran.out == "1 a\n3 c\n0\nSeq\n1\n3\n");
  CHECK(box.enjoin({"-k", "--filter", "{1} < {2}", "echo", "{#}", ":::", "1", "2", ":::", "1", "2"})
            .out == "2\n");
  CHECK(box.shell("seq 2000 | enjoin -k --filter '{} > 1999' echo").out == "2000\n");
}

TEST_CASE("perl: an expression that dies ends the run with 255") {
  const Sandbox box;
  const Ran ran = box.enjoin({"touch", "{= die 'oh no' =}", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK_FALSE(box.has("a"));
  CHECK(ran.says("job 1: oh no"));
}

TEST_CASE("perl: exit in an expression ends the inputs there; what was made runs, and is logged") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "-j2", "--joblog", "log", "echo", "{= $_ == 3 and exit =}",
                              ":::", "1", "2", "3", "4", "5"});
  CHECK(ran.out == "1\n2\n");
  CHECK(ran.err.empty());
  CHECK(ran.status == 0);
  CHECK(box.enjoin({"-k", "--resume", "--joblog", "log", "echo", "{= $_ == 9 and exit =}",
                    ":::", "1", "2", "3", "4", "5"})
            .out == "3\n4\n5\n");
  CHECK(box.enjoin({"false", "{= $_ == 2 and exit 7 =}", ":::", "1", "2"}).status == 7);
  const Ran dry = box.enjoin({"--dry-run", "echo", "{= $_ == 2 and exit 7 =}", ":::", "1", "2"});
  CHECK(dry.out == "echo 1\n");
  CHECK(dry.status == 7);
  CHECK(box.shell("seq 3 | enjoin -k --pipe -N1 'cat; echo {= seq() == 2 and exit 4 =}'").status ==
        4);
}

TEST_CASE("perl: a filter that is wrong is refused") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--filter", "{} eq 'b'", "echo", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK(ran.out.empty());
  CHECK(ran.says("text needs quotes"));
}

TEST_CASE("perl: where it is missing this is said, and only where it is needed") {
  const Sandbox box;
  const RunOptions no_perl{.environment = {"PATH=" + box.path("")}};
  const Ran ran = box.enjoin({"/bin/echo", "{= $_ =}", ":::", "a"}, no_perl);
  CHECK(ran.status == 255);
  CHECK(ran.says("perl is not found"));
  CHECK(box.enjoin({"--plus", "/bin/echo", "{%.c}", ":::", "a.c"}, no_perl).out == "a\n");
}

TEST_CASE("perl: a NUL byte cannot be an argument") {
  const Sandbox box;
  const Ran ran = box.enjoin({"echo", "{= $_ = chr(0) =}", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK(ran.says("NUL"));
}

TEST_CASE("perl: the process hears nothing of an interrupt, and is gone in the end") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  const std::string command = "echo {= $_ = $$ =} >here; sleep 100";
  Running running = box.start({"-j1", command, ":::", "1", "2"});
  const int perl = std::stoi(here.wait_line());
  running.signal(SIGINT);
  CHECK(running.wait().status == 255);
  wait_gone(perl);
}

TEST_CASE("perl: it dies with us") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running = box.start({"-j1", "echo {= $_ = $$ =} >here; sleep 100", ":::", "1"});
  const int perl = std::stoi(here.wait_line());
  running.signal(SIGKILL);
  wait_gone(perl);
}
