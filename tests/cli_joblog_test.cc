#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("joblog: a header and a row for each job, with its numbers") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "--joblog", "log", "echo {}; exit {}", ":::", "0", "3"});
  CHECK(ran.status == 1);
  const auto rows = lines_of(box.read("log"));
  REQUIRE(rows.size() == 3);
  CHECK(rows[0] == "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand");
  const Ran fields = box.shell("cut -f1,2,5- log | tail -n +2");
  CHECK(fields.out == "1\t:\t0\t2\t0\t0\techo 0; exit 0\n2\t:\t0\t2\t3\t0\techo 3; exit 3\n");
}

TEST_CASE("joblog: times are of the clock and of the run") {
  const Sandbox box;
  box.enjoin({"--joblog", "log", "sleep", ":::", "0.3"});
  const Ran ran = box.shell(
      "now=$(date +%s); tail -n 1 log | awk -v now=$now -F'\\t' '"
      "now + 1 >= $3 && now - $3 < 600 && $4 >= 0.3 {print \"right\"}'");
  CHECK(ran.out == "right\n");
}

TEST_CASE("joblog: -k writes rows in the order of the inputs, without it as they end") {
  const Sandbox box;
  const char* const command =
      "[ {} = 2 ] || while [ ! -e ended ]; do sleep 0.02; done; touch ended";
  box.enjoin({"-k", "-j2", "--joblog", "log", command, ":::", "1", "2"});
  CHECK(box.shell("cut -f1 log; rm ended").out == "Seq\n1\n2\n");
  box.enjoin({"-j2", "--joblog", "log", command, ":::", "1", "2"});
  CHECK(box.shell("cut -f1 log").out == "Seq\n2\n1\n");
}

TEST_CASE("joblog: a signalled job has 128+n and n, a timeout -1") {
  const Sandbox box;
  box.enjoin({"--joblog", "log", "kill -{} $$", ":::", "9"});
  CHECK(box.shell("tail -n 1 log | cut -f7,8").out == "137\t9\n");
  box.enjoin({"-N0", "--timeout", "0.3", "--joblog", "log", "sleep 1000", ":::", "a"});
  CHECK(box.shell("tail -n 1 log | cut -f7,8").out == "-1\t15\n");
}

TEST_CASE("joblog: a row is there while other jobs still run") {
  const Sandbox box;
  Fifo go = box.fifo("go");
  Running running =
      box.start({"-j2", "--joblog", "log", "[ {} = 1 ] || read x <go", ":::", "1", "2"});
  box.shell("until [ $(wc -l <log) = 2 ]; do sleep 0.02; done");
  go.write("\n");
  CHECK(running.wait().status == 0);
  CHECK(lines_of(box.read("log")).size() == 3);
}

TEST_CASE("joblog: jobs that were interrupted have no row") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running =
      box.start({"-j2", "--joblog", "log", "echo {}; [ {} = 1 ] || { echo >here; sleep 1000; }",
                 ":::", "1", "2", "3"});
  here.wait_line();
  box.shell("until [ $(wc -l <log) = 2 ]; do sleep 0.02; done");
  running.signal(15);
  const Ran ran = running.wait();
  CHECK(ran.status == 255);
  CHECK(box.shell("cut -f1 log").out == "Seq\n1\n");
}

TEST_CASE("joblog: a row is written for each of many jobs") {
  const Sandbox box;
  const Ran ran = box.shell(
      "seq 5000 | enjoin -j4 --joblog log true; tail -n +2 log | cut -f1 | sort -n | "
      "cmp - <(seq 5000) && echo all");
  CHECK(ran.out == "all\n");
}

TEST_CASE("joblog: +FILE is appended to, without a second header") {
  const Sandbox box;
  box.enjoin({"--joblog", "log", "echo", ":::", "a"});
  box.enjoin({"--joblog", "+log", "echo", ":::", "b"});
  CHECK(box.shell("cut -f9 log").out == "Command\necho a\necho b\n");
}

TEST_CASE("joblog: - is stdout, which is not emptied") {
  const Sandbox box;
  const Ran ran = box.shell("echo before >out; enjoin --joblog - true ::: a >>out; cut -f1 out");
  CHECK(ran.out == "before\nSeq\n1\n");
}

TEST_CASE("joblog: one that cannot be written stops the run before it begins") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--joblog", "missing/log", "touch", ":::", "ran"});
  CHECK(ran.status == 255);
  CHECK(ran.says("cannot write the job log missing/log: No such file or directory"));
  CHECK_FALSE(box.has("ran"));
  const Ran full = box.enjoin({"--joblog", "/dev/full", "touch", ":::", "ran"});
  CHECK(full.status == 255);
  CHECK(full.says("cannot write the job log /dev/full: No space left on device"));
  CHECK_FALSE(box.has("ran"));
}
