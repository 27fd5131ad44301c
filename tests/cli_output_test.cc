#include <map>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

/// Whether each writer's lines ("NAME NUMBER") stand together, complete and in their order.
bool is_grouped(const std::string& text, int writers, int lines_each) {
  std::map<std::string, int> seen;
  std::string current;
  for (const std::string& line : lines_of(text)) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string::npos) return false;
    const std::string name = line.substr(0, blank);
    if (name != current && seen[name] != 0) return false;  // it was interrupted
    current = name;
    if (line.substr(blank + 1) != std::to_string(++seen[name])) return false;
  }
  for (const auto& [name, count] : seen) {
    if (count != lines_each) return false;
  }
  return static_cast<int>(seen.size()) == writers;
}

}  // namespace

TEST_CASE("output: a hundred thousand lines of each job on both streams, never mixed") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-j4", "seq -f '{} %.0f' 100000; seq -f '{} %.0f' 100000 >&2",
                              ":::", "a", "b", "c", "d", "e", "f"});
  CHECK(is_grouped(ran.out, 6, 100000));
  CHECK(is_grouped(ran.err, 6, 100000));
}

TEST_CASE("output: groups stay whole where stdout is a pipe and the reader is slow to come") {
  const Sandbox box;
  const Ran ran = box.shell(
      "enjoin -j4 \"seq -f '{} %.0f' 50000\" ::: a b c d | { read x; echo "
      "\"$x\"; cat; }");
  CHECK(is_grouped(ran.out, 4, 50000));
}

TEST_CASE("output: groups stay whole where stdout is appended to") {
  const Sandbox box;
  const Ran ran = box.shell("enjoin -j4 \"seq -f '{} %.0f' 50000\" ::: a b c d >>log; cat log");
  CHECK(is_grouped(ran.out, 4, 50000));
}

TEST_CASE("output: -k prints in the order of the inputs, however the jobs end") {
  const Sandbox box;
  Fifo go = box.fifo("go");
  Fifo ended = box.fifo("ended");
  Running running =
      box.start({"-k", "-j2", "if [ {} = 1 ]; then read x <go; fi; echo {}; echo {} >ended",
                 ":::", "1", "2", "3"});
  CHECK(ended.wait_line() == "2");
  CHECK(ended.wait_line() == "3");
  go.write("\n");
  CHECK(running.wait().out == "1\n2\n3\n");
}

TEST_CASE("output: -k with thousands of jobs keeps the order on both streams") {
  const Sandbox box;
  const Ran ran = box.shell(
      "seq 3000 | enjoin -k -j4 'echo {}; echo {} >&2' >out 2>err; seq 3000 | "
      "cmp - out && seq 3000 | cmp - err && echo same");
  CHECK(ran.out == "same\n");
}

TEST_CASE("output: -u lets jobs write straight to where we write") {
  const Sandbox box;
  const Ran ran = box.shell(
      "enjoin -u 'readlink /proc/self/fd/1; : {}' ::: a >out; readlink -f out;"
      "cat out");
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == lines[1]);
}

TEST_CASE("output: --line-buffer prints a line while its job still runs") {
  const Sandbox box;
  Fifo out = box.fifo("out");
  Fifo go = box.fifo("go");
  Running running = box.start_shell(
      "exec enjoin -j2 --lb 'echo {} begins; read x <go; echo {} ends' ::: a b >out");
  CHECK(sorted_lines(out.wait_line() + '\n' + out.wait_line() + '\n') == "a begins\nb begins\n");
  go.write("1\n2\n");
  CHECK(sorted_lines(out.wait_line() + '\n' + out.wait_line() + '\n') == "a ends\nb ends\n");
  CHECK(running.wait().status == 0);
}

TEST_CASE("output: --line-buffer never cuts a line") {
  const Sandbox box;
  const Ran ran = box.shell(
      "enjoin -j4 --lb \"seq -f '{}{}{}{}{}{} %.0f {}{}{}{}{}{}' 20000\" ::: a b c "
      "d >out; for x in a b c d; do seq -f \"$x$x$x$x$x$x %.0f $x$x$x$x$x$x\" 20000"
      "| cmp - <(grep $x out); done; wc -l <out");
  CHECK(ran.out == "80000\n");
  CHECK(ran.err.empty());
}

TEST_CASE("output: --line-buffer -k prints the first job's lines at once") {
  const Sandbox box;
  Fifo out = box.fifo("out");
  Fifo go = box.fifo("go");
  Running running = box.start_shell(
      "exec enjoin -k -j2 --lb 'echo {}; [ {} = 2 ] || read x <go; echo {}' ::: 1 2 >out");
  CHECK(out.wait_line() == "1");
  go.write("\n");
  CHECK(out.wait_line() == "1");
  CHECK(out.wait_line() == "2");
  CHECK(out.wait_line() == "2");
  CHECK(running.wait().status == 0);
}

TEST_CASE("output: --tag and --tagstring begin each line of both streams") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "--tag", "echo 1; echo 2; echo e >&2; :", ":::", "a", "b c"});
  CHECK(ran.out == "a\t1\na\t2\nb c\t1\nb c\t2\n");
  CHECK(ran.err == "a\te\nb c\te\n");
  CHECK(box.enjoin({"-k", "--tagstring", "<{#} {/}>", "echo", ":::", "d/x"}).out == "<1 x>\td/x\n");
}

