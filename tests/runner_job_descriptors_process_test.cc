// Recipes that are given descriptors when they start, and what else the library asks of a recipe.

#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "support/recipe_run.h"
#include "worker/process_tree.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

ipc::UniqueFd file_with(const std::string& text) {
  ipc::UniqueFd fd(::memfd_create("enjoin-test", MFD_CLOEXEC));
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  return fd;
}

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    from.reset(ends[0]);
    to.reset(ends[1]);
    ::fcntl(from.get(), F_SETFL, O_NONBLOCK);
  }
  ipc::UniqueFd from;
  ipc::UniqueFd to;
};

/// All that is in it; "(open)" behind that, where somebody may still write.
std::string drain(const Pipe& pipe) {
  std::string text;
  char bytes[4096];
  while (true) {
    const ssize_t got = ::read(pipe.from.get(), bytes, sizeof bytes);
    if (got == 0) return text;
    if (got < 0) return text + "(open)";
    text.append(bytes, static_cast<std::size_t>(got));
  }
}

RecipeRun run_with(TeamSpec spec, const std::vector<JobRecipe>& recipes,
                   const DescriptorProvider& provider) {
  bool told = false;
  const RecipeRun ran = run_recipes(std::move(spec), recipe_jobs(recipes), [&](LocalTeam& team) {
    if (!std::exchange(told, true)) team.give_descriptors(provider);
  });
  CHECK(list_children().empty());
  return ran;
}

JobRecipe with_descriptors(JobRecipe recipe, std::vector<std::int32_t> numbers) {
  recipe.descriptors = std::move(numbers);
  return recipe;
}

}  // namespace

TEST_CASE("job descriptors: each job finds its own under the numbers that it asked for") {
  const auto recipe = with_descriptors(bash("cat <&7; cat"), {7, 0});
  const auto provider = [](const Job& job) {
    JobDescriptors given;
    given.add(file_with("seven of " + std::to_string(job.id.seq) + "\n"));
    given.add(file_with("stdin of " + std::to_string(job.id.seq) + "\n"));
    return given;
  };
  const RecipeRun ran = run_with(recipe_spec(2), {recipe, bash("echo none"), recipe}, provider);
  CHECK(ran.of(1).kept[0] == "seven of 1\nstdin of 1\n");
  CHECK(ran.of(2).kept[0] == "none\n");
  CHECK(ran.of(3).kept[0] == "seven of 3\nstdin of 3\n");
}

TEST_CASE("job descriptors: many, under the numbers that the worker has them itself") {
  std::vector<std::int32_t> numbers;
  for (std::int32_t number = 102; number >= 3; --number) numbers.push_back(number);
  const auto recipe = with_descriptors(
      bash("for fd in {3..102}; do read -r got <&$fd; echo $fd $got; done"), numbers);
  const auto provider = [&](const Job&) {
    JobDescriptors given;
    for (const int number : numbers) given.add(file_with("file " + std::to_string(number) + "\n"));
    return given;
  };
  std::string expected;
  for (int number = 3; number <= 102; ++number) {
    expected += std::to_string(number) + " file " + std::to_string(number) + "\n";
  }
  const RecipeRun ran = run_with(recipe_spec(1), {recipe}, provider);
  CHECK(ran.of(1).kept[1].empty());
  CHECK(ran.of(1).kept[0] == expected);
}

TEST_CASE("job descriptors: when the job has ended, none of us holds one") {
  Pipe out;
  Pipe failed;
  const std::vector<JobRecipe> recipes = {with_descriptors(bash("echo said"), {1}),
                                          with_descriptors(words({"/no/such/program"}), {1})};
  std::string at_end[2];
  const auto provider = [&](const Job& job) {
    JobDescriptors given;
    given.add(std::move(job.id.seq == 1 ? out.to : failed.to));
    return given;
  };
  // While the worker lives.
  bool told = false;
  run_recipes(recipe_spec(1), recipe_jobs(recipes), [&](LocalTeam& team) {
    if (!std::exchange(told, true)) team.give_descriptors(provider);
    if (team.unfinished() > 0) return;
    at_end[0] = drain(out);
    at_end[1] = drain(failed);
  });
  CHECK(at_end[0] == "said\n");
  CHECK(at_end[1].empty());
}

TEST_CASE("job descriptors: a command that needs no process is told of, and runs, all the same") {
  Pipe out;
  const auto provider = [&](const Job&) {
    JobDescriptors given;
    given.add(std::move(out.to));
    return given;
  };
  const RecipeRun ran = run_with(recipe_spec(1), {with_descriptors(bash("true"), {1})}, provider);
  CHECK(ran.of(1).status() == 0);
  CHECK(drain(out).empty());
}

