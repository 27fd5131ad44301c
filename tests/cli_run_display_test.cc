#include <regex>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"
#include "support/screen.h"

using namespace enjoin::test;

namespace {

constexpr std::size_t kColumns = 80;

/// Runs a command on a terminal of its own; returns what came out of it, byte by byte.
std::string on_terminal(const Sandbox& box, const std::string& command) {
  box.write("command", "stty cols 80 rows 24\n" + command);
  return box.shell("TERM=xterm script -qec 'bash ./command' /dev/null </dev/null").out;
}

bool have_terminals(const Sandbox& box) {
  if (box.shell("script -qec true /dev/null </dev/null").status == 0) return true;
  MESSAGE("no terminal can be made here: not tested");
  return false;
}

std::string shown(const std::string& bytes) {
  Screen screen(kColumns);
  screen.write(bytes);
  return screen.text();
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Without what depends on how fast the machine is: progress, and the time at the end.
std::string untimed(const std::string& text) {
  std::string rest;
  for (const std::string& line : lines_of(text)) {
    if (holds(line, " has ended; ") || holds(line, " running  in ")) continue;
    rest += std::regex_replace(line, std::regex(" in [0-9hms]+:"), " in TIME:") + '\n';
  }
  return rest;
}

constexpr const char* kGraph = R"({"id":"a","sh":"echo one","stage":"first"}
{"id":"b","sh":"printf unfinished","needs":["a"],"stage":"first"}
{"id":"c","sh":"echo three >&2","needs":["b"],"stage":"second"}
)";

}  // namespace

TEST_CASE("run display: a terminal shows stages and jobs, and at the end what was printed alone") {
  const Sandbox box;
  if (!have_terminals(box)) return;
  box.write("jobs.jsonl", kGraph);
  const std::string bytes = on_terminal(box, "enjoin run jobs.jsonl");
  INFO(bytes);
  CHECK(holds(bytes, "first   ["));
  CHECK(holds(bytes, "second  ["));
  // A frame that was drawn meanwhile begins on a line of its own.
  const std::string text = std::regex_replace(shown(bytes), std::regex("ed\nthree"), "edthree");
  CHECK(untimed(text) == "one\nunfinishedthree\nenjoin: 3 jobs in TIME: 3 done\n");
}

TEST_CASE("run display: what a running job wrote last is shown") {
  const Sandbox box;
  if (!have_terminals(box)) return;
  // The job ends once it has been seen on the terminal, which `script` copies to a file. It writes
  // both lines at once, so that no frame comes between them.
  box.write("jobs.jsonl",
            R"({"id":"a","sh":"printf 'starting\\nworking on it\\n'; until [ -e go ]; do )"
            R"(sleep 0.02; done"})");
  box.write("command", "stty cols 80 rows 24; enjoin run jobs.jsonl");
  const Ran ran = box.shell(
      "TERM=xterm script -qfec 'bash ./command' log </dev/null >/dev/null & "
      "until grep -q 'a .*working on it' log 2>/dev/null; do sleep 0.02; done; touch go; wait; "
      "cat log");
  CHECK(holds(ran.out, "s  working on it"));
  CHECK_FALSE(holds(ran.out, "s  starting"));
}

TEST_CASE("run display: --quiet, TERM=dumb and NO_COLOR are respected") {
  const Sandbox box;
  if (!have_terminals(box)) return;
  box.write("jobs.jsonl", kGraph);
  CHECK(on_terminal(box, "enjoin run --quiet --no-db jobs.jsonl") == "one\r\nunfinishedthree\r\n");
  const std::string dumb = on_terminal(box, "TERM=dumb enjoin run --no-db jobs.jsonl");
  CHECK_FALSE(holds(dumb, "\033"));
  CHECK(holds(dumb, ": 3 done"));
  box.write("jobs.jsonl", R"({"id":"bad","sh":"exit 3"})");
  CHECK(holds(on_terminal(box, "enjoin run --no-db jobs.jsonl"), "\033[31mfailed\033[0m"));
  const std::string plain = on_terminal(box, "NO_COLOR=1 enjoin run --no-db jobs.jsonl");
  CHECK_FALSE(holds(plain, "\033[31m"));
  CHECK(holds(plain, "enjoin: bad failed: exit status 3"));
}

TEST_CASE("run display: elsewhere than on a terminal there are plain lines") {
  const Sandbox box;
  box.write("jobs.jsonl", kGraph);
  const Ran ran = box.enjoin({"run", "--no-db", "jobs.jsonl"});
  CHECK(ran.out == "one\nunfinished");
  CHECK(untimed(ran.err) == "three\nenjoin: 3 jobs in TIME: 3 done\n");
}

TEST_CASE("run display: what was not started is named") {
  const Sandbox box;
  box.write("jobs.jsonl", R"({"id":"bad","sh":"echo oh no >&2; exit 3"}
{"id":"later","sh":"true","needs":["bad"]}
)");
  const Ran ran = box.enjoin({"run", "--no-db", "jobs.jsonl"});
  CHECK(ran.status == 1);
  CHECK(untimed(ran.err) ==
        "oh no\nenjoin: bad failed: exit status 3\nenjoin: not started: later\n"
        "enjoin: 2 jobs in TIME: 1 failed, 1 not started\n");
}

TEST_CASE("progress: on a terminal a line that a job left unfinished stays, beside --bar") {
  const Sandbox box;
  if (!have_terminals(box)) return;
  const std::string bytes = on_terminal(box, "enjoin -j1 --bar 'printf {}' ::: one two");
  INFO(bytes);
  const std::string text = std::regex_replace(shown(bytes), std::regex("one\ntwo"), "onetwo");
  CHECK(text.starts_with("onetwo\n["));
}
