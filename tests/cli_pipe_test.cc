#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("pipe: every byte reaches one job, in order with -k") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 300000 >f; enjoin --pipe --block 64k -j3 -k cat <f | cmp - f && "
      "enjoin --pipe-part -a f --block 64k -j3 -k cat | cmp - f && "
      "cat f | enjoin --pipe --block 64k -j3 -k cat | cmp - f && echo same");
  CHECK(ran.out == "same\n");
}

TEST_CASE("pipe: jobs that read little or nothing end as they will") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 400000 | enjoin --pipe --block 300k -k head -n1 | wc -l; echo ${PIPESTATUS[1]};"
      "seq 400000 | enjoin --pipe --block 1M --joblog log true; echo $?; cut -f7,8 log | sort -u;"
      "seq 400000 >f; enjoin --pipe-part -a f --block 300k -k head -n1 | wc -l");
  CHECK(ran.out == "9\n0\n0\n0\t0\nExitval\tSignal\n9\n");
}

TEST_CASE("pipe: a job that is tried again gets its data again") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 200000 | enjoin --pipe --block 300k -k --retries 2 'if mkdir d{#} 2>/dev/null; then "
      "head -c 10 >/dev/null; exit 1; fi; cat' | md5sum; seq 200000 | md5sum");
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == lines[1]);
}

TEST_CASE("pipe: a job whose worker died gets its data again with --worker-loss requeue") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 20000 | enjoin --pipe --worker-loss requeue 'if mkdir d 2>/dev/null; then "
      "kill -9 $PPID; fi; cat' | md5sum; seq 20000 | md5sum");
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == lines[1]);
}

TEST_CASE("pipe: jobs start while the input still comes") {
  const Sandbox sandbox;
  Fifo started = sandbox.fifo("started");
  Fifo input = sandbox.fifo("input");
  Running run = sandbox.start_shell("enjoin --pipe -N1 -j1 'read x; echo $x >started' <input");
  input.write("1\n2\n");
  CHECK(started.wait_line() == "1");
  input.write("3\n");
  input.close();
  started.wait_line();
  started.wait_line();
  CHECK(run.wait().status == 0);
}

TEST_CASE("pipe: a process that a job left behind keeps its own data") {
  const Sandbox sandbox;
  Fifo go = sandbox.fifo("go");
  Fifo done = sandbox.fifo("done");
  Running run = sandbox.start_shell(
      "printf '1\\n2\\n3\\n4\\n5\\n6\\n' | enjoin -j1 --pipe -N1 'if [ {#} = 1 ]; then exec 3<&0; "
      "(read x <go; cat <&3 >left; echo >done) & else cat >/dev/null; fi'");
  CHECK(run.wait().status == 0);
  go.write("\n");
  done.wait_line();
  CHECK(sandbox.read("left") == "1\n");
}

TEST_CASE("pipe: a file that becomes shorter under --pipe-part fails its jobs, and is named") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 300000 >f; enjoin -j1 --pipe-part -a f --block 1M -k --joblog log "
      "'test {#} = 1 && truncate -s 100000 f; cat >/dev/null'; echo $?; cut -f7 log | sort -u");
  CHECK(ran.says("shorter"));
  CHECK_FALSE(ran.out.starts_with("0\n"));
  CHECK(ran.out.find("255") != std::string::npos);
}

TEST_CASE("pipe: nothing of --cat and --fifo is left, however it ends") {
  for (const char* const option : {"--cat", "--fifo"}) {
    for (const int signal : {SIGINT, SIGKILL}) {
      CAPTURE(option);
      CAPTURE(signal);
      const Sandbox sandbox;
      Fifo started = sandbox.fifo("started");
      Running run =
          sandbox.start_shell(std::string("seq 9 | exec enjoin --pipe -N3 -j1 ") + option +
                              " 'echo {#} $PPID $PARALLEL_PID >started; sleep 100'");
      const std::string line = started.wait_line();
      CHECK_FALSE(sandbox.left_in_tmp().empty());
      ::kill(std::stoi(line.substr(line.rfind(' '))), signal);
      run.wait();
      const Ran gone = sandbox.shell("until [ -z \"$(ls -A $TMPDIR)\" ]; do sleep 0.05; done");
      CHECK(gone.status == 0);
    }
  }
}

