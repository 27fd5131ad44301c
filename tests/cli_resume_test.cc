#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

const std::string kHeader =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

std::string row(int seq, int exit_value, const std::string& command) {
  return std::to_string(seq) + "\t:\t1600000000.123\t     0.001\t0\t5\t" +
         std::to_string(exit_value) + "\t0\t" + command + '\n';
}

}  // namespace

TEST_CASE("resume: what a killed supervisor had not recorded is run, and nothing else") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  // Jobs 3 and 6 wait until they are killed with the supervisor.
  const std::string command =
      "if [ $phase = 1 ]; then case {} in 3|6) echo >here; sleep 1000;; esac; fi; echo {} >>ran";
  Running running =
      box.start({"-j2", "--joblog", "log", command, ":::", "1", "2", "3", "4", "5", "6", "7", "8"},
                {.environment = {"phase=1"}});
  here.wait_line();
  here.wait_line();
  box.shell("until [ $(wc -l <log) = 5 ]; do sleep 0.02; done");
  running.signal(9);
  running.wait();
  CHECK(box.shell("tail -n +2 log | cut -f1 | sort | tr -d '\\n'").out == "1245");
  const Ran ran = box.enjoin({"-j2", "--joblog", "log", "--resume", command, ":::", "1", "2", "3",
                              "4", "5", "6", "7", "8"},
                             {.environment = {"phase=2"}});
  CHECK(ran.status == 0);
  CHECK(sorted_lines(box.read("ran")) == "1\n2\n3\n4\n5\n6\n7\n8\n");
  CHECK(box.shell("tail -n +2 log | cut -f1 | sort -n | tr -d '\\n'").out == "12345678");
}

TEST_CASE("resume: a row that was cut off is said, taken away, and its job run again") {
  const Sandbox box;
  box.write("log", kHeader + row(1, 0, "echo a") + "2\t:\t16000");
  const Ran ran = box.enjoin({"-k", "--joblog", "log", "--resume", "echo", ":::", "a", "b", "c"});
  CHECK(ran.out == "b\nc\n");
  CHECK(ran.says("Warning: log:3: this row was cut off; its job runs again"));
  CHECK(box.shell("cut -f1,9 log | tail -n +2").out == "1\techo a\n2\techo b\n3\techo c\n");
}

TEST_CASE("resume: a damaged line is named, and nothing runs") {
  const Sandbox box;
  box.write("log", kHeader + row(1, 0, "echo a") + "garbage\n" + row(2, 0, "echo b"));
  const Ran ran = box.enjoin({"--joblog", "log", "--resume", "touch", ":::", "x", "y", "z"});
  CHECK(ran.status == 255);
  CHECK(ran.says("log:3: this is no row of a job log: 'garbage'"));
  CHECK_FALSE(box.has("z"));
}

TEST_CASE("resume: a command that is not the logged one is told once") {
  const Sandbox box;
  box.enjoin({"--joblog", "log", "echo", ":::", "a", "b"});
  const Ran same = box.enjoin({"--joblog", "log", "--resume", "echo", ":::", "a", "b", "c"});
  CHECK(same.err.empty());
  const Ran other =
      box.enjoin({"--joblog", "log", "--resume", "echo x", ":::", "a", "b", "c", "d"});
  CHECK(other.out == "x d\n");
  CHECK(other.says("Warning: job 1 is left out, but the command that log has for it is not"));
  CHECK(lines_of(other.err).size() == 2);
}

TEST_CASE("resume: --resume-failed runs again what failed, and what has not run") {
  const Sandbox box;
  box.enjoin({"--joblog", "log", "exit {}", ":::", "0", "1", "0", "2"});
  const Ran ran = box.enjoin(
      {"-k", "--joblog", "log", "--resume-failed", "echo {#} {}", ":::", "0", "1", "0", "2", "6"});
  CHECK(ran.out == "2 1\n4 2\n5 6\n");
  CHECK(box.enjoin({"-k", "--joblog", "log", "--resume-failed", "echo {#} {}", ":::", "0", "1", "0",
                    "2", "6"})
            .out.empty());
}

TEST_CASE("resume: --retry-failed runs the logged commands under their numbers") {
  const Sandbox box;
  box.write("log", kHeader + row(5, 1, "echo five {}") +
                       row(2, 3, std::string("echo a\0echo 'b'", 15)) + row(1, 0, "echo no") +
                       row(7, 1, "echo no") + row(7, 0, "echo no"));
  const Ran ran = box.enjoin({"-j1", "--joblog", "log", "--retry-failed", "ignored", ":::", "x"});
  CHECK(ran.out == "a\nb\nfive {}\n");
  CHECK(ran.status == 0);
  CHECK(box.shell("cut -f1,7 log | tail -n 2").out == "2\t0\n5\t0\n");
  CHECK(box.enjoin({"--joblog", "log", "--retry-failed"}).out.empty());
}

TEST_CASE("resume: --retry-failed runs a command of several lines again and logs it as it was") {
  const Sandbox box;
  box.enjoin({"--joblog", "log", "echo {}\nfalse", ":::", "a"});
  const std::string first = lines_of(box.read("log")).at(1);
  const Ran ran = box.enjoin({"--joblog", "log", "--retry-failed"});
  CHECK(ran.out == "a\n");
  const std::vector<std::string> rows = lines_of(box.read("log"));
  REQUIRE(rows.size() == 3);
  CHECK(rows[2].substr(rows[2].rfind('\t')) == first.substr(first.rfind('\t')));
  CHECK(rows[2].ends_with(std::string("echo a\0false", 12)));
}

