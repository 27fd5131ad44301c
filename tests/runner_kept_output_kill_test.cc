// Workers are killed at any moment while their jobs' output is kept.

#include <csignal>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "support/recipe_run.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

std::string text_of(std::uint64_t seq) {
  std::string text;
  for (int line = 0; line < 40; ++line) {
    text += "job " + std::to_string(seq) + " line " + std::to_string(line) + '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("kept output: whatever workers are killed, no job is given another's, or a part as all") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<JobRecipe> recipes;
    for (std::uint64_t seq = 1; seq <= 120; ++seq) {
      recipes.push_back(words({"printf", "%s", text_of(seq)}));
    }
    int kills = 0;
    const auto kill_some = [&](LocalTeam&) {
      if (kills >= 12 || random() % 8 != 0) return;
      const std::vector<pid_t> workers = team_workers();
      if (workers.empty()) return;
      ++kills;
      ::kill(workers[random() % workers.size()], SIGKILL);
    };
    const RecipeRun ran = run_recipes(recipe_spec(3), recipe_jobs(recipes), kill_some);
    REQUIRE(ran.results.size() == 120);
    std::size_t printed = 0;
    for (std::uint64_t seq = 1; seq <= 120; ++seq) {
      const KeptResult& result = ran.of(seq);
      const bool lost = std::holds_alternative<Lost>(result.result.outcome);
      CHECK((lost || result.status() == 0));
      if (lost) {
        CHECK(text_of(seq).starts_with(result.kept[0]));
      } else {
        CHECK(result.kept[0] == text_of(seq));
      }
      printed += result.kept[0].size();
    }
    CHECK(kills > 0);
    CHECK(ran.out.size() == printed);
  }
}
