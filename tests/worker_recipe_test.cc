#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "worker/job_recipe.h"
#include "worker/spawn.h"

using namespace enjoin;

namespace {

using Strings = std::vector<std::string>;

Strings strings(const std::vector<const char*>& list) {
  return Strings(list.begin(), list.end());
}

JobRecipe full_recipe() {
  return {.label = "align[s1]",
          .shell = {"bash", "-euo", "pipefail"},
          .line = "bwa mem ref.fa | samtools sort",
          .argv = {"a", "", "b c"},
          .folder = "work",
          .stdin_path = "in",
          .stdout_path = "out",
          .stderr_path = "err",
          .environment = {"A=1", "B"},
          .leftovers = Leftovers::kFail,
          .isolate = Isolate::kPid};
}

Strings environment_of(char* const* words) {
  Strings all;
  for (; *words != nullptr; ++words) {
    if (std::strncmp(*words, "PARALLEL_", 9) != 0) all.push_back(*words);
  }
  return all;
}

}  // namespace

TEST_CASE("recipe: what is packed is read back") {
  const std::string packed = pack(full_recipe());
  RecipeView view;
  REQUIRE(unpack(packed, &view));
  CHECK(view.label == "align[s1]");
  CHECK(strings(view.shell) == Strings{"bash", "-euo", "pipefail"});
  CHECK(view.line == "bwa mem ref.fa | samtools sort");
  CHECK(strings(view.argv) == Strings{"a", "", "b c"});
  CHECK(view.folder == "work");
  CHECK(view.stdin_path == "in");
  CHECK(view.stdout_path == "out");
  CHECK(view.stderr_path == "err");
  CHECK(strings(view.environment) == Strings{"A=1", "B"});
  CHECK(view.leftovers == Leftovers::kFail);
  CHECK(view.isolate == Isolate::kPid);
}

TEST_CASE("recipe: a view that is used again holds nothing of the one before") {
  RecipeView view;
  const std::string first = pack(full_recipe());
  REQUIRE(unpack(first, &view));
  const std::string second = pack(JobRecipe{.argv = {"true"}});
  REQUIRE(unpack(second, &view));
  CHECK(view.line.empty());
  CHECK(view.shell.empty());
  CHECK(view.environment.empty());
  CHECK(view.leftovers == Leftovers::kKill);
  CHECK(view.isolate == Isolate::kNone);
}

TEST_CASE("recipe: anything but what was packed is refused") {
  RecipeView view;
  const std::string packed = pack(full_recipe());
  for (std::size_t size = 0; size < packed.size(); ++size) {
    CHECK_FALSE(unpack(std::string_view(packed).substr(0, size), &view));
  }
  CHECK_FALSE(unpack(packed + "x", &view));
  CHECK_FALSE(unpack(packed + '\0', &view));
  for (std::size_t at = 0; at < 14; ++at) {
    std::string damaged = packed;
    damaged[at] = '\xff';
    CHECK_FALSE(unpack(damaged, &view));
  }
}

TEST_CASE("recipe: NUL bytes and a line without a shell are refused") {
  JobRecipe recipe = full_recipe();
  recipe.argv = {std::string("a\0b", 3)};
  CHECK_THROWS_AS(pack(recipe), Error);
  CHECK_THROWS_WITH(pack(JobRecipe{.label = "s", .line = "true"}), "job s: its line has no shell");
}

TEST_CASE("job environment: changes count for one job, the last of each name") {
  char home[] = "HOME=/root";
  char path[] = "PATH=/bin";
  char paths[] = "PATHS=1";
  char* inherited[] = {home, path, paths, nullptr};
  JobEnvironment environment(inherited, 1, 1);
  const std::vector<const char*> changes = {"NEW=1", "PATH=/x", "HOME", "NEW=2=3", "GONE"};
  CHECK(environment_of(environment.for_job(1, changes)) ==
        Strings{"PATHS=1", "PATH=/x", "NEW=2=3"});
  CHECK(environment_of(environment.for_job(2, {})) == Strings{home, path, paths});
}

TEST_CASE("job environment: a variable that was set and is taken away is away") {
  char* inherited[] = {nullptr};
  JobEnvironment environment(inherited, 1, 1);
  const std::vector<const char*> changes = {"A=1", "A"};
  CHECK(environment_of(environment.for_job(1, changes)).empty());
}
