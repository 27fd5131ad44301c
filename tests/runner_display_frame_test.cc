#include <doctest/doctest.h>

#include "runner/display/frame.h"
#include "support/screen.h"
#include "worker/term_safe.h"

using namespace enjoin;
using namespace std::chrono_literals;

namespace {

StageLine stage(std::string name, GraphPlan::Counts counts, bool is_closed = true) {
  return {.name = std::move(name), .counts = counts, .is_closed = is_closed};
}

Frame some_frame() {
  Frame frame;
  frame.stages = {stage("trim", {.added = 10, .succeeded = 8, .up_to_date = 2}),
                  stage("align", {.added = 8, .running = 2, .succeeded = 3, .failed = 1}),
                  stage("merge", {}, false)};
  frame.running = {{.name = "align[s4]", .since = 75s, .latest = "processed 400 reads"},
                   {.name = "align[s5]", .attempt = 2, .since = 3s, .latest = ""}};
  frame.counts = {.added = 18, .running = 2, .succeeded = 11, .up_to_date = 2, .failed = 1};
  frame.elapsed = 100s;
  frame.left = 60s;
  return frame;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

}  // namespace

TEST_CASE("display: a frame shows stages, running jobs with their last lines, and the whole") {
  CHECK(joined(lines(some_frame(), {}, false)) ==
        "trim       [####################] 10/10  2 up to date\n"
        "align      [##########..........] 4/8  2 running  1 failed\n"
        "merge      waiting\n"
        "  align[s4]  1m15s  processed 400 reads\n"
        "  align[s5]     3s (attempt 2)\n"
        "14/18+ done  2 running  1 failed  in 1m40s  ETA 1m00s+\n");
}

TEST_CASE("display: once all jobs are known, the total and the estimate are no lower bounds") {
  Frame frame = some_frame();
  frame.all_known = true;
  CHECK(lines(frame, {}, false).back() == "14/18 done  2 running  1 failed  in 1m40s  ETA 1m00s");
  frame.left.reset();
  CHECK(lines(frame, {}, false).back() == "14/18 done  2 running  1 failed  in 1m40s");
}

TEST_CASE("display: failures are red where colours are wanted, and columns are not lost to them") {
  CHECK(lines(some_frame(), {}, true).back() ==
        "14/18+ done  2 running  \033[31m1 failed\033[0m  in 1m40s  ETA 1m00s+");
  CHECK(lines(some_frame(), {.columns = 36}, true).back() ==
        "14/18+ done  2 running  \033[31m1 failed\033[0m  i");
}

TEST_CASE("display: no line is as wide as the screen, and a few always fit on it") {
  Frame frame = some_frame();
  frame.stages[0].name = "株式会社株式会社株式会社株式会社株式会社株式会社";
  frame.running[0].latest = std::string(5000, 'x') + "\twide 株";
  for (const std::size_t columns : {1U, 2U, 5U, 20U, 40U, 79U, 80U, 300U}) {
    for (const std::size_t rows : {1U, 2U, 3U, 4U, 5U, 10U, 50U}) {
      CAPTURE(columns);
      CAPTURE(rows);
      const std::vector<std::string> all = lines(frame, {.columns = columns, .rows = rows}, false);
      CHECK(!all.empty());
      CHECK(all.size() <= std::max<std::size_t>(rows - 1, 1));
      for (const std::string& line : all) CHECK(term_columns(line) < columns);
    }
  }
}

TEST_CASE("display: names and output cannot reach the terminal as control characters") {
  Frame frame = some_frame();
  frame.stages[0].name = "a\033[2Jb";
  frame.running[0].name = "c\rd";
  frame.running[0].latest = "\033]0;title\007 e\bf";
  const std::string text = joined(lines(frame, {}, false));
  CHECK(text.find('\033') == std::string::npos);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\007') == std::string::npos);
  CHECK(text.find('\b') == std::string::npos);
}

TEST_CASE("display: of many stages those that run and fail are shown, and the rest is counted") {
  Frame frame = some_frame();
  frame.stages.clear();
  for (int i = 0; i < 100; ++i) {
    frame.stages.push_back(
        stage("s" + std::to_string(i), {.added = 1, .succeeded = i < 50 ? 1u : 0u}));
  }
  frame.stages[7].counts = {.added = 1, .failed = 1};
  frame.stages[50].counts.running = 1;
  frame.stages[99].counts.running = 1;
  const std::string text = joined(lines(frame, {.columns = 80, .rows = 10}, false));
  CHECK(text ==
        "s7         [####################] 1/1  1 failed\n"
        "s50        [....................] 0/1  1 running\n"
        "s51        [....................] 0/1\n"
        "s99        [....................] 0/1  1 running\n"
        "and 96 more stages: 49 ended, 47 to come\n"
        "  align[s4]  1m15s  processed 400 reads\n"
        "  align[s5]     3s (attempt 2)\n"
        "14/18+ done  2 running  1 failed  in 1m40s  ETA 1m00s+\n");
}

TEST_CASE("display: a stage without jobs is full once that is known") {
  Frame frame;
  frame.stages = {stage("none", {}, true), stage("later", {}, false)};
  const std::vector<std::string> all = lines(frame, {}, false);
  CHECK(all[0] == "none   [####################] 0/0");
  CHECK(all[1] == "later  waiting");
}

TEST_CASE("display: the cursor is left on the first column of the first line that was drawn") {
  CHECK(drawing({"one"}, {}, false) == "\rone\033[K\033[J\r");
  CHECK(drawing({"one", "two", "three"}, {}, false) ==
        "\rone\033[K\r\ntwo\033[K\r\nthree\033[K\033[J\033[2A\r");
}

TEST_CASE("display: a line that a job left unfinished is not drawn over") {
  CHECK(drawing({"one"}, {.columns = 5, .rows = 9}, true) == "     \rone\033[K\033[J\r");
}

TEST_CASE("display: frames leave nothing on a terminal but what was printed between them") {
  test::Screen screen(20);
  const ScreenSize size{.columns = 20, .rows = 10};
  for (const std::string_view printed :
       {"whole line\r\n", "unfinished", "x", "", "19 columns long ..", "exactly 20 columns ."}) {
    screen.write(drawing({"first", "second", "third"}, size, true));
    CHECK(screen.column() == 0);
    CHECK(screen.text().ends_with("first\nsecond\nthird\n"));
    screen.write(drawing({"one", "two"}, size, false));
    CHECK(screen.text().ends_with("one\ntwo\n"));
    screen.write(kTakeOff);
    screen.write(printed);
  }
  CHECK(screen.text() == "whole line\nunfinished\nx\n19 columns long ..\nexactly 20 columns .\n");
}
