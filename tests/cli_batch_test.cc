#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("batching: -n gives each job N inputs, the last the rest") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "-n2", "echo", "{2}-{1}", ":::", "a", "b", "c"});
  CHECK(ran.out == "b-a\n-c\n");
  CHECK(box.enjoin({"-k", "-n2", "echo", ":::", "a b", "c", "d"}).out == "a b c\nd\n");
}

TEST_CASE("batching: -X repeats the word, -m only the input") {
  const Sandbox box;
  CHECK(box.enjoin({"-j1", "-X", "echo", "img{}.png", ":::", "1", "2"}).out ==
        "img1.png img2.png\n");
  CHECK(box.enjoin({"-j1", "-m", "echo", "a{}z", ":::", "1", "2"}).out == "a1 2z\n");
  CHECK(box.enjoin({"-k", "-N2", "echo", "img{}.png", ":::", "1", "2", "3"}).out ==
        "img1.png img2.png\nimg3.png\n");
}

TEST_CASE("batching: -X shares the last inputs out over the jobs that run at once") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "-j2", "-X", "echo", ":::", "1", "2", "3", "4"}).out == "1 2\n3 4\n");
  CHECK(box.enjoin({"-k", "-j2", "--xargs", "echo", ":::", "1", "2", "3", "4"}).out == "1 2 3 4\n");
}

TEST_CASE("batching: a hundred thousand inputs arrive once each, in few jobs") {
  const Sandbox box;
  const Ran ran = box.shell(
      "seq 100000 | enjoin -k -j2 -X 'echo {} | tr \" \" \"\\n\"' >out;"
      "seq 100000 | cmp - out && echo same;"
      "seq 100000 | enjoin -j2 -X 'echo job; : {}' | wc -l");
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "same");
  CHECK(std::stoi(lines[1]) < 100);
}

TEST_CASE("batching: -X starts a job before stdin ends") {
  const Sandbox box;
  const Ran ran = box.shell("seq 1000000 | enjoin -j2 -X --joblog log /bin/true; wc -l <log");
  CHECK(std::stoi(ran.out) > 4);
}

TEST_CASE("batching: an input too long for one argument is named, with what to do") {
  const Sandbox box;
  const Ran ran = box.shell("head -c 3000000 /dev/zero | tr '\\0' x | enjoin /bin/echo");
  CHECK(ran.status == 255);
  CHECK(ran.says("input 1 would have 3000010 bytes; at most 131071"));
  CHECK(ran.out.empty());
}
