#include <csignal>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("admission: a file of -j is read again when a job ends") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  box.write("count", "1\n");
  Running running =
      box.start({"-j", "count", "echo {} >here; read x <go; : {}", ":::", "1", "2", "3", "4", "5"});
  CHECK(here.wait_line() == "1");
  box.write("count", "3\n");
  go.write("x\n");
  // Three begin before any may end.
  for (int i = 0; i < 3; ++i) here.wait_line();
  box.write("count", "1\n");
  go.write("x\n");
  go.write("x\n");
  go.write("x\n");
  CHECK(here.wait_line() == "5");
  go.write("x\n");
  CHECK(running.wait().status == 0);
}

TEST_CASE("admission: --limit's command is asked before each start") {
  const Sandbox box;
  const Ran ran = box.enjoin(
      {"-j2", "--limit", "echo asked >>asked; test $(wc -l <asked) != 2", "echo", ":::", "a", "b"});
  CHECK(sorted_lines(ran.out) == "a\nb\n");
  CHECK(lines_of(box.read("asked")).size() == 3);
}

TEST_CASE("admission: --limit's 2 stops the youngest job, which runs again later") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  // Yes to 1 and 2; the question for 3 stops 2, once both are under way.
  const std::string limit =
      "echo >>asked; case $(wc -l <asked) in 1|2) ;; "
      "3) until test -e runs1 -a -e runs2; do sleep 0.02; done; exit 2;; *) test -e go;; esac";
  Running running =
      box.start({"-j3", "-k", "--termseq", "TERM,20000,KILL,25", "--limit", limit,
                 "trap 'echo ended {} >here; exit 1' TERM; echo {} >here; echo ran {}; >runs{};"
                 "until test -e go; do sleep 0.02; done",
                 ":::", "1", "2", "3"});
  const std::string first = here.wait_line();
  CHECK(sorted_lines(first + '\n' + here.wait_line() + '\n') == "1\n2\n");
  CHECK(here.wait_line() == "ended 2");
  box.write("go", "");
  const std::string again = here.wait_line();  // 2 and 3 start side by side
  CHECK(sorted_lines(again + '\n' + here.wait_line() + '\n') == "2\n3\n");
  const Ran ran = running.wait();
  CHECK(ran.out == "ran 1\nran 2\nran 3\n");
  CHECK(ran.status == 0);
  CHECK(ran.says("job 2 is stopped, to run again later"));
}

TEST_CASE("admission: a --limit command that says neither yes nor no ends the run") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--limit", "exit 9", "echo", ":::", "a"});
  CHECK(ran.out.empty());
  CHECK(ran.status == 255);
  CHECK(ran.says("exited with 9"));
}

TEST_CASE("admission: --memfree waits for memory, and --load for a lower load") {
  const Sandbox box;
  CHECK(box.enjoin({"--memfree", "1k", "--load", "100000", "echo", ":::", "a"}).out == "a\n");
  CHECK(box.shell("enjoin --memfree 1000t echo ::: a & kill $!; wait").out.empty());
}

TEST_CASE("admission: --memsuspend always lets one job run") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-j3", "--memsuspend", "1000t", "echo", ":::", "a", "b", "c"});
  CHECK(ran.out == "a\nb\nc\n");
}

TEST_CASE("admission: nonsense is refused") {
  const Sandbox box;
  for (const char* option :
       {"--load=x", "--memfree=lots", "--memsuspend=lots", "--limit=io x", "--limit="}) {
    const Ran ran = box.enjoin({option, "echo", ":::", "a"});
    CHECK(ran.status == 255);
    CHECK(ran.out.empty());
    CHECK(ran.says("--"));
  }
}

TEST_CASE("signals: USR1 names the running jobs") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running running = box.start({"-j2", "echo >here; read x <go; : {}", ":::", "a", "b", "c"});
  here.wait_line();
  here.wait_line();
  running.signal(SIGUSR1);
  // A worker takes the next job by itself: only the words tell that the run has heard the signal.
  const std::string last = "enjoin: echo >here; read x <go; : b\n";
  while (running.err_so_far().find(last) == std::string::npos && !running.has_ended()) {
    ::usleep(1000);
  }
  running.signal(SIGUSR2);
  running.signal(SIGUSR2);
  go.write("x\n");
  here.wait_line();  // it went on
  go.write("x\nx\n");
  const Ran ran = running.wait();
  CHECK(ran.says("enjoin: echo >here; read x <go; : a\n"));
  CHECK(ran.says("enjoin: echo >here; read x <go; : b\n"));
  CHECK_FALSE(ran.says(": c\n"));
  CHECK(ran.status == 0);
}
