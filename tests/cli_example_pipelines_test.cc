// The pipelines of examples/, each run in a copy of its folder.

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

void copy_example(const Sandbox& box, const std::string& name) {
  REQUIRE(box.shell("cp -r " ENJOIN_TEST_DIR "/../examples/" + name + "/. .").status == 0);
}

/// Runs it and says what went wrong, if anything did.
Ran run(const Sandbox& box, const std::string& options = "") {
  Ran ran = box.shell("enjoin run -j4 --quiet " + options);
  INFO(ran.err);
  CHECK(ran.status == 0);
  return ran;
}

}  // namespace

TEST_CASE("examples: c_project builds and tests, then builds again only what a change reaches") {
  const Sandbox box;
  copy_example(box, "c_project");
  run(box);
  CHECK(box.shell("echo a b a | build/count").out == "2 a\n1 b\n");

  box.shell("touch -d @1 build/*; printf '\\nint more_words;\\n' >>src/words.c");
  run(box);
  CHECK(box.shell("find build -newermt @2 | sort").out ==
        "build\nbuild/count\nbuild/libcount.a\nbuild/words.o\n");
  CHECK(box.left_in_tmp().empty());
}

TEST_CASE("examples: c_project with an error in a source links nothing") {
  const Sandbox box;
  copy_example(box, "c_project");
  box.shell("echo 'not C' >>src/table.c");
  const Ran ran = box.shell("enjoin run -j4 --quiet");
  CHECK(ran.status == 1);
  CHECK_FALSE(box.has("build/table.o"));
  CHECK_FALSE(box.has("build/count"));
}

TEST_CASE("examples: log_batch counts each day over all logs") {
  const Sandbox box;
  copy_example(box, "log_batch");
  box.shell(
      "mkdir logs; for log in a 'b c'; do for day in 01 02; do for i in 1 2 3; do "
      "echo \"2026-11-$day /x 200\"; done; echo \"2026-11-$day /y 404\"; done >\"logs/$log.log\"; "
      "done");
  run(box);
  CHECK(box.read("report") ==
        "2026-11-01 200 6\n2026-11-01 404 2\n2026-11-02 200 6\n2026-11-02 404 2\n");
}

TEST_CASE("examples: sweep throws darts, joins by their number, and plots") {
  const Sandbox box;
  copy_example(box, "sweep");
  run(box);
  const std::vector<std::string> errors = lines_of(box.read("errors"));
  REQUIRE(errors.size() == 4);
  CHECK(errors[0].starts_with("100 "));
  CHECK(errors[3].starts_with("100000 0.0"));
  CHECK(box.shell("grep -c '<circle' errors.svg").out == "4\n");
  CHECK(box.shell("ls throws | wc -l").out == "20\n");
}

TEST_CASE("examples: etl loads the clean orders of all shops, and twice is as once") {
  const Sandbox box;
  copy_example(box, "etl");
  for (int time = 0; time < 2; ++time) {
    run(box, time == 0 ? "" : "--no-db");
    CHECK(box.read("totals") == "north|3|3325\nsouth|2|1299\n");
  }
}

TEST_CASE("examples: five_workers prints ten jobs in whole pieces, then their sum") {
  const Sandbox box;
  copy_example(box, "five_workers");
  std::vector<std::string> in_order;
  for (int number = 1; number <= 10; ++number) {
    const std::string text = std::to_string(number);
    in_order.push_back("job " + text + " is done\n  and " + text + " times " + text + " is " +
                       std::to_string(number * number) + "\n");
  }
  std::string all;
  for (const std::string& piece : in_order) all += piece;

  CHECK(run(box, "-k").out == all + "the sum is 385\n");

  const std::string any_order = run(box, "--no-db").out;
  for (const std::string& piece : in_order) CHECK(any_order.find(piece) != std::string::npos);
  CHECK(any_order.size() == all.size() + std::string("the sum is 385\n").size());
  CHECK(any_order.ends_with("the sum is 385\n"));
}
