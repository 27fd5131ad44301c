// Workers are killed while they wait for descriptors, have them, or run jobs that do.

#include <cerrno>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/recipe_run.h"
#include "worker/process_tree.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  REQUIRE(folder != nullptr);
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

JobRecipe writes_to_pipe() {
  JobRecipe recipe = words({"echo", "said"});
  recipe.descriptors = {1};
  return recipe;
}

/// What each job was given, attempt after attempt.
struct Pipes {
  std::vector<ipc::UniqueFd> readers;

  JobDescriptors give() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    readers.emplace_back(ends[0]);
    JobDescriptors given;
    given.add(ipc::UniqueFd(ends[1]));
    return given;
  }
  // How often the text came, where each pipe is at its end.
  std::size_t count_said() const {
    std::size_t said = 0;
    for (const ipc::UniqueFd& reader : readers) {
      char bytes[64];
      const ssize_t got = ::read(reader.get(), bytes, sizeof bytes);
      REQUIRE(got >= 0);  // nobody holds its other end
      if (got == 0) continue;
      CHECK(std::string(bytes, static_cast<std::size_t>(got)) == "said\n");
      CHECK(::read(reader.get(), bytes, sizeof bytes) == 0);
      ++said;
    }
    return said;
  }
};

void kill_workers() {
  for (const pid_t worker : team_workers()) ::kill(worker, SIGKILL);
}

}  // namespace

TEST_CASE(
    "job descriptors: a worker that dies before its answer costs one attempt, no descriptor") {
  for (const WorkerLoss loss : {WorkerLoss::kFail, WorkerLoss::kRequeue}) {
    Pipes pipes;
    TeamSpec spec = recipe_spec(1);
    spec.worker_loss = loss;
    bool told = false;
    const auto provider = [&](const Job&) {
      if (pipes.readers.empty()) kill_workers();  // it waits for this
      return pipes.give();
    };
    const RecipeRun ran =
        run_recipes(std::move(spec), recipe_jobs({writes_to_pipe()}), [&](LocalTeam& team) {
          if (!std::exchange(told, true)) team.give_descriptors(provider);
        });
    const bool again = loss == WorkerLoss::kRequeue;
    CHECK(
        (again ? ran.of(1).status() == 0 : std::holds_alternative<Lost>(ran.of(1).result.outcome)));
    CHECK(pipes.readers.size() == (again ? 2 : 1));
    CHECK(pipes.count_said() == (again ? 1 : 0));
    CHECK(list_children().empty());
  }
}

TEST_CASE("job descriptors: whenever workers are killed, each pipe comes to its end") {
  const std::size_t before = open_descriptors();
  {
    Pipes pipes;
    int turns = 0;
    bool told = false;
    std::vector<JobRecipe> recipes(100, writes_to_pipe());
    const auto provider = [&](const Job&) {
      if (++turns % 13 == 0) kill_workers();
      return pipes.give();
    };
    std::size_t kills = 0;
    const RecipeRun ran = run_recipes(recipe_spec(3), recipe_jobs(recipes), [&](LocalTeam& team) {
      if (!std::exchange(told, true)) team.give_descriptors(provider);
      if (turns % 5 == 0 && kills < 6) {
        ++kills;
        kill_workers();
      }
    });
    REQUIRE(ran.results.size() == 100);
    std::size_t well = 0;
    for (const KeptResult& result : ran.results) {
      const bool lost = std::holds_alternative<Lost>(result.result.outcome);
      CHECK((lost || result.status() == 0));
      if (!lost) ++well;
    }
    CHECK(pipes.count_said() >= well);
    CHECK(list_children().empty());
  }
  CHECK(open_descriptors() == before);
}
