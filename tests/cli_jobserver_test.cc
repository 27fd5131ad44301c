// Slots of a make's jobserver, taken and given.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

// Stands in the folder `on` while it runs, and notes in `seen` how many of its like do. Nobody
// leaves before there were as many as `want` says; then each looks a few times more, so that too
// many would be seen.
constexpr const char* kStep = R"(#!/bin/bash
mkdir -p on
: >on/$$
more=5
while [ $more -gt 0 ]; do
  set -- on/*
  echo $# >>seen
  [ $# -lt $(<want) ] || : >full
  [ ! -e full ] || more=$((more - 1))
  sleep 0.01
done
rm on/$$
)";

/// A folder with makefiles `a`, `b` and `c`, each of six steps that are independent.
struct MakeBox {
  explicit MakeBox(int at_once) {
    box.write("want", std::to_string(at_once));
    box.write("step", kStep);
    for (const char* const name : {"a", "b", "c"}) {
      std::string text = "all: 1 2 3 4 5 6\n1 2 3 4 5 6:\n\t@bash ./step\n";
      box.write(name, text);
    }
  }
  /// How many steps ran at once at most; not less than were to.
  int most() const {
    int most = 0;
    for (const std::string& line : lines_of(box.read("seen"))) {
      most = std::max(most, std::atoi(line.c_str()));
    }
    return most;
  }

  Sandbox box;
};

/// A jobserver like a make's, with so many tokens, whose pipe a shell finds at 8 and 9.
struct Tokens {
  explicit Tokens(std::size_t count) {
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(::write(ends[1], "abcdefgh", count) == static_cast<ssize_t>(count));
  }
  ~Tokens() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  RunOptions given(const std::string& makeflags = " -j4 --jobserver-auth=8,9") {
    RunOptions options;
    options.environment = {"MAKEFLAGS=" + makeflags};
    options.before_exec = [this] {
      ::dup2(ends[0], 8);
      ::dup2(ends[1], 9);
    };
    return options;
  }
  std::string left() const {
    char bytes[16] = {};
    REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    const ssize_t size = ::read(ends[0], bytes, sizeof bytes);
    std::string text(bytes, size > 0 ? static_cast<std::size_t>(size) : 0);
    std::sort(text.begin(), text.end());
    return text;
  }
  int ends[2] = {-1, -1};
};

}  // namespace

TEST_CASE("jobserver client: jobs are started with the slots of the make that offers some") {
  MakeBox make(3);
  Tokens tokens(2);
  const Ran ran =
      make.box.enjoin({"-j8", "bash ./step", ":::", "1", "2", "3", "4", "5", "6"}, tokens.given());
  CHECK(ran.status == 0);
  CHECK(make.most() == 3);  // with the one that is ours without asking
  CHECK(tokens.left() == "ab");
}

TEST_CASE("jobserver client: without -j there are as many jobs as the make has") {
  MakeBox make(4);
  Tokens tokens(3);
  const Ran ran =
      make.box.enjoin({"bash ./step", ":::", "1", "2", "3", "4", "5", "6"}, tokens.given());
  CHECK(ran.status == 0);
  CHECK(make.most() == 4);
  CHECK(tokens.left() == "abc");
}

TEST_CASE("jobserver client: with no slot to be had, jobs run one at a time") {
  MakeBox make(1);
  Tokens tokens(0);
  const Ran ran = make.box.enjoin({"-j8", "bash ./step", ":::", "1", "2", "3"}, tokens.given());
  CHECK(ran.status == 0);
  CHECK(make.most() == 1);
}

TEST_CASE("jobserver client: a slot that comes back is used") {
  Sandbox box;
  Fifo told = box.fifo("told");
  Fifo go = box.fifo("go");
  Tokens tokens(0);
  Running run = box.start({"-j2", "echo {} >told; read x <go", ":::", "1", "2"}, tokens.given());
  CHECK(told.wait_line() == "1");
  REQUIRE(::write(tokens.ends[1], "z", 1) == 1);
  CHECK(told.wait_line() == "2");  // while the first still runs
  go.write("\n\n");
  CHECK(run.wait().status == 0);
  CHECK(tokens.left() == "z");
}

TEST_CASE("jobserver client: slots are given back when we are stopped") {
  Sandbox box;
  Fifo told = box.fifo("told");
  Tokens tokens(3);
  Running run =
      box.start({"-j4", "echo {} >told; sleep 1000", ":::", "1", "2", "3", "4"}, tokens.given());
  for (int i = 0; i < 4; ++i) told.wait_line();
  run.signal(SIGTERM);
  CHECK(run.wait().status == 255);
  CHECK(tokens.left() == "abc");
}

TEST_CASE("jobserver client: a fifo is used as well") {
  MakeBox make(2);
  const std::string path = make.box.path("tokens");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int fd = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(::write(fd, "x", 1) == 1);
  RunOptions options;
  options.environment = {"MAKEFLAGS= -j2 --jobserver-auth=fifo:" + path};
  const Ran ran = make.box.enjoin({"-j8", "bash ./step", ":::", "1", "2", "3", "4"}, options);
  CHECK(ran.status == 0);
  CHECK(make.most() == 2);
  char token = 0;
  CHECK(::read(fd, &token, 1) == 1);
  CHECK(token == 'x');
  ::close(fd);
}

TEST_CASE("jobserver client: it is left alone where that was said, and by `parallel`") {
  MakeBox make(3);
  Tokens tokens(0);
  CHECK(make.box
            .enjoin({"-j3", "--jobserver=off", "bash ./step", ":::", "1", "2", "3"}, tokens.given())
            .status == 0);
  CHECK(make.most() == 3);
  CHECK(make.box.shell("rm seen full").status == 0);
  CHECK(make.box.shell("parallel -j3 'bash ./step' ::: 1 2 3", tokens.given()).status == 0);
  CHECK(make.most() == 3);
}

TEST_CASE("jobserver client: one that we were not given is none") {
  Sandbox box;
  RunOptions options;
  options.environment = {"MAKEFLAGS= -j2 --jobserver-auth=8,9"};
  const Ran ran = box.enjoin({"-k", "-j2", "echo {} $MAKEFLAGS", ":::", "1", "2"}, options);
  CHECK(ran.out == "1 -j2 --jobserver-auth=8,9\n2 -j2 --jobserver-auth=8,9\n");
  CHECK(ran.err.empty());
}

TEST_CASE("jobserver client: under a real make, `run` takes its slots too") {
  MakeBox make(3);
  make.box.write("steps.toml",
                 "[[stage]]\nname = \"s\"\nforeach = { n = [1,2,3,4,5,6] }\n"
                 "run = \"bash ./step {n}\"\n");
  make.box.write("outer", "all:\n\t+@enjoin run --no-db -j8 -f steps.toml\n");
  const Ran ran = make.box.shell("make -s -j3 -f outer");
  CHECK_MESSAGE(ran.status == 0, ran.err);
  CHECK(make.most() == 3);
}

TEST_CASE("jobserver: several makes share the slots of -j") {
  MakeBox make(4);
  const Ran ran = make.box.enjoin({"-j4", "make -s -f {}", ":::", "a", "b", "c"});
  CHECK(ran.status == 0);
  CHECK(ran.err == "");
  CHECK(make.most() == 4);
  CHECK(make.box.left_in_tmp().empty());
}

TEST_CASE("jobserver: a make that is alone has all slots") {
  MakeBox make(5);
  const Ran ran = make.box.enjoin({"-j5", "make -s -f", ":::", "a"});
  CHECK(ran.status == 0);
  CHECK(make.most() == 5);
}

TEST_CASE("jobserver: a make that was killed gives its slots back") {
  Sandbox box;
  Fifo told = box.fifo("told");
  Fifo input = box.fifo("input");
  // Its three steps hold all slots when it is killed; what follows needs all of them again.
  box.write("first", "all: 1 2 3\n1 2 3:\n\t@echo $@ >told; sleep 1000\n");
  box.write("then", "all: 1 2 3\n1 2 3:\n\t@echo $@ >told; read x <go$@\n");
  for (const char* const name : {"go1", "go2", "go3"}) {
    REQUIRE(::mkfifo(box.path(name).c_str(), 0600) == 0);
  }
  Running run = box.start_shell(
      "exec enjoin -j3 --leftovers=kill --jobserver=pipe 'echo $$ >pid.{}; exec make -s -f {}' "
      "<input");
  input.write("first\n");
  for (int i = 0; i < 3; ++i) told.wait_line();
  input.write("then\n");
  input.close();
  const pid_t first = std::atoi(box.read("pid.first").c_str());
  REQUIRE(first > 0);
  REQUIRE(::kill(first, SIGKILL) == 0);
  for (int i = 0; i < 3; ++i) told.wait_line();
  CHECK(box.shell("for i in 1 2 3; do echo >go$i; done").status == 0);
  CHECK(run.wait().status == 1);
  CHECK(box.left_in_tmp().empty());
}

TEST_CASE("jobserver: a start takes back the slots that nobody uses") {
  Sandbox box;
  Fifo told = box.fifo("told");
  Fifo go = box.fifo("go");
  Fifo input = box.fifo("input");
  Running run = box.start_shell(
      "exec enjoin -j3 --jobserver=pipe 'echo {} >told; read x <go' "
      "<input");
  input.write("1\n");
  CHECK(told.wait_line() == "1");
  input.write("2\n3\n");
  CHECK(sorted_lines(told.wait_line() + '\n' + told.wait_line() + '\n') == "2\n3\n");
  input.close();
  go.write("\n\n\n");
  CHECK(run.wait().status == 0);
}

TEST_CASE("jobserver: the fifo of --jobserver=fifo serves a client, an enjoin") {
  MakeBox make(3);
  const Ran ran =
      make.box.enjoin({"-j3", "--jobserver=fifo", "enjoin -j8 \"bash ./step\" ::: {}1 {}2 {}3 {}4",
                       ":::", "a", "b"});
  CHECK(ran.status == 0);
  CHECK(make.most() == 3);
}

TEST_CASE("jobserver: `run` serves one where that was asked for") {
  MakeBox make(4);
  make.box.write("makes.toml",
                 "[[stage]]\nname = \"s\"\nforeach = { f = [\"a\", \"b\"] }\n"
                 "run = \"make -s -f {f}\"\n");
  const Ran ran =
      make.box.enjoin({"run", "--no-db", "-j4", "--jobserver=pipe", "-f", "makes.toml"});
  CHECK_MESSAGE(ran.status == 0, ran.err);
  CHECK(make.most() == 4);
  CHECK(make.box.left_in_tmp().empty());
}

TEST_CASE("jobserver: other jobs find the environment that we were given") {
  Sandbox box;
  CHECK(box.enjoin({"echo {} \"${MAKEFLAGS-none}\"", ":::", "1"}).out == "1 none\n");
  CHECK(box.enjoin({"--jobserver=off", "make -s -f {}", ":::", "none"}).status == 1);
  box.write("show", "all:\n\t@echo '$(MAKEFLAGS)'\n");
  CHECK(box.enjoin({"--jobserver=off", "make -s -f {}", ":::", "show"}).out == "s\n");
}

TEST_CASE("jobserver: options of our caller's make reach the jobs") {
  Sandbox box;
  RunOptions options;
  options.environment = {"MAKEFLAGS=k -- A=b"};
  box.write("show", "all:\n\t@echo '$(A) $(filter k,$(MFLAGS:-%=%))'\n");
  const Ran ran = box.enjoin({"-j2", "make -s -f {}", ":::", "show"}, options);
  CHECK(ran.status == 0);
  CHECK(ran.out.starts_with("b"));
}

TEST_CASE("jobserver: a run that is killed leaves no fifo behind") {
  Sandbox box;
  Fifo told = box.fifo("told");
  Running run = box.start({"-j2", "--jobserver=fifo", "echo $PPID >told; sleep 1000", ":::", "1"});
  const pid_t worker = std::atoi(told.wait_line().c_str());
  CHECK(box.left_in_tmp().size() == 1);
  run.signal(SIGKILL);
  run.wait();
  wait_gone(worker);
  // The keeper is the last to leave, and has removed it then.
  CHECK(box.shell("while ls -A \"$TMPDIR\" | grep -q .; do sleep 0.01; done").status == 0);
}

TEST_CASE("jobserver: what it does not know is told") {
  Sandbox box;
  const Ran ran = box.enjoin({"--jobserver=both", "echo", ":::", "1"});
  CHECK(ran.status == 255);
  CHECK(ran.says("auto, off, pipe or fifo"));
}
