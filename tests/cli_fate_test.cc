// What becomes of jobs that fail, last too long or come again, and what the program makes of it.

#include <csignal>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("fate: the exit status counts failed jobs, 101 for more than 100") {
  const Sandbox box;
  CHECK(box.enjoin({"true", ":::", "a", "b"}).status == 0);
  CHECK(box.enjoin({"exit", ":::", "0", "1", "2", "255"}).status == 3);
  CHECK(box.shell("seq 100 | enjoin -N0 false").status == 100);
  CHECK(box.shell("seq 150 | enjoin -N0 false").status == 101);
}

TEST_CASE("fate: a job that a signal ended has failed") {
  const Sandbox box;
  CHECK(box.enjoin({"kill -{} $$", ":::", "9", "11"}).status == 2);
}

TEST_CASE("fate: an unknown program is the shell's to complain of") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--joblog", "log", "no-such-program", ":::", "a"});
  CHECK(ran.status == 1);
  CHECK(ran.says("not found"));
  CHECK(box.shell("cut -f7 log").out == "Exitval\n127\n");
}

TEST_CASE("fate: --timeout ends the whole tree, a grandchild in a session of its own too") {
  const Sandbox box;
  Fifo pids = box.fifo("pids");
  Running running = box.start(
      {"-N0", "--timeout", "2", "setsid sleep 1000 & echo $! >pids; sleep 1000", ":::", "a"});
  const pid_t grandchild = std::atoi(pids.wait_line().c_str());
  const Ran ran = running.wait();
  CHECK(ran.status == 1);
  CHECK(ran.says("timed out"));
  wait_gone(grandchild);
}

TEST_CASE("fate: --timeout spares jobs that end in time") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--timeout", "2m", "echo", ":::", "a"});
  CHECK(ran.out == "a\n");
  CHECK(ran.status == 0);
}

TEST_CASE("fate: --timeout by the median of those that succeeded") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-j1", "--timeout", "1000%", "sleep {}; echo {}", ":::", "0.1", "0.1",
                              "0.1", "0.1", "1000"});
  CHECK(ran.out == "0.1\n0.1\n0.1\n0.1\n");
  CHECK(ran.status == 1);
}

TEST_CASE("fate: what a job wrote before its timeout is printed") {
  const Sandbox box;
  CHECK(box.enjoin({"-N0", "--timeout", "2", "echo early; sleep 1000", ":::", "a"}).out ==
        "early\n");
}

TEST_CASE("fate: --retries N runs a failing job N times in all, and prints the last") {
  const Sandbox box;
  const Ran ran = box.enjoin(
      {"--retries", "3", "echo x >>tries; echo run $(wc -l <tries); exit 1 #{}", ":::", "a"});
  CHECK(box.read("tries") == "x\nx\nx\n");
  CHECK(ran.out == "run 3\n");
  CHECK(ran.status == 1);
}

TEST_CASE("fate: --retries stops at the first success") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--retries", "5", "--joblog", "log",
                              "echo x >>tries; test $(wc -l <tries) -ge 2 #{}", ":::", "a"});
  CHECK(box.read("tries") == "x\nx\n");
  CHECK(ran.status == 0);
  CHECK(lines_of(box.read("log")).size() == 2);
}

TEST_CASE("fate: --retries with -k keeps the place of the job that comes again") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "-j2", "--retries", "4",
                              "echo {}; [ {} != 1 ] || { echo x >>t; test $(wc -l <t) -ge 3; }",
                              ":::", "1", "2", "3"});
  CHECK(ran.out == "1\n2\n3\n");
  CHECK(ran.status == 0);
}

TEST_CASE("fate: --halt now,fail=1 stops the running jobs and exits with that job's status") {
  const Sandbox box;
  Fifo pids = box.fifo("pids");
  Fifo go = box.fifo("go");
  Running running =
      box.start({"-j2", "--halt", "now,fail=1",
                 "if [ {} = 1 ]; then echo $$ >pids; exec sleep 1000; fi; read x <go; exit {}",
                 ":::", "1", "7", "3"});
  const pid_t sleeper = std::atoi(pids.wait_line().c_str());
  go.write("\n");
  const Ran ran = running.wait();
  CHECK(ran.status == 7);
  wait_gone(sleeper);
}

TEST_CASE("fate: --halt soon,fail=1 lets the running jobs end") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"-j2", "--halt", "soon,fail=1",
                  "if [ {} = 1 ]; then while [ ! -e f ]; do sleep 0.02; done; sleep 0.1; echo "
                  "whole; else touch f; exit {}; fi",
                  ":::", "1", "7", "3", "3", "3"});
  CHECK(ran.out == "whole\n");
  CHECK(ran.status == 7);
}

TEST_CASE("fate: --halt counts successes and ends") {
  const Sandbox box;
  CHECK(
      box.enjoin({"-j1", "--halt", "now,success=1", "echo {}; exit {}", ":::", "1", "0", "2", "0"})
          .out == "1\n0\n");
  CHECK(box.enjoin({"-j1", "--halt", "now,success=1", "exit", ":::", "1", "0", "2"}).status == 0);
  CHECK(box.enjoin({"-j1", "--halt", "soon,done=2", "echo", ":::", "1", "2", "3"}).out == "1\n2\n");
  CHECK(box.enjoin({"-j1", "--halt", "now,fail=2", "exit", ":::", "1", "0", "2", "3"}).status == 2);
}

TEST_CASE("fate: --halt with a percentage is of all jobs") {
  const Sandbox box;
  const Ran ran = box.enjoin(
      {"-j1", "--halt", "soon,fail=50%", "echo {#}; exit {}", ":::", "1", "1", "0", "0"});
  CHECK(ran.out == "1\n2\n");
  CHECK(ran.status == 50);
  CHECK(box.enjoin({"-j1", "--halt", "soon,success=50%", "echo {#}; exit {}"},
                   {.input = "0\n1\n0\n0\n0\n0\n"})
            .out == "1\n2\n3\n4\n");
}

TEST_CASE("fate: --halt now does not wait for the turn of the job that decides, with -k") {
  const Sandbox box;
  const Ran ran = box.enjoin(
      {"-k", "-j2", "--halt", "now,fail=1", "[ {} = 1 ] && sleep 1000; exit {}", ":::", "1", "7"});
  CHECK(ran.status == 7);
  CHECK(ran.says("This job failed:\n[ 7 = 1 ]"));
}

TEST_CASE("fate: --quiet leaves only the jobs' own words on stderr") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"--quiet", "-N0", "--timeout", "2", "echo mine >&2; sleep 1000", ":::", "a"});
  CHECK(ran.err == "mine\n");
  CHECK(ran.status == 1);
}

TEST_CASE("fate: those beside a job's leader get their time, though the leader is gone") {
  const Sandbox box;
  box.write("child.sh",
            "trap 'sleep 0.1; echo cleaned >done; exit' TERM\n"
            "echo >ready\n"
            "while :; do sleep 0.02; done\n");
  Fifo ready = box.fifo("ready");
  Running running =
      box.start({"-N0", "--termseq", "TERM,20000,KILL,25", "sh child.sh & wait; #", ":::", "a"});
  ready.wait_line();
  running.signal(SIGTERM);
  CHECK(running.wait().status == 255);
  CHECK(box.read("done") == "cleaned\n");
}
