#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>

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
          .isolate = Isolate::kPid,
          .merges_output = true,
          .most_output = 1ULL << 40,
          .limits = {{RLIMIT_NOFILE, 64}, {RLIMIT_AS, ~std::uint64_t{0}}},
          .nice = -3,
          .foreground_of = 77};
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
  CHECK(view.merges_output);
  CHECK(view.most_output == 1ULL << 40);
  CHECK(most_output_of(packed) == 1ULL << 40);
  REQUIRE(view.limits.size() == 2);
  CHECK(view.limits[0].resource == RLIMIT_NOFILE);
  CHECK(view.limits[1].value == ~std::uint64_t{0});
  CHECK(view.nice == -3);
  CHECK(view.foreground_of == 77);
  CHECK(view.descriptors.empty());
}

TEST_CASE("recipe: the numbers of descriptors are read back, and nothing of an earlier recipe") {
  JobRecipe recipe{.argv = {"a"}, .descriptors = {9, 0, 200}};
  RecipeView view;
  REQUIRE(unpack(pack(recipe), &view));
  CHECK(view.descriptors == std::vector<std::int32_t>{9, 0, 200});
  recipe.descriptors.clear();
  REQUIRE(unpack(pack(recipe), &view));
  CHECK(view.descriptors.empty());
}

TEST_CASE("recipe: descriptors that cannot be given are refused") {
  const auto with = [](std::vector<std::int32_t> numbers) {
    return JobRecipe{.argv = {"a"}, .descriptors = std::move(numbers)};
  };
  CHECK_THROWS_AS(pack(with({1, 1})), Error);
  CHECK_THROWS_AS(pack(with({-1})), Error);
  std::vector<std::int32_t> many(JobRecipe::kMostDescriptors + 1);
  for (std::size_t at = 0; at < many.size(); ++at) many[at] = static_cast<std::int32_t>(at);
  CHECK_THROWS_AS(pack(with(many)), Error);
  JobRecipe isolated = with({1});
  isolated.isolate = Isolate::kPid;
  CHECK_THROWS_AS(pack(isolated), Error);
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
  for (std::size_t at = 0; at < 24; ++at) {
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
