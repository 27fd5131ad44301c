// What jobs wrote: kept until their results are delivered, and looked at while they run.

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/recipe_run.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

const auto no_turn = [](LocalTeam&) {};

// Waits until the job says that it is there, by its file.
void wait_for(const std::string& path) {
  while (::access(path.c_str(), F_OK) != 0) ::usleep(1000);
}

}  // namespace

TEST_CASE("kept output: both streams of every job, in whatever order they end") {
  std::vector<JobRecipe> recipes;
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    recipes.push_back(bash("printf out" + n + "; printf err" + n + " >&2"));
  }
  const RecipeRun ran = run_recipes(recipe_spec(3), recipes);
  for (std::uint64_t seq = 1; seq <= 40; ++seq) {
    CHECK(ran.of(seq).kept[0] == "out" + std::to_string(seq - 1));
    CHECK(ran.of(seq).kept[1] == "err" + std::to_string(seq - 1));
  }
  CHECK(ran.out.size() == 40 * 3 + 10 + 60);  // and printed
}

TEST_CASE("kept output: it is as it was written, whatever is printed of it") {
  TeamSpec spec = recipe_spec(1);
  SUBCASE("tagged") {
    spec.worker.tag.emplace();
    spec.worker.tag->words = {"{}"};
  }
  SUBCASE("by lines") {
    spec.worker.output = OutputMode::kLineBuffer;
  }
  SUBCASE("to a folder") {
    spec.worker.results.keep = Keep::kScratch;
    spec.worker.results.folder = "/tmp";
    spec.worker.results.prints_names = true;
  }
  const RecipeRun ran = run_recipes(spec, {bash("echo a; echo b >&2"), bash("echo c")});
  CHECK(ran.of(1).kept[0] == "a\n");
  CHECK(ran.of(1).kept[1] == "b\n");
  CHECK(ran.of(2).kept[0] == "c\n");
  if (spec.worker.results.keep == Keep::kScratch) {
    for (const char* end = ran.out.c_str(); *end != '\0';) {
      const std::string name(end, std::strchr(end, '\n'));
      ::unlink(name.c_str());
      end += name.size() + 1;
    }
  }
}

TEST_CASE("kept output: a cap counts for it, too") {
  TeamSpec spec = recipe_spec(1);
  spec.worker.max_output_bytes = 10;
  const RecipeRun ran = run_recipes(spec, {bash("printf 0123456789abcdef")});
  CHECK(ran.of(1).kept[0] == "0123456789");
  CHECK(ran.of(1).result.output_cut);
}

TEST_CASE("kept output: that of an attempt which another follows is there, and not printed") {
  std::vector<Job> jobs = recipe_jobs({bash("echo first try; exit 3")});
  jobs[0].hold_output_if_failed = true;
  const RecipeRun ran = run_recipes(recipe_spec(1), std::move(jobs), no_turn);
  CHECK(ran.of(1).kept[0] == "first try\n");
  CHECK(ran.out.empty());
}

TEST_CASE("kept output: nothing is kept where jobs write straight to our stdout") {
  TeamSpec spec = recipe_spec(1);
  spec.worker.output = OutputMode::kUngroup;
  const RecipeRun ran = run_recipes(spec, {bash("echo a")});
  CHECK(ran.of(1).kept[0].empty());
  CHECK(ran.out == "a\n");
}

TEST_CASE("kept output: large outputs come whole, and their space is given back") {
  TeamSpec spec = recipe_spec(1);
  StdoutFile files;
  std::int64_t least_begin = 0, most_blocks = 0;
  bool whole = true;
  {
    LocalTeam team(std::move(spec));
    std::vector<Job> jobs =
        recipe_jobs(std::vector<JobRecipe>(6, words({"head", "-c", "5000000", "/dev/zero"})));
    for (Job& job : jobs) team.start(std::move(job));
    while (team.unfinished() > 0) {
      team.collect([&](JobResult& result) {
        const LocalTeam::KeptStream place = team.kept_output(result).stream[0];
        whole = whole && place.length == 5'000'000;
        least_begin = std::max(least_begin, place.begin);
        struct stat status {};
        ::fstat(place.fd, &status);
        most_blocks = std::max<std::int64_t>(most_blocks, status.st_blocks * 512);
      });
      team.wait({}, std::chrono::milliseconds(20));
    }
    team.collect([](JobResult&) {});
  }
  files.restore();
  CHECK(whole);
  CHECK(least_begin == 25'000'000);
  CHECK(most_blocks < 30'000'000);
}

