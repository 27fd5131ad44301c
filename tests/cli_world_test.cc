// What a job finds around itself: environment, descriptors, signals, limits.

#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("world: PARALLEL_SEQ, PARALLEL_JOBSLOT and PARALLEL_PID are set") {
  const Sandbox box;
  Running running = box.start(
      {"-k", "-j1", "-N0", "echo $PARALLEL_SEQ $PARALLEL_JOBSLOT $PARALLEL_PID", ":::", "a", "b"});
  const std::string pid = std::to_string(running.pid());
  CHECK(running.wait().out == "1 1 " + pid + "\n2 1 " + pid + "\n");
}

TEST_CASE("world: the caller's environment and folder arrive") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"-N0", "echo \"$GIFT\"; pwd; :", ":::", "a"}, {.environment = {"GIFT=a  b"}});
  CHECK(ran.out == "a  b\n" + box.shell("pwd -P").out);
}

TEST_CASE("world: an empty environment will do") {
  const Sandbox box;
  CHECK(box.shell("env -i $(which enjoin) 'echo hi {}' ::: a").out == "hi a\n");
}

TEST_CASE("world: exported bash functions can be called") {
  const Sandbox box;
  const Ran ran = box.shell(
      "f() { echo \"<$1|$2>\"; }; export -f f; enjoin -k f ::: 'a b' c ::: 1; "
      "echo x | enjoin 'f {} y; f'");
  CHECK(ran.out == "<a b|1>\n<c|1>\n<x|y>\n<|>\n");
}

TEST_CASE("world: an exported function hides a program of the same name") {
  const Sandbox box;
  CHECK(box.shell("ls() { echo mine \"$@\"; }; export -f ls; enjoin ls ::: a").out == "mine a\n");
}

TEST_CASE("world: the shell is the one that called, or $PARALLEL_SHELL") {
  const Sandbox box;
  CHECK(box.shell("enjoin 'echo ${BASH_VERSION:+bash}; : {}' ::: a").out == "bash\n");
  CHECK(box.shell("PARALLEL_SHELL=/bin/sh enjoin 'echo x${BASH_VERSION:+bash}; : {}' ::: a").out ==
        "x\n");
  CHECK(box.shell("sh -c \"enjoin 'echo x\\${BASH_VERSION:+bash}; : {}' ::: a; :\"").out == "x\n");
}

TEST_CASE("world: descriptors that the caller opened are there, none of ours") {
  const Sandbox box;
  box.write("gift", "given\n");
  CHECK(box.shell("enjoin -N0 'cat <&9; :' ::: a 9<gift").out == "given\n");
  CHECK(box.shell("enjoin -k grep -f <(echo b) ::: x 2>/dev/null; enjoin -X -k cat ::: <(echo b)")
            .out == "b\n");
  const char* const list = "ls /proc/self/fd; grep memfd /proc/self/maps; :";
  const std::string plain = box.shell(std::string("bash -c '") + list + "' </dev/null").out;
  for (const char* mode : {"", "-k", "-u", "--lb", "--max-output 1M"}) {
    const Ran ran = box.shell(std::string("enjoin -N0 ") + mode + " '" + list + "' ::: a");
    CHECK(ran.out == plain);
  }
}

TEST_CASE("world: descriptors that the caller closed stay closed to us, too") {
  const Sandbox box;
  CHECK(box.shell("enjoin -N0 'echo out; :' ::: a <&-").out == "out\n");
  CHECK(box.shell("enjoin -N0 'echo err >&2; echo out' ::: a 2>&- <&-").out == "out\n");
}

TEST_CASE("world: the signals that the caller ignores are ignored, no others") {
  const Sandbox box;
  const char* const ask = "grep -E \"^Sig(Blk|Ign)\" /proc/self/status";
  const std::string plain = box.shell(ask).out;
  CHECK(box.shell(std::string("enjoin -N0 '") + ask + "' ::: a").out == plain);
  const std::string ignoring = box.shell(std::string("trap '' INT USR1; ") + ask).out;
  CHECK(ignoring != plain);
  CHECK(box.shell(std::string("trap '' INT USR1; enjoin -N0 '") + ask + "' ::: a").out == ignoring);
}