TEST_CASE(
    "job descriptors: where there are none, or too few, the job does not start, and says so") {
  const auto wants_one = with_descriptors(bash("echo ran"), {1});
  const auto wants_two = with_descriptors(bash("echo ran"), {1, 9});
  const auto provider = [](const Job& job) {
    JobDescriptors given = job.id.seq == 1 ? JobDescriptors::failed(EMFILE) : JobDescriptors{};
    if (job.id.seq == 2) given.add(-1);
    if (job.id.seq == 3) given.add(file_with("one"));
    return given;
  };
  const RecipeRun ran = run_with(recipe_spec(1), {wants_one, wants_one, wants_two}, provider);
  const int errors[] = {EMFILE, EBADF, EBADF};
  for (const std::uint64_t seq : {1U, 2U, 3U}) {
    const auto* const failed = std::get_if<SpawnFailed>(&ran.of(seq).result.outcome);
    REQUIRE(failed != nullptr);
    CHECK(failed->error == errors[seq - 1]);
    CHECK(ran.of(seq).kept[0].empty());
  }
  CHECK(ran.of(1).kept[1] ==
        "enjoin: stage[item]: cannot be given its descriptors: Too many open files\n");
}

TEST_CASE("job descriptors: without a provider the job does not start") {
  const RecipeRun ran = run_recipes(recipe_spec(1), {with_descriptors(bash("echo ran"), {1})});
  CHECK(std::holds_alternative<SpawnFailed>(ran.of(1).result.outcome));
}

TEST_CASE("recipe job: merged output is kept in the order in which it was written") {
  JobRecipe recipe = bash("for i in {1..50}; do echo out $i; echo err $i >&2; done");
  recipe.merges_output = true;
  JobRecipe unable = words({"/no/such/program"});
  unable.merges_output = true;
  const RecipeRun ran = run_recipes(recipe_spec(1), {recipe, unable});
  std::string expected;
  for (int i = 1; i <= 50; ++i) {
    expected += "out " + std::to_string(i) + "\nerr " + std::to_string(i) + "\n";
  }
  CHECK(ran.of(1).kept[0] == expected);
  CHECK(ran.of(1).kept[1].empty());
  CHECK(ran.of(2).kept[0] ==
        "enjoin: stage[item]: cannot execute '/no/such/program': No such file or directory\n");
  CHECK(ran.of(2).kept[1].empty());
}

TEST_CASE("recipe job: of each stream the first bytes are kept, and all are counted") {
  JobRecipe recipe = bash("yes first | head -c 300000; yes err | head -c 1000 >&2");
  recipe.shell = {"bash"};
  recipe.most_output = 1000;
  const RecipeRun ran = run_recipes(recipe_spec(1), {recipe, bash("echo next")});
  const KeptResult& cut = ran.of(1);
  CHECK(cut.status() == 0);
  CHECK(cut.result.output_cut);
  CHECK(cut.result.use.bytes_out == 300000);
  CHECK(cut.kept[0].size() == 1000);
  CHECK(cut.kept[0].starts_with("first\nfirst\n"));
  CHECK(cut.kept[1].size() == 1000);
  CHECK(!ran.of(2).result.output_cut);
  CHECK(ran.of(2).kept[0] == "next\n");
}

TEST_CASE("recipe job: limits and niceness are its own") {
  JobRecipe recipe = bash("ulimit -n; ulimit -c; nice");
  recipe.limits = {{RLIMIT_NOFILE, 77}, {RLIMIT_CORE, 0}};
  recipe.nice = 3;
  TeamSpec spec = recipe_spec(1);
  spec.worker.nice = 2;
  const RecipeRun ran = run_recipes(std::move(spec), {recipe, bash("nice")});
  CHECK(ran.of(1).kept[0] == "77\n0\n5\n");
  CHECK(ran.of(2).kept[0] == "2\n");
}

TEST_CASE("recipe job: where nothing is to be printed it is only kept") {
  TeamSpec spec = recipe_spec(2);
  spec.worker.prints = false;
  const RecipeRun ran =
      run_recipes(std::move(spec), {bash("echo out; echo err >&2"), bash("exit 3")});
  CHECK(ran.of(1).kept[0] == "out\n");
  CHECK(ran.of(1).kept[1] == "err\n");
  CHECK(ran.of(2).status() == 3);
  CHECK(ran.out.empty());
  CHECK(ran.err.empty());
}

TEST_CASE("recipe job: a plain environment is the caller's, with the job's changes") {
  ::setenv("PARALLEL_SEQ", "outer", 1);
  TeamSpec spec = recipe_spec(1);
  spec.worker.plain_environment = true;
  JobRecipe recipe = bash("env | grep -E '^(PARALLEL|OWN)' | sort; pwd");
  recipe.environment = {"OWN=1"};
  recipe.folder = "/";
  const RecipeRun ran = run_recipes(std::move(spec), {recipe});
  ::unsetenv("PARALLEL_SEQ");
  CHECK(ran.of(1).kept[0] == "OWN=1\nPARALLEL_SEQ=outer\n/\n");
}