TEST_CASE("kept output: what a job wrote whose worker died is there") {
  const Folder folder;
  bool killed = false;
  const auto kill_worker = [&](LocalTeam&) {
    if (killed || ::access(folder.at("ready").c_str(), F_OK) != 0) return;
    killed = true;
    for (const pid_t pid : team_workers()) ::kill(pid, SIGKILL);
  };
  JobRecipe recipe = bash("echo before; echo error >&2; touch ready; sleep 600");
  recipe.folder = folder.path();
  const RecipeRun ran =
      run_recipes(recipe_spec(1), recipe_jobs({recipe, bash("echo after")}), kill_worker);
  CHECK(std::holds_alternative<Lost>(ran.of(1).result.outcome));
  CHECK(ran.of(1).kept[0] == "before\n");
  CHECK(ran.of(1).kept[1] == "error\n");
  CHECK(ran.of(2).kept[0] == "after\n");
  CHECK(ran.out == "before\nafter\n");
}

TEST_CASE("kept output: memory that is made anew takes none of it") {
  const Folder folder;
  JobRecipe recipe = bash(
      "echo before; touch ready; while test ! -e go; do sleep 0.01; done; "
      "echo behind");
  recipe.folder = folder.path();
  bool damaged = false;
  std::string said;
  const auto damage = [&](LocalTeam& team) {
    if (damaged || ::access(folder.at("ready").c_str(), F_OK) != 0) return;
    damaged = true;
    team.report_trouble([&](const std::string& text) {
      said = text;
      folder.write("go", "");
    });
    team.memory_for_test().control().header.magic = 0;
  };
  const RecipeRun ran =
      run_recipes(recipe_spec(1), recipe_jobs({recipe, bash("echo next")}), damage);
  CHECK(said.find("damaged") != std::string::npos);
  CHECK(ran.of(1).kept[0] == "before\nbehind\n");
  CHECK(ran.of(2).kept[0] == "next\n");
  CHECK(ran.out == "before\nbehind\nnext\n");
}

// ---- the latest line --------------------------------------------------------------------------

TEST_CASE("latest line: that which a running job wrote last, of either stream") {
  const Folder folder;
  StdoutFile files;
  std::string first, second, third, other;
  {
    LocalTeam team(recipe_spec(1));
    JobRecipe recipe = bash(
        "echo one; echo two; touch 1; until test -e go1; do sleep 0.01; done; printf part >&2; "
        "touch 2; until test -e go2; do sleep 0.01; done; printf 'a\\rb\\r\\n\\n'; touch 3; "
        "until test -e go3; do sleep 0.01; done");
    recipe.folder = folder.path();
    for (Job& job : recipe_jobs({recipe})) team.start(std::move(job));
    wait_for(folder.at("1"));
    ::usleep(20'000);  // file times are that coarse
    first = team.latest_line(0);
    folder.write("go1", "");
    wait_for(folder.at("2"));
    second = team.latest_line(0);
    ::usleep(20'000);
    folder.write("go2", "");
    wait_for(folder.at("3"));
    third = team.latest_line(0);
    other = team.latest_line(7);
    folder.write("go3", "");
    while (team.unfinished() > 0) {
      team.collect([](JobResult&) {});
      team.wait({}, std::chrono::milliseconds(20));
    }
  }
  files.restore();
  CHECK(first == "two");
  CHECK(second == "part");
  CHECK(third == "b");
  CHECK(other.empty());
}