TEST_CASE("pipe: a job killed by its timeout leaves no file, and a fifo that nobody opens no job") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 9 | enjoin --pipe -N3 --fifo --timeout 0.3 -j3 'sleep 100' 2>/dev/null; echo $?;"
      "seq 9 | enjoin --pipe -N3 --fifo -k 'rm {}; echo {#}'");
  CHECK(ran.out == "3\n1\n2\n3\n");
  CHECK(sandbox.left_in_tmp().empty());
}

TEST_CASE("round robin: a job that stands still does not hold up the others") {
  const Sandbox sandbox;
  Fifo go = sandbox.fifo("go");
  Fifo told = sandbox.fifo("told");
  // The first job waits until the second has read 5 MB more than pipes and queues hold.
  Running run = sandbox.start_shell(
      "seq 2000000 | enjoin --pipe --round-robin -j2 --block 100k 'if [ {#} = 1 ]; then read x "
      "<go; "
      "else head -c 5000000 >/dev/null; echo far >told; fi; cat >/dev/null; echo {#} $?'");
  CHECK(told.wait_line() == "far");
  go.write("\n");
  const Ran ran = run.wait();
  CHECK(sorted_lines(ran.out) == "1 0\n2 0\n");
}

TEST_CASE("round robin: the blocks of a job that ended early go to the others") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 200000 | enjoin --pipe --round-robin -j2 --block 50k 'if [ {#} = 1 ]; then exec <&-; "
      "sleep 0.2; else cat; fi' | tail -n1");
  CHECK(ran.out == "200000\n");
}

TEST_CASE("round robin: input that no job reads is named") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 2000000 | enjoin --pipe --round-robin -j2 --block 100k 'head -n1; exit 1'; echo $?");
  CHECK(lines_of(ran.out).back() == "2");
  CHECK(ran.says("Warning: "));
}

TEST_CASE("round robin: what cannot be tried again is said") {
  const Sandbox sandbox;
  const Ran ran =
      sandbox.shell("seq 4 | enjoin --pipe --round-robin -j1 --retries 3 'cat; false'; echo $?");
  CHECK(ran.out == "1\n2\n3\n4\n1\n");
  CHECK(ran.says("--retries"));
}

TEST_CASE("tee: a job that reads no more does not hold up the others") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "seq 1000000 | enjoin --pipe --tee -k ::: 'head -n1' 'tail -n1' 'exec <&-; echo closed' "
      "true");
  CHECK(ran.out == "1\n1000000\nclosed\n");
  CHECK(ran.status == 0);
}

TEST_CASE("tee: without arguments it says that there is nothing to run") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell("seq 3 | enjoin --pipe --tee cat; echo $?");
  CHECK(ran.out == "0\n");
  CHECK(ran.says(":::"));
}

TEST_CASE("pipe: a run that is halted stops reading, and its jobs end") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell(
      "yes | enjoin --pipe --round-robin -j2 --block 10k --halt soon,fail=1 "
      "'if [ {#} = 1 ]; then head -n1; exit 1; else cat >/dev/null; echo end; fi' 2>/dev/null; "
      "echo $?; yes | enjoin --pipe --block 10k -j2 --halt now,fail=1 'exit 4' 2>/dev/null; echo "
      "$?");
  CHECK(ran.out == "y\nend\n1\n4\n");
}

TEST_CASE("pipe: memory is bounded by the jobs at once") {
  const Sandbox sandbox;
  Fifo go = sandbox.fifo("go");
  Fifo told = sandbox.fifo("told");
  Running run = sandbox.start_shell(
      "(seq 3000000; echo >all) | enjoin --pipe --block 1M -j1 'if [ {#} = 1 ]; then echo >told; "
      "read x <go; fi; cat >/dev/null'");
  told.wait_line();
  CHECK_FALSE(sandbox.has("all"));
  go.write("\n");
  CHECK(run.wait().status == 0);
  CHECK(sandbox.has("all"));
}
