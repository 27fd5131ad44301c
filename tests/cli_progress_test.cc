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

TEST_CASE("progress: --bar and --eta start jobs before the inputs end") {
  const Sandbox box;
  for (const char* option : {"--bar", "--eta"}) {
    INFO(option);
    // The second input comes once the first job has run.
    const Ran ran = box.shell(std::string("(echo a; until [ -e ran-a ]; do sleep 0.02; done; "
                                          "echo b) | enjoin ") +
                              option + " touch ran-{}; rm -f ran-a; ls ran-b");
    CHECK(ran.status == 0);
    CHECK(ran.says(std::string(option) == "--bar" ? "2/2" : "2/2 done"));
  }
}

TEST_CASE("progress: without it stderr is the jobs'") {
  const Sandbox box;
  CHECK(box.enjoin({"echo e >&2; : {}", ":::", "a"}).err == "e\n");
}
