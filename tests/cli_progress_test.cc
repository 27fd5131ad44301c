#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("progress: it goes to stderr and says at the end that all is done") {
  const Sandbox box;
  for (const char* option : {"--bar", "--eta", "--progress"}) {
    const Ran ran = box.enjoin({"-k", option, "echo", ":::", "a", "b", "c"});
    INFO(option);
    CHECK(ran.out == "a\nb\nc\n");
    CHECK(ran.says(std::string(option) == "--bar" ? "3/3" : "3/3 done"));
    CHECK(ran.status == 0);
  }
}

TEST_CASE("progress: without it stderr is the jobs'") {
  const Sandbox box;
  CHECK(box.enjoin({"echo e >&2; : {}", ":::", "a"}).err == "e\n");
}
