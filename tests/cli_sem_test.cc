#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

/// Waits until all jobs of semaphore `id` are over.
void wait_all(const Sandbox& box, const char* id) {
  CHECK(box.enjoin({"sem", "--id", id, "--wait"}).status == 0);
}

}  // namespace

TEST_CASE("sem: --fg runs the command with our stdin and exits with its status") {
  const Sandbox box;
  const Ran ran = box.enjoin({"sem", "--id", "x", "--fg", "cat; echo err >&2; exit 3"}, {"in\n"});
  CHECK(ran.out == "in\n");
  CHECK(ran.err == "err\n");
  CHECK(ran.status == 3);
  CHECK(box.enjoin({"sem", "--fg", "--id", "x", "kill -TERM $$"}).status == 143);
  CHECK(box.enjoin({"sem", "--fg", "--id", "x", "nosuchprogram"}).status == 127);
}

TEST_CASE("sem: words are one shell line, and replacement strings stand for nothing") {
  const Sandbox box;
  CHECK(box.enjoin({"sem", "--fg", "echo", "a  b", ">&1"}).out == "a b\n");
  CHECK(box.enjoin({"sem", "--fg", "-q", "echo", "a  b", ">"}).out == "a  b >\n");
  CHECK(box.enjoin({"sem", "--fg", "echo {} x{#}{%}"}).out == "x11\n");
  CHECK(box.enjoin({"sem", "--fg", "--plus", "echo x{##}"}).out == "x1\n");
}

TEST_CASE("sem: without --fg it comes back when it has a permit, and --wait waits for the job") {
  const Sandbox box;
  Fifo go = box.fifo("go");
  const Ran ran = box.shell(
      "enjoin sem --id x 'read line <go; echo $line' >job_out; echo back; echo told >go;"
      "enjoin sem --id x --wait; cat job_out");
  CHECK(ran.out == "back\ntold\n");
}

TEST_CASE("sem: no more than -j run at once, and each is run once") {
  const Sandbox box;
  const Ran ran = box.shell(
      "for i in $(seq 12); do enjoin sem -j3 --id x "
      "'mkdir run.$$; ls -d run.* | wc -l >>counts; rmdir run.$$'; done; enjoin sem --id x --wait");
  CHECK(ran.status == 0);
  const auto counts = lines_of(box.read("counts"));
  CHECK(counts.size() == 12);
  for (const std::string& count : counts) CHECK(count <= "3");
}

TEST_CASE("sem: a killed holder frees its permit at once, and its job dies with it") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running holder = box.start({"sem", "--fg", "--id", "x", "echo $$ >here; sleep 1000"});
  const pid_t job = std::atoi(here.wait_line().c_str());
  Running waiter = box.start({"sem", "--fg", "--id", "x", "echo next"});
  holder.signal(SIGKILL);
  CHECK(waiter.wait().out == "next\n");
  wait_gone(job);
}

TEST_CASE("sem: a permit of GNU parallel's is none of ours") {
  const Sandbox box;
  box.shell("mkdir -p $HOME/.parallel/semaphores/id-x; touch $HOME/.parallel/semaphores/id-x/1@a");
  CHECK(box.enjoin({"sem", "--fg", "--id", "x", "echo ran"}).out == "ran\n");
}

TEST_CASE("sem: TERM ends the command's whole tree and prints what was written") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running running = box.start(
      {"sem", "--fg", "--id", "x", "echo part; setsid sleep 1000 & echo $! >here; sleep 1000"});
  const pid_t escaped = std::atoi(here.wait_line().c_str());
  running.signal(SIGTERM);
  const Ran ran = running.wait();
  CHECK(ran.out == "part\n");
  CHECK(ran.status == 255);
  wait_gone(escaped);
}

TEST_CASE("sem: a positive time runs the command without a permit, a negative one gives up") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Running holder = box.start({"sem", "--fg", "--id", "x", "echo here >here; sleep 1000"});
  here.wait_line();
  const Ran late = box.enjoin({"sem", "--fg", "--id", "x", "--st", "0.05", "echo ran"});
  CHECK(late.out == "ran\n");
  CHECK(late.status == 0);
  CHECK(late.says("no permit within 0.05 s"));
  const Ran never = box.enjoin({"sem", "--fg", "--id", "x", "--st", "-0.05", "echo ran"});
  CHECK(never.out.empty());
  CHECK(never.status == 1);
  CHECK(box.enjoin({"sem", "--wait", "--id", "x", "--st", "-0.05"}).status == 1);
}

TEST_CASE("sem: output comes when the job has ended, with -u and --lb while it runs") {
  for (const char* option : {"-u", "--line-buffer"}) {
    const Sandbox box;
    Fifo out = box.fifo("out");
    Fifo go = box.fifo("go");
    Running running = box.start_shell("enjoin sem --fg " + std::string(option) +
                                      " 'echo early; read x <go; echo late' >out");
    CHECK(out.wait_line() == "early");
    go.write("x\n");
    CHECK(out.wait_line() == "late");
    CHECK(running.wait().status == 0);
  }
}

TEST_CASE("sem: nothing is left behind") {
  const Sandbox box;
  box.enjoin({"sem", "--id", "a/b\n\xff", "echo x"});
  wait_all(box, "a/b\n\xff");
  CHECK(box.shell("find $HOME/.cache/enjoin/sem -type f").out.empty());
  CHECK(box.left_in_tmp().empty());
}

TEST_CASE("sem: a link by that name and parallel --semaphore are the same") {
  const Sandbox box;
  CHECK(box.shell("ln -s $(command -v enjoin) sem; ./sem --fg echo one").out == "one\n");
  CHECK(box.shell("parallel --semaphore --fg echo two").out == "two\n");
  CHECK(box.shell("parallel --fg --id x echo three").out == "three\n");
}

TEST_CASE("sem: options of a run count, and -a is the command's stdin") {
  const Sandbox box;
  box.write("data", "1\n2\n");
  CHECK(box.enjoin({"sem", "--fg", "-a", "data", "cat"}).out == "1\n2\n");
  CHECK(box.enjoin({"sem", "--fg", "-a", "data", "-a", "data", "cat"}).status == 255);
  CHECK(box.enjoin({"sem", "--fg", "--tag", "cat"}, {"1\n"}).out == "\t1\n");
  CHECK(box.enjoin({"sem", "--fg", "--joblog", "log", "exit 3"}).status != 0);
  CHECK(lines_of(box.read("log")).size() == 2);
  CHECK(box.enjoin({"sem", "--fg", "--timeout", "0.05", "sleep 1000"}).status == 255);
  CHECK(box.enjoin({"sem", "--fg", "--pipe", "cat"}, {"piped\n"}).out == "piped\n");
  CHECK(box.enjoin({"sem", "--fg", "--dry-run", "echo x"}).out == "echo x \n");
}
