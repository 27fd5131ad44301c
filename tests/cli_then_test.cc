#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

std::string log_of(const Sandbox& box) {
  return box.shell("tail -n +2 log | cut -f1,7,9 | sort -n").out;
}

}  // namespace

TEST_CASE("then: a stage begins when all jobs before it have ended") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo gate = box.fifo("gate");
  Running running =
      box.start({"-j3", "case {} in 2) echo >here; read x <gate;; esac; echo {} >>ran", ":::", "1",
                 "2", "3", "--then", "echo joined >>ran", "--then", "cat ran"});
  here.wait_line();
  box.shell("until [ $(wc -l <ran) = 2 ]; do sleep 0.02; done");
  CHECK_FALSE(running.has_ended());
  gate.write("go\n");
  const Ran ran = running.wait();
  CHECK(ran.status == 0);
  CHECK(ran.out.substr(4) == "2\njoined\n");
}

TEST_CASE("then: a build: compile each, link, test") {
  const Sandbox box;
  box.shell("for i in 1 2 3; do echo object $i >f$i.c; done");
  const Ran ran = box.enjoin({"-j4", "cp {} {.}.o", ":::", "f1.c", "f2.c", "f3.c", "--then",
                              "cat *.o >app", "--then", "wc", "-l", "app"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "3 app\n");
  CHECK(ran.err.empty());
}

TEST_CASE("then: the others of a failing stage still run, the next stage does not") {
  const Sandbox box;
  const std::string command = "echo {}; [ {} != b ]";
  const Ran ran = box.enjoin(
      {"-k", "-j1", command, ":::", "a", "b", "c", "--then", "touch next", "--then", "touch last"});
  CHECK(ran.status == 1);
  CHECK(ran.out == "a\nb\nc\n");
  CHECK_FALSE(box.has("next"));
  CHECK_FALSE(box.has("last"));
  CHECK(ran.says("stage 2 of 3 is not run: 1 job failed"));
  const Ran on = box.enjoin({"--keep-going", command, ":::", "a", "b", "c", "--then", "[ 1 = 2 ]",
                             "--then", "touch last"});
  CHECK(on.status == 2);
  CHECK(box.has("last"));
}

TEST_CASE("then: exit status and joblog cover all stages, numbers go on") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--joblog", "log", "--keep-going", "-k", "exit {}", ":::", "0", "3",
                              "--then", "echo", "--then", "echo {} {#}", ":::", "x", "y"});
  CHECK(ran.status == 1);
  CHECK(ran.out == "\nx 4\ny 5\n");
  CHECK(log_of(box) == "1\t0\texit 0\n2\t3\texit 3\n3\t0\techo\n4\t0\techo x 4\n5\t0\techo y 5\n");
}

TEST_CASE("then: --resume goes on where the stages were left") {
  const Sandbox box;
  const auto run = [&](const std::string& how, const std::string& bad) {
    return box.enjoin({"--joblog", "log", how, "echo {} >>ran; [ {} != " + bad + " ]", ":::", "a",
                       "b", "--then", "echo joined >>ran"});
  };
  CHECK(run("--resume", "b").status == 1);
  const Ran again = run("--resume", "none");
  CHECK(again.status == 1);
  CHECK(again.says("stage 2 of 2 is not run: 1 job failed in an earlier run"));
  CHECK(box.shell("sort ran").out == "a\nb\n");
  CHECK(run("--resume-failed", "none").status == 0);
  CHECK(box.read("ran").ends_with("b\njoined\n"));
  CHECK(run("--resume", "none").status == 0);
  CHECK(box.shell("wc -l <ran").out == "4\n");
}

TEST_CASE("then: a stage without inputs reads no stdin, and has nothing to replace") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "echo", "--then", "wc -c", "--then", "echo", "{not}", "{#}"},
                             {.input = "1\n2\n"});
  CHECK(ran.out == "1\n2\n0\n{not} 4\n");
  const Ran bad = box.enjoin({"touch", ":::", "x", "--then", "echo {.}"});
  CHECK(bad.status == 255);
  CHECK(bad.says("the stage 'echo {.}' has replacement strings, but no inputs"));
  CHECK_FALSE(box.has("x"));
}

TEST_CASE("then: options of a stage are its own, but for those of the whole run") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "-j2", "--tag", "echo", ":::", "a", "--then", "echo",
                              ":::", "b", "--then", "--tag", "-N2", "echo", ":::", "c", "d"});
  CHECK(ran.out == "a\ta\nb\nc d\tc d\n");
  const Ran shown = box.enjoin({"--dry-run", "touch", ":::", "x", "--then", "touch y"});
  CHECK(shown.out == "touch x\ntouch y\n");
  CHECK_FALSE(box.has("y"));
}

TEST_CASE("then: mistakes are told before anything runs") {
  const Sandbox box;
  const auto error_of = [&](const std::vector<std::string>& then) {
    std::vector<std::string> words{"touch", ":::", "x", "--then"};
    words.insert(words.end(), then.begin(), then.end());
    const Ran ran = box.enjoin(words);
    CHECK(ran.status == 255);
    CHECK_FALSE(box.has("x"));
    return ran.err;
  };
  CHECK(error_of({}).find("--then needs a command") != std::string::npos);
  CHECK(error_of({"--no-such", "x"}).find("unknown option --no-such") != std::string::npos);
  CHECK(error_of({"--pipe", "wc"}).find("does not read standard input") != std::string::npos);
  CHECK(error_of({"--dry-run", "ls"}).find("show all stages, or none") != std::string::npos);
  CHECK(error_of({"--version"}).find("come before the first command") != std::string::npos);
}

TEST_CASE("then: an interrupted stage has no next") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running = box.start({"echo >here; sleep 1000", ":::", "1", "--then", "touch next"});
  here.wait_line();
  running.signal(SIGTERM);
  CHECK(running.wait().status == 255);
  CHECK_FALSE(box.has("next"));
}

TEST_CASE("then: jobs of each stage have the limits that we were given") {
  const Sandbox box;
  const Ran ran = box.shell("ulimit -Sn 77; enjoin 'ulimit -n #' ::: 1 --then 'ulimit -n'");
  CHECK(ran.out == "77\n77\n");
}
