#include <cstdlib>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("worker loss: a job that kills its worker is named and counts as failed") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"-j2", "-k", "if [ {} = 2 ]; then kill -9 $PPID; sleep 1000; fi; echo {}",
                  ":::", "1", "2", "3", "4"});
  CHECK(ran.out == "1\n3\n4\n");
  CHECK(ran.status == 1);
  CHECK(ran.says("lost"));
}

TEST_CASE("worker loss: what a lost job wrote is printed, its tree is gone") {
  const Sandbox box;
  Fifo pids = box.fifo("pids");
  Running running = box.start(
      {"-N0", "--joblog", "log",
       "echo part; setsid sleep 1000 & echo $! >pids; kill -9 $PPID; sleep 1000", ":::", "a"});
  const pid_t grandchild = std::atoi(pids.wait_line().c_str());
  const Ran ran = running.wait();
  CHECK(ran.out == "part\n");
  CHECK(ran.status == 1);
  wait_gone(grandchild);
  // So --resume runs it again.
  CHECK(box.shell("cut -f1 log").out == "Seq\n");
}

TEST_CASE("worker loss: requeue runs the job again, but not for ever") {
  const Sandbox box;
  const Ran again = box.enjoin(
      {"-N0", "--worker-loss", "requeue",
       "echo x >>runs; test $(wc -l <runs) -ge 2 || { kill -9 $PPID; sleep 1000; }; echo done",
       ":::", "a"});
  CHECK(again.out == "done\n");
  CHECK(again.status == 0);
  const Ran never = box.enjoin(
      {"-N0", "--worker-loss", "requeue", "echo x >>kills; kill -9 $PPID; sleep 1000", ":::", "a"});
  CHECK(never.status == 1);
  CHECK(lines_of(box.read("kills")).size() > 1);
}