TEST_CASE("output: --tagstring knows \\\\t and \\\\n") {
  const Sandbox box;
  CHECK(box.enjoin({"--tagstring", "a\\tb", "echo", ":::", "x"}).out == "a\tb\tx\n");
  CHECK(box.enjoin({"--tagstring", "a\\nb", "echo", ":::", "x"}).out == "a\nb\tx\n");
}

TEST_CASE("output: an empty --tagstring is no tag") {
  const Sandbox box;
  CHECK(box.enjoin({"--tagstring=", "echo", ":::", "a"}).out == "a\n");
  CHECK(box.enjoin({"--tagstring", "", "echo", ":::", "a"}).out == "a\n");
}

TEST_CASE("output: --tag with --line-buffer") {
  const Sandbox box;
  CHECK(box.enjoin({"--lb", "-k", "--tag", "echo x; echo y; :", ":::", "a", "b"}).out ==
        "a\tx\na\ty\nb\tx\nb\ty\n");
}

TEST_CASE("output: -v prints the command line before the output, -t on stderr") {
  const Sandbox box;
  const Ran verbose = box.enjoin({"-k", "-v", "echo", ":::", "a b", "c"});
  CHECK(verbose.out == "echo 'a b'\na b\necho c\nc\n");
  const Ran told = box.enjoin({"-k", "-t", "echo", ":::", "a b", "c"});
  CHECK(told.out == "a b\nc\n");
  CHECK(sorted_lines(told.err) == "echo 'a b'\necho c\n");
}

TEST_CASE("output: --max-output cuts with a mark, and the job goes on") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--max-output", "10", "seq 100000; touch done; :", ":::", "a"});
  CHECK(ran.out.starts_with("1\n2\n3\n4\n5\n\n"));
  CHECK(ran.out.find("output cut here: 588895 bytes were written, 10 are kept") !=
        std::string::npos);
  CHECK(ran.status == 0);
  CHECK(box.has("done"));
}

TEST_CASE("output: --max-output leaves what fits as it is") {
  const Sandbox box;
  CHECK(box.enjoin({"--max-output", "1K", "echo", ":::", "a"}).out == "a\n");
}

TEST_CASE("output: what a job that fails wrote is printed too") {
  const Sandbox box;
  const Ran ran = box.enjoin({"echo {}; exit 3", ":::", "a"});
  CHECK(ran.out == "a\n");
  CHECK(ran.status == 1);
}

TEST_CASE("output: a job that opens /dev/stdout and /dev/stderr again") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"echo 1; echo 2 >/dev/stderr; echo 3 >>/dev/stdout; : {}", ":::", "a"});
  CHECK(ran.out == "1\n3\n");
  CHECK(ran.err == "2\n");
}

TEST_CASE("output: bytes arrive exactly, NULs and missing newlines included") {
  const Sandbox box;
  const Ran ran = box.shell(
      "head -c 3000000 /dev/urandom >data; enjoin -j2 'cat data; : {}' ::: a b >out;"
      "cat data data | cmp - out && echo same");
  CHECK(ran.out == "same\n");
  CHECK(box.enjoin({"-k", "printf", ":::", "a", "b"}).out == "ab");
}

TEST_CASE("output: nothing is left in the folder for temporary files") {
  const Sandbox box;
  box.enjoin({"-k", "seq 10000; : {}", ":::", "a", "b"});
  CHECK(box.left_in_tmp().empty());
}

TEST_CASE("output: --latest-line prints each job's last line where there is no terminal") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "--latest-line", "--tag", "seq {}", ":::", "3", "5"});
  CHECK(ran.out == "3\t3\n5\t5\n");
}

TEST_CASE("output: --latest-line gives each job a line of the terminal") {
  const Sandbox box;
  const Ran ran = box.shell("script -qec 'enjoin -j1 --ll echo ::: a b' log");
  CHECK(ran.out == "\ra\033[K\r\n\rb\033[K\r\n");
}

TEST_CASE("output: -t with -k shows the commands in their order") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "-t", "-j3", "true", ":::", "a", "b", "c", "d"});
  CHECK(ran.err == "true a\ntrue b\ntrue c\ntrue d\n");
}

TEST_CASE("output: a shown line that waited for its turn is not taken for the next job's output") {
  const Sandbox box;
  for (const char* shows : {"-v", "-t"}) {
    // One worker runs both later jobs while the first one holds their turn.
    const Ran ran = box.enjoin({"-k", shows, "--line-buffer", "-j2",
                                ":::", "until [ -e go ]; do sleep 0.02; done", ":", "echo a; >go"});
    CHECK(ran.status == 0);
    const std::string all = shows[1] == 'v' ? ran.out : ran.err;
    CHECK(all.find("\n:\necho a; >go\n") != std::string::npos);
    CHECK(ran.out.ends_with("a\n"));
    box.shell("rm go");
  }
}

TEST_CASE("output: an empty command is shown by -v and runs, as ':' does") {
  const Sandbox box;
  for (const char* how : {"--group", "--line-buffer"}) {
    const Ran ran = box.enjoin({"-k", "-v", how, ":::", "", ":", "echo a"});
    CHECK(ran.out == "\n:\necho a\na\n");
    CHECK(ran.err.empty());
    CHECK(ran.status == 0);
  }
}
