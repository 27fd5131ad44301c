#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("replacement: the parts of a path") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "echo", "{} {.} {/} {//} {/.}", ":::", "dir/sub/file.tar.gz",
                              "plain", "/root.txt", "dir.d/noext"});
  CHECK(ran.out ==
        "dir/sub/file.tar.gz dir/sub/file.tar file.tar.gz dir/sub file.tar\n"
        "plain plain plain . plain\n"
        "/root.txt /root root.txt / root\n"
        "dir.d/noext dir.d/noext noext dir.d noext\n");
}

TEST_CASE("replacement: positions, also from the end, with their parts") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"-k", "echo", "{2} {1.} {1/} {1//} {1/.} {-1} {-2}", ":::", "d/a.c", ":::", "z"});
  CHECK(ran.out == "z d/a a.c d a z d/a.c\n");
}

TEST_CASE("replacement: {#} counts jobs and {%} names slots") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "echo", "{#}", ":::", "a", "b", "c"}).out == "1\n2\n3\n");
  CHECK(box.enjoin({"-j1", "echo", "{%}", ":::", "a", "b"}).out == "1\n1\n");
}

TEST_CASE("replacement: two jobs that run at once have different slots") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running running = box.start({"-j2", "echo {%} >here; read x <go", ":::", "a", "b"});
  const std::string first = here.wait_line();
  const std::string second = here.wait_line();
  CHECK(first != second);
  CHECK((first == "1" || first == "2"));
  CHECK((second == "1" || second == "2"));
  go.write("1\n2\n");
  CHECK(running.wait().status == 0);
}

TEST_CASE("replacement: the input is appended where no string asks for it") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "echo", "x", ":::", "a b"}).out == "x a b\n");
  CHECK(box.enjoin({"-k", "echo", "{#}", ":::", "a"}).out == "1\n");
}

TEST_CASE("replacement: -I gives {} another name") {
  const Sandbox box;
  CHECK(box.enjoin({"-I", "@", "echo", "@ {} {#}", ":::", "a"}).out == "a {} 1\n");
}

TEST_CASE("replacement: -N0 inserts nothing, once for each input") {
  const Sandbox box;
  CHECK(box.enjoin({"-N0", "echo", "ran", ":::", "a", "b"}).out == "ran\nran\n");
}

TEST_CASE("replacement: values are quoted for the shell") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "echo {}; true", ":::", "a  b", "$HOME", "`id`", "it's", "*",
                              "-n", "a;b", "\\", "\"", "~", "#x", ""});
  CHECK(ran.out == "a  b\n$HOME\n`id`\nit's\n*\na;b\n\\\n\"\n~\n#x\n\n");
}

TEST_CASE("replacement: -q takes the command's words literally") {
  const Sandbox box;
  CHECK(box.enjoin({"-q", "printf", "%s|", "a  b", "$x", "{}", ":::", "v w"}).out ==
        "a  b|$x|v w|");
}

TEST_CASE("replacement: --dry-run prints what would run and runs nothing") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "--dry-run", "touch {}; echo $HOME", ":::", "a b", "c"});
  CHECK(ran.out == "touch 'a b'; echo $HOME\ntouch c; echo $HOME\n");
  CHECK_FALSE(box.has("c"));
}

TEST_CASE("replacement: --dry-run shows tags as a run would") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "--dry-run", "--tag", "echo", ":::", "a", "b c"}).out ==
        "a\techo a\nb c\techo 'b c'\n");
}

TEST_CASE("replace: the first jobs have the first slots, in order") {
  Sandbox box;
  for (int round = 0; round < 10; ++round) {
    CHECK(box.enjoin({"-j4", "-k", "echo", "{%}", ":::", "a", "b", "c", "d"}).out ==
          "1\n2\n3\n4\n");
  }
  // Where fewer inputs come than there are slots, nobody waits for more.
  CHECK(box.enjoin({"-j4", "-k", "echo", "{%}", ":::", "a", "b"}).out == "1\n2\n");
}
