#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "support/folder.h"

// The examples of examples/library, run as a reader would run them.

using namespace enjoin;

namespace {

struct ExampleRun {
  std::string said;
  int status = -1;
};

ExampleRun run_example(const std::string& words) {
  const std::string helpers =
      std::string(ENJOIN_WORKER).substr(0, std::string(ENJOIN_WORKER).rfind('/'));
  const std::string line = "ENJOIN_LIBEXEC='" + helpers + "' " ENJOIN_TEST_EXAMPLES "/" + words;
  std::FILE* const example = ::popen((line + " 2>&1").c_str(), "re");
  REQUIRE(example != nullptr);
  ExampleRun run;
  char part[256];
  while (std::fgets(part, sizeof part, example) != nullptr) run.said += part;
  const int ended = ::pclose(example);
  run.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  return run;
}

bool is_built(const std::string& name) {
  return ::access((ENJOIN_TEST_EXAMPLES "/" + name).c_str(), X_OK) == 0;
}

bool has(const ExampleRun& run, const std::string& text) {
  return run.said.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("examples: a poll loop gets the lines of two jobs") {
  const ExampleRun run = run_example("poll_loop");
  CHECK(run.status == 0);
  CHECK(has(run, "1: one\n"));  // lines of the other job may come between
  CHECK(run.said.find("1: one\n") < run.said.find("1: two\n"));
  CHECK(has(run, "1: two\n"));
  CHECK(has(run, "2: three\n"));
  CHECK(has(run, "2: exit status 3\n"));
}

TEST_CASE("examples: one epoll loop drives two executors") {
  const ExampleRun run = run_example("epoll_loop");
  CHECK(run.status == 0);
  CHECK(has(run, "executor 0: from a job\n"));
  CHECK(has(run, "executor 1: from a job\n"));
}

TEST_CASE("examples: libuv drives an executor") {
  if (!is_built("uv_loop")) return;  // libuv is not here
  const ExampleRun run = run_example("uv_loop");
  CHECK(run.status == 0);
  CHECK(run.said == "first\nsecond\n");
}

TEST_CASE("examples: compile_commands.json is run as a batch") {
  if (!is_built("compile_commands")) return;  // RapidJSON is not here
  const test::Folder folder;
  const std::string place = R"({"file": "x.c", "directory": ")" + folder.path() + "\", ";
  folder.write("good.json", "[" + place + R"("command": "echo made > one"}, )" + place +
                                R"("arguments": ["touch", "two"]}])");
  CHECK(run_example("compile_commands " + folder.at("good.json")).status == 0);
  CHECK(folder.read("one") == "made\n");
  CHECK(std::filesystem::exists(folder.at("two")));

  folder.write("bad.json", "[" + place + R"("command": "echo wrong >&2; exit 1"}])");
  const ExampleRun bad = run_example("compile_commands " + folder.at("bad.json"));
  CHECK(bad.status == 1);
  CHECK(bad.said == "wrong\n");
}

TEST_CASE("examples: a test runner tells which test failed") {
  const ExampleRun run = run_example("parallel_tests true false");
  CHECK(run.status == 1);
  CHECK(has(run, "ok     true (exit status 0)\n"));
  CHECK(has(run, "FAILED false (exit status 1)\n"));
}

TEST_CASE("examples: a program in C runs jobs that need each other") {
  const ExampleRun run = run_example("c_host");
  CHECK(run.status == 0);
  CHECK(has(run, "job 1: exit status 0: one\n"));
  CHECK(run.said.ends_with("job 3: exit status 0: three\n"));
}

TEST_CASE("examples: a pool goes on when a worker dies") {
  const ExampleRun run = run_example("pool_stages");
  CHECK(run.status == 0);
  CHECK(run.said == "sum: 14\nit was 1\none job died; the pool goes on\nit was 9\n");
}
