#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/pipeline/stage_selection.h"

using namespace enjoin;

namespace {

// d needs c and b, each of these a; x stands alone.
PipelineFile diamond() {
  return read_pipeline(
      "[[stage]]\nname = 'deploy'\nneeds = ['c', 'b']\nrun = 'd'\n"
      "[[stage]]\nname = 'b'\nneeds_each = 'a'\nrun = 'b'\n"
      "[[stage]]\nname = 'c'\nforeach = { from = 'a', n = [1, 2] }\nrun = 'c'\n"
      "[[stage]]\nname = 'a'\nforeach = ['1']\nrun = 'a'\n"
      "[[stage]]\nname = 'x'\nrun = 'x'\n",
      "p.toml", {});
}

std::string selected(const StageSelection& selection) {
  const PipelineFile file = diamond();
  std::string names;
  const std::vector<bool> marks = select_stages(file, selection);
  for (const std::size_t stage : in_order_of_needs(file)) {
    if (marks[stage]) names += file.stages[stage].name + ' ';
  }
  return names;
}

std::string error_of(const StageSelection& selection) {
  try {
    selected(selection);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("stage selection: without a word all stages run, each behind what it needs") {
  CHECK(selected({}) == "a c b deploy x ");
}

TEST_CASE("stage selection: a stage brings all that it needs") {
  CHECK(selected({.stages = {"b"}}) == "a b ");
  CHECK(selected({.stages = {"deploy"}}) == "a c b deploy ");
  CHECK(selected({.stages = {"x", "a"}}) == "a x ");
}

TEST_CASE("stage selection: --only takes these alone, --from these and what needs them") {
  CHECK(selected({.only = {"deploy", "b"}}) == "b deploy ");
  CHECK(selected({.from = {"c"}}) == "c deploy ");
  CHECK(selected({.stages = {"b", "x"}, .from = {"a"}}) == "a b ");
}

TEST_CASE("stage selection: names that no stage has, and words that do not go together") {
  CHECK(error_of({.stages = {"depoly"}}) == "p.toml has no stage depoly; did you mean deploy?");
  CHECK(error_of({.only = {"nothing"}}) == "p.toml has no stage nothing (--list shows them)");
  CHECK(error_of({.from = {"\x1b"}}).find('\x1b') == std::string::npos);
  CHECK(error_of({.stages = {"b"}, .only = {"a"}}).starts_with("--only says which stages run"));
  CHECK(error_of({.stages = {"a"}, .from = {"b"}}).starts_with("--from leaves nothing to run"));
}
