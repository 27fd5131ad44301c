#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("input: each line of stdin makes a job") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "echo", "[{}]"}, {.input = "one\ntwo words\n  kept  \n"});
  CHECK(ran.out == "[one]\n[two words]\n[  kept  ]\n");
  CHECK(ran.err.empty());
  CHECK(ran.status == 0);
}

TEST_CASE("input: a last line without its newline counts") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "echo"}, {.input = "a\nb"}).out == "a\nb\n");
}

TEST_CASE("input: no input makes no job and no fuss") {
  const Sandbox box;
  const Ran ran = box.enjoin({"echo", "ran"}, {.input = ""});
  CHECK(ran.out.empty());
  CHECK(ran.err.empty());
  CHECK(ran.status == 0);
}

TEST_CASE("input: empty lines make jobs, and -r leaves them and blank ones out") {
  const Sandbox box;
  const RunOptions lines{.input = "a\n\n \t\nb\n"};
  CHECK(box.enjoin({"-k", "echo", "[{}]"}, lines).out == "[a]\n[]\n[ \t]\n[b]\n");
  CHECK(box.enjoin({"-k", "-r", "echo", "[{}]"}, lines).out == "[a]\n[b]\n");
}

TEST_CASE("input: several ::: give every combination, the last changing fastest") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"-k", "echo", "{1}{2}{3}", ":::", "a", "b", ":::", "1", "2", ":::", "x"});
  CHECK(ran.out == "a1x\na2x\nb1x\nb2x\n");
}

TEST_CASE("input: -a, :::: and ::: mix, -a first") {
  const Sandbox box;
  box.write("letters", "a\nb\n");
  box.write("digits", "1\n2\n");
  const Ran ran =
      box.enjoin({"-k", "-a", "letters", "echo", "{1}{2}{3}", ":::", "x", "::::", "digits"});
  CHECK(ran.out == "ax1\nax2\nbx1\nbx2\n");
}

TEST_CASE("input: - as the name of a file is stdin") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "echo", "{2}{1}", ":::", "x", "::::", "-"}, {.input = "1\n2\n"}).out ==
        "1x\n2x\n");
}

TEST_CASE("input: -0 takes names with newlines in them whole") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"-0", "-k", "printf", "[%s]"}, {.input = std::string("a\nb\0c d\0", 8)});
  CHECK(ran.out == "[a\nb][c d]");
}

TEST_CASE("input: -d takes text, escapes and several characters") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "-d", ",", "echo"}, {.input = "a,b,c"}).out == "a\nb\nc\n");
  CHECK(box.enjoin({"-k", "-d", "\\t", "echo"}, {.input = "a\tb"}).out == "a\nb\n");
  CHECK(box.enjoin({"-k", "-d", "--", "echo"}, {.input = "a-b--c"}).out == "a-b\nc\n");
  CHECK(box.enjoin({"-k", "-d", "\\x2c", "echo"}, {.input = "a,b"}).out == "a\nb\n");
}

TEST_CASE("input: every byte but NUL arrives intact, through a shell or not") {
  const Sandbox box;
  std::string bytes;
  for (int byte = 1; byte < 256; ++byte) bytes += static_cast<char>(byte);
  const RunOptions given{.input = bytes};
  CHECK(box.enjoin({"-0", "printf", "%s"}, given).out == bytes);
  CHECK(box.enjoin({"-0", "printf %s {}; true"}, given).out == bytes);
}

TEST_CASE("input: a newline inside an argument of ::: stays inside it") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "printf", "[%s]", ":::", "a\nb", "c"}).out == "[a\nb][c]");
}

TEST_CASE("input: without a command the lines are the commands") {
  const Sandbox box;
  CHECK(box.enjoin({"-k"}, {.input = "echo a | tr a b\necho c; echo d\n"}).out == "b\nc\nd\n");
  CHECK(box.enjoin({"-k", ":::", "echo 1", "echo 2 >&2"}).out == "1\n");
}

TEST_CASE("input: an empty ::: has nothing to do") {
  const Sandbox box;
  const Ran ran = box.enjoin({"echo", "x", ":::"});
  CHECK(ran.out.empty());
  CHECK(ran.status == 0);
}

TEST_CASE("input: a line of a million bytes arrives whole") {
  const Sandbox box;
  const Ran ran = box.shell("head -c 100000 /dev/zero | tr '\\0' x | enjoin 'echo {} | wc -c'");
  CHECK(ran.out == "100001\n");
}

TEST_CASE("input: a job starts before stdin ends") {
  const Sandbox box;
  Fifo input = box.fifo("input");
  Fifo seen = box.fifo("seen");
  Running running = box.start_shell("exec enjoin 'echo {} >seen' <input");
  input.write("first\n");
  CHECK(seen.wait_line() == "first");
  input.write("second\n");
  CHECK(seen.wait_line() == "second");
  input.close();
  CHECK(running.wait().status == 0);
}

TEST_CASE("input: jobs do not read our stdin away") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "-j1", "cat; echo"}, {.input = "a\nb\nc\n"}).out == "a\nb\nc\n");
}
