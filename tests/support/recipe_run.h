#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdlib.h>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/folder.h"
#include "support/team_run.h"
#include "worker/job_recipe.h"

namespace enjoin::test {

inline TeamSpec recipe_spec(std::uint32_t workers) {
  TeamSpec spec = line_spec(workers);
  spec.worker.recipes = true;
  spec.keeps_output = true;
  return spec;
}

/// A line of bash, as pipelines run it.
inline JobRecipe bash(const std::string& line) {
  JobRecipe recipe;
  recipe.label = "stage[item]";
  recipe.shell = {"bash", "-euo", "pipefail"};
  recipe.line = line;
  return recipe;
}

inline JobRecipe words(const std::vector<std::string>& argv) {
  JobRecipe recipe;
  recipe.label = "stage[item]";
  recipe.argv = argv;
  return recipe;
}

inline std::vector<Job> recipe_jobs(const std::vector<JobRecipe>& recipes) {
  std::vector<Job> jobs;
  for (const JobRecipe& recipe : recipes) {
    Job job;
    job.id.seq = jobs.size() + 1;
    job.order = jobs.size();
    job.inputs = pack(recipe);
    jobs.push_back(job);
  }
  return jobs;
}

/// A result, and what was kept of its output.
struct KeptResult {
  JobResult result;
  std::string kept[2];

  int status() const {
    const auto* const exited = std::get_if<Exited>(&result.outcome);
    return exited != nullptr ? exited->status : -1;
  }
};

inline std::string read_kept(const LocalTeam::KeptStream& place) {
  std::string text(static_cast<std::size_t>(place.length), '\0');
  if (text.empty()) return text;
  REQUIRE(::pread(place.fd, text.data(), text.size(), place.begin) == place.length);
  return text;
}

struct RecipeRun {
  std::vector<KeptResult> results;  ///< in the order of ends
  std::string out, err;

  const KeptResult& of(std::uint64_t seq) const {
    const auto is_it = [seq](const KeptResult& kept) { return kept.result.job.id.seq == seq; };
    REQUIRE(std::count_if(results.begin(), results.end(), is_it) == 1);
    return *std::find_if(results.begin(), results.end(), is_it);
  }
};

/// Runs the jobs to their ends, with `each_turn` called in between.
template <typename EachTurn>
RecipeRun run_recipes(TeamSpec spec, std::vector<Job> jobs, EachTurn&& each_turn) {
  RecipeRun ran;
  StdoutFile files;
  {
    LocalTeam team(std::move(spec));
    std::size_t started = 0;
    while (true) {
      team.collect([&](JobResult& result) {
        const LocalTeam::KeptPlaces places = team.kept_output(result);
        ran.results.push_back({result, {read_kept(places.stream[0]), read_kept(places.stream[1])}});
      });
      while (started < jobs.size() && team.room() > 0) team.start(std::move(jobs[started++]));
      each_turn(team);
      if (started == jobs.size() && team.unfinished() == 0) break;
      if (team.room() == 0 || started == jobs.size()) team.wait({}, std::chrono::milliseconds(20));
    }
  }
  ran.out = files.text(0);
  ran.err = files.text(1);
  return ran;
}

inline RecipeRun run_recipes(TeamSpec spec, const std::vector<JobRecipe>& recipes) {
  return run_recipes(std::move(spec), recipe_jobs(recipes), [](LocalTeam&) {});
}

}  // namespace enjoin::test
