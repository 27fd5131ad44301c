#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

struct Bad {
  std::vector<std::string> arguments;
  std::string says;
};

}  // namespace

TEST_CASE("bad input: each is refused with 255 before anything runs, and says what to do") {
  const Sandbox box;
  const Bad table[] = {
      {{"--kepe-order", "touch", ":::", "ran"}, "did you mean --keep-order?"},
      {{"--no-such", "touch", ":::", "ran"}, "enjoin --help=all"},
      {{"-Z", "touch", ":::", "ran"}, "unknown option -Z"},
      {{"--timeout"}, "--timeout"},
      {{"--timeout", "soon", "touch", ":::", "ran"}, "--timeout 'soon': expected seconds"},
      {{"--delay", "x", "touch", ":::", "ran"}, "--delay 'x': expected seconds"},
      {{"-j", "many", "touch", ":::", "ran"}, "-j 'many': expected N jobs, N% of the CPUs"},
      {{"--jobs=", "touch", ":::", "ran"}, "-j ''"},
      {{"--retries", "-1", "touch", ":::", "ran"}, "--retries '-1': expected a whole number"},
      {{"--retries", "2x", "touch", ":::", "ran"}, "--retries '2x': expected a whole number"},
      {{"-n", "two", "touch", ":::", "ran"}, "-n 'two': expected a whole number"},
      {{"-N", "", "touch", ":::", "ran"}, "-N"},
      {{"--halt", "maybe", "touch", ":::", "ran"}, "'maybe' is not never, soon or now"},
      {{"--halt", "now,fail=0", "touch", ":::", "ran"}, "--halt"},
      {{"--rlimit", "foo=1", "touch", ":::", "ran"}, "no limit is called 'foo'"},
      {{"--rlimit", "as=lots", "touch", ":::", "ran"}, "--rlimit"},
      {{"--leftovers", "x", "touch", ":::", "ran"}, "expected keep, report, kill or fail"},
      {{"--worker-loss", "x", "touch", ":::", "ran"}, "expected fail or requeue"},
      {{"--max-output", "x", "touch", ":::", "ran"}, "--max-output 'x': expected bytes"},
      {{"--nice", "x", "touch", ":::", "ran"}, "--nice"},
      {{"-d", "", "touch", ":::", "ran"}, "-d ''"},
      {{"-I", "", "touch", ":::", "ran"}, "-I ''"},
      {{"-a", "missing", "touch", "ran"}, "cannot open the input file missing: No such file"},
      {{"touch", "ran", "::::", "missing"}, "cannot open the input file missing: No such file"},
      {{"-a", "/", "touch", "ran"}, "cannot read inputs from /: Is a directory"},
      {{":::"}, "neither a command before it nor anything after it"},
      {{"--group", "-u", "touch", ":::", "ran"}, "exclude each other"},
      {{"--template", "a=b", "touch", ":::", "ran"}, "let the command make the file"},
      {{"--cat", "--fifo", "touch", ":::", "ran"}, "--cat and --fifo exclude each other"},
      {{"--part", "0/3", "touch", ":::", "ran"}, "--part '0/3'"},
      {{"--trim", "x", "touch", ":::", "ran"}, "expected n, l, r, lr or rl"},
      {{"--resume", "touch", ":::", "ran"}, "--resume needs --joblog"},
      {{"-J", "/no/such", "touch", ":::", "ran"}, "cannot read /no/such"},
      {{"-S", "host", "touch", ":::", "ran"}, "to use another, run enjoin there"},
      {{"--delay", "foo", "touch", ":::", "ran"}, "--delay 'foo': expected seconds"},
      {{"-n", "-1", "touch", ":::", "ran"}, "-n '-1': expected a whole number"},
      {{"touch {= s/a/b/ ", ":::", "ran"}, "has no end =}"},
      {{"touch {= s/a/b( =}", ":::", "ran"}, "{= s/a/b( =}: "},
      {{"--plus", "touch {%(}", ":::", "ran"}, "{%(}"},
      {{"--rpl", "{(x} $_", "touch", ":::", "ran"}, "is not closed"},
  };
  for (const Bad& bad : table) {
    const Ran ran = box.enjoin(bad.arguments);
    INFO(bad.arguments[0], ": ", ran.err);
    CHECK(ran.status == 255);
    CHECK(ran.says(bad.says));
    CHECK(ran.err.starts_with("enjoin: Error: "));
    CHECK(lines_of(ran.err).size() == 1);
    CHECK(ran.out.empty());
    CHECK_FALSE(box.has("ran"));
  }
}

TEST_CASE("bad input: braces that are no replacement string stay as they are") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "echo", "{1 {x} {} {}}", ":::", "a"}).out == "{1 {x} a a}\n");
}

TEST_CASE("bad input: a job whose words exceed the kernel's limit fails alone and is named") {
  const Sandbox box;
  // With a small stack the kernel takes 128 KiB of words and environment together.
  const Ran ran = box.shell(
      "export BIG=$(head -c 60000 /dev/zero | tr '\\0' x);"
      "{ head -c 100000 /dev/zero | tr '\\0' y; echo; echo small; } |"
      "enjoin -k --rlimit stack=512K --joblog log 'echo {} | wc -c'");
  CHECK(ran.out == "6\n");
  CHECK(ran.status == 1);
  CHECK(ran.says("Argument list too long"));
  CHECK(box.shell("cut -f1,7 log").out == "Seq\tExitval\n1\t126\n2\t0\n");
}

TEST_CASE("bad input: a NUL byte in a line is refused") {
  const Sandbox box;
  const Ran ran = box.enjoin({"touch"}, {.input = std::string("ra\0n\n", 5)});
  CHECK(ran.status == 255);
  CHECK(ran.says("NUL byte"));
  CHECK(ran.says("-0"));
  CHECK(lines_of(box.shell("ls").out).empty());
}

TEST_CASE("bad input: a file that cannot be read is named before anything runs") {
  const Sandbox box;
  box.write("list", "a\n");
  const Ran ran = box.shell("enjoin touch ran ::: a :::: list missing");
  CHECK(ran.status == 255);
  CHECK(ran.says("missing"));
  CHECK_FALSE(box.has("ran"));
}

TEST_CASE("bad input: a folder for temporary files that cannot be written") {
  const Sandbox box;
  const Ran ran = box.enjoin({"echo", ":::", "a"}, {.environment = {"TMPDIR=/proc/none"}});
  const bool ran_well = ran.status == 0 && ran.out == "a\n";
  const bool refused = ran.status == 255 && ran.says("/proc/none");
  CHECK((ran_well || refused));
}

TEST_CASE("bad input: names on stderr cannot play with the terminal") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-N0", "--timeout", "0.3", "sleep 1000; : \033[31m", ":::", "a"});
  CHECK(ran.status == 1);
  CHECK_FALSE(ran.says("\033[31m"));
}

TEST_CASE("bad input: an input that cannot be a job ends the run after the jobs before it") {
  const Sandbox box;
  const Ran ran = box.shell(
      "{ echo first; head -c 200000 /dev/zero | tr '\\0' x; echo; echo last; } | "
      "enjoin -j1 --joblog log echo ran");
  CHECK(ran.status == 255);
  CHECK(ran.out == "ran first\n");
  CHECK(ran.says("Error:"));
  CHECK(box.read("log").find("echo ran first") != std::string::npos);
}