TEST_CASE("resume: --retry-failed without a log to read runs what the command line says") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "--joblog", "log", "--retry-failed", "echo", ":::", "a", "b"}).out ==
        "a\nb\n");
  CHECK(lines_of(box.read("log")).size() == 3);
  CHECK(box.enjoin({"--joblog", "-", "--retry-failed", "exit", ":::", "1"}).status == 1);
}

TEST_CASE("resume: jobs that never ran are not --retry-failed's, and stay so") {
  const Sandbox box;
  box.write("log", kHeader + row(3, 1, "echo three"));
  CHECK(box.enjoin({"--joblog", "log", "--retry-failed"}).out == "three\n");
  CHECK(box.shell("cut -f1 log | tail -n +2").out == "3\n3\n");
}

TEST_CASE("resume: lost jobs have no row, so they run again") {
  const Sandbox box;
  const Ran lost = box.enjoin({"-j1", "--joblog", "log",
                               "[ -e again ] || { [ {} = 2 ] && kill -9 $PPID; }; echo {}",
                               ":::", "1", "2", "3"});
  CHECK(lost.says("lost"));
  CHECK(box.shell("cut -f1 log | tail -n +2 | tr -d '\\n'").out == "13");
}

TEST_CASE("resume: the output of a run whose stdout is full is not counted as arrived") {
  const Sandbox box;
  const Ran ran = box.shell("enjoin -j1 --joblog log 'echo {}' ::: 1 2 3 >/dev/full");
  CHECK(ran.status == 255);
  CHECK(box.shell("tail -n +2 log | wc -l").out == "0\n");
}

TEST_CASE("resume: --results alone tells what is done, by whole results only") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  const std::string command =
      "echo {}; if [ $phase = 1 ] && [ {} = b ]; then echo >here; sleep 1000; fi; echo {} >>ran";
  Running running = box.start({"-j1", "--results", "out/", command, ":::", "a", "b", "c"},
                              {.environment = {"phase=1"}});
  here.wait_line();
  running.signal(9);
  running.wait();
  const Ran ran =
      box.enjoin({"-j1", "--results", "out/", "--resume", command, ":::", "a", "b", "c"},
                 {.environment = {"phase=2"}});
  CHECK(ran.status == 0);
  CHECK(box.read("ran") == "a\nb\nc\n");
}

TEST_CASE("resume: a table of results is gone on with") {
  const Sandbox box;
  box.enjoin({"-k", "--joblog", "log", "--results", "t.csv", "echo", ":::", "a", "b"});
  box.enjoin({"--joblog", "log", "--results", "t.csv", "--resume", "echo", ":::", "a", "b", "c"});
  CHECK(box.shell("grep -c '^Seq' t.csv; grep -o '^[0-9]*,:' t.csv | tr -d '\\n'").out ==
        "1\n1,:2,:3,:");
}

TEST_CASE("resume: without a log or results there is nothing to go by") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--resume", "echo", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK(ran.out.empty());
  CHECK(ran.says("--joblog"));
  CHECK(box.enjoin({"--retry-failed"}).status == 255);
}

TEST_CASE("resume: --dry-run shows what would run, and leaves the log alone") {
  const Sandbox box;
  box.enjoin({"--joblog", "log", "echo", ":::", "a", "b"});
  const std::string before = box.read("log");
  CHECK(
      box.enjoin({"--dry-run", "--joblog", "log", "--resume", "echo", ":::", "a", "b", "c"}).out ==
      "echo c\n");
  CHECK(box.read("log") == before);
}

TEST_CASE("resume: -k does not wait for jobs that are left out") {
  const Sandbox box;
  std::string log = kHeader;
  for (int seq = 2; seq <= 3000; ++seq) log += row(seq, 0, "echo");
  box.write("log", log);
  const Ran ran = box.shell("seq 3002 | enjoin -q -k -j3 --joblog log --resume echo");
  CHECK(ran.out == "1\n3001\n3002\n");
}

TEST_CASE("part: parts share the jobs, which keep their numbers") {
  const Sandbox box;
  std::string all;
  for (const char* part : {"1/3", "2/3", "3/3"}) {
    all += box.enjoin({"-k", "--part", part, "echo {#}:{}", ":::", "a", "b", "c", "d"}).out;
  }
  CHECK(all == "1:a\n4:d\n2:b\n3:c\n");
}

TEST_CASE("part: with a log of its own each part resumes") {
  const Sandbox box;
  box.enjoin({"--part", "2/2", "--joblog", "log", "echo", ":::", "a", "b"});
  CHECK(box.enjoin({"--part", "2/2", "--joblog", "log", "--resume", "echo", ":::", "a", "b", "c",
                    "d", "e"})
            .out == "d\n");
}

TEST_CASE("part: what is no part is refused") {
  const Sandbox box;
  for (const char* part : {"0/3", "4/3", "1", "1/0", "a/b", "-1/2", "1/2/3", ""}) {
    const Ran ran = box.enjoin({"--part", part, "echo", ":::", "a"});
    INFO(std::string(part));
    CHECK(ran.status == 255);
    CHECK(ran.says("--part"));
  }
}