TEST_CASE("world: --nice adds to the niceness") {
  const Sandbox box;
  // The tests may run under nice themselves.
  CHECK(box.shell("nice -n 2 enjoin -N0 --nice 5 nice ::: a").out ==
        box.shell("nice -n 7 nice").out);
}

TEST_CASE("world: --rlimit sets limits for jobs only") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-N0", "--rlimit", "nofile=20,core=0,as=4G",
                              "ulimit -n; ulimit -c; ulimit -v; :", ":::", "a"});
  CHECK(ran.out == "20\n0\n4194304\n");
}

TEST_CASE("world: the limit of open files is the caller's") {
  const Sandbox box;
  CHECK(box.shell("ulimit -Sn 333; enjoin -N0 'ulimit -Sn; :' ::: a").out == "333\n");
}

TEST_CASE("world: each job leads a process group of its own") {
  const Sandbox box;
  CHECK(
      box.enjoin({"-N0", "test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo own", ":::", "a"}).out ==
      "own\n");
}

TEST_CASE("world: --leftovers keep lets what a job left behind live, and report names it") {
  const Sandbox box;
  Fifo go = box.fifo("go");
  for (const char* what : {"keep", "report"}) {
    const Ran ran = box.enjoin(
        {"-N0", "--leftovers", what, "{ read x <go; echo late >>late; } & echo ended", ":::", "a"});
    CHECK(ran.out == "ended\n");
    CHECK(ran.status == 0);
    CHECK(ran.says("left processes running") == (std::string(what) == "report"));
    go.write("\n");
    box.shell("until [ -s late ]; do sleep 0.02; done; rm late");
  }
}

TEST_CASE("world: --leftovers kill and fail kill it, and fail counts the job as failed") {
  const Sandbox box;
  Fifo pids = box.fifo("pids");
  for (const char* what : {"kill", "fail"}) {
    Running running = box.start({"-N0", "--leftovers", what, "--joblog", "log",
                                 "setsid sleep 1000 & echo $! >pids; echo ended", ":::", "a"});
    const pid_t left = std::stoi(pids.wait_line());
    const Ran ran = running.wait();
    wait_gone(left);
    CHECK(ran.out == "ended\n");
    CHECK(ran.says("left processes"));
    CHECK(ran.status == (std::string(what) == "fail" ? 1 : 0));
  }
}

TEST_CASE("world: --workdir makes the folder, and OLDPWD says where we are") {
  const Sandbox box;
  CHECK(box.shell("enjoin --workdir a/b 'echo x >{}; test -d \"$OLDPWD/a/b\" && echo old' ::: f")
            .out == "old\n");
  CHECK(box.read("a/b/f") == "x\n");
}

TEST_CASE("world: --workdir that cannot be made is named before anything runs") {
  const Sandbox box;
  box.write("file", "");
  const Ran ran = box.enjoin({"--workdir", "file/x", "echo", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK(ran.says("file/x"));
}

TEST_CASE("world: --workdir ... is a folder for each job, removed with all in it") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "--workdir", "...",
                              "mkdir -p d/e; ln -s /etc l; echo {} >d/e/f; pwd", ":::", "a", "b"});
  const auto folders = lines_of(ran.out);
  REQUIRE(folders.size() == 2);
  CHECK(folders[0] != folders[1]);
  CHECK(folders[0].ends_with("-1"));
  CHECK(box.shell("ls " + folders[0]).status != 0);
  CHECK(box.shell("test -e /etc/passwd").status == 0);
}

TEST_CASE("world: --interactive needs a terminal") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-p", "echo", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK(ran.says("terminal"));
  CHECK(ran.out.empty());
}

TEST_CASE("world: --interactive runs what is answered with y, and counts the rest as failed") {
  const Sandbox box;
  const Ran ran =
      box.shell("printf 'y\\nn\\nYes\\n' | script -qec 'enjoin -j1 -p echo x ::: a b c' log");
  CHECK(ran.status == 1);
  // The terminal puts in what is typed where it pleases.
  const auto shows = [&](const char* text) { return ran.out.find(text) != std::string::npos; };
  CHECK(shows("echo x a ?..."));
  CHECK(shows("echo x b ?..."));
  CHECK(shows("echo x c ?..."));
  CHECK(shows("x a\r\n"));
  CHECK(shows("x c\r\n"));
  CHECK_FALSE(shows("x b\r\n"));
}
