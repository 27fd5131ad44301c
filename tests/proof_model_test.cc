// The protocol's model (support/model.h), explored as far as memory goes: two workers, three jobs,
// a worker that dies anywhere; and every mutant of it, each of which must be found.
//
//   ENJOIN_MODEL=all    by hand: two deaths, and every store told apart (10 GB, half an hour)

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/model.h"

using namespace enjoin::test;
using model::Mutant;

namespace {

std::string name_of(const model::Options& options) {
  return std::to_string(options.jobs) + " jobs, " + std::to_string(options.deaths) + " deaths, " +
         (options.ordered ? "-k" : "unordered") + (options.requeue ? ", requeue" : ", fail") +
         (options.every_store ? ", every store" : "");
}

void explore_whole(const model::Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  const model::Report report = model::explore(options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  for (const std::string& line : report.trace) MESSAGE(line);
  CHECK_MESSAGE(report.violation == "", name_of(options));
  std::printf("| %s | %zu | %zu | %zu | %.1f |\n", name_of(options).c_str(), report.states,
              report.transitions, report.depth, seconds.count());
}

}  // namespace

TEST_CASE("model: three jobs: each is recorded once and printed once, and every run can end") {
  std::printf("| model | states | transitions | depth | seconds |\n|---|---|---|---|---|\n");
  for (const bool ordered : {false, true}) explore_whole({.ordered = ordered, .deaths = 0});
  // Here only one of three writes: which one makes a difference.
  explore_whole({.without_process = 6});
  explore_whole({.without_process = 3});
  explore_whole({.ordered = true, .jobs = 2});
  explore_whole({.ordered = true, .requeue = true, .jobs = 2});
  const char* const all = std::getenv("ENJOIN_MODEL");
  if (all == nullptr || std::string(all) != "all") return;
  for (const bool ordered : {false, true}) {
    for (const bool requeue : {false, true}) {
      explore_whole({.ordered = ordered, .requeue = requeue});
      explore_whole({.ordered = ordered, .requeue = requeue, .deaths = 2, .jobs = 2});
      explore_whole({.ordered = ordered, .requeue = requeue, .jobs = 2, .every_store = true});
    }
  }
}

TEST_CASE("model: every ordering and repair that is switched off is found") {
  std::printf("| mutant | found | steps | states |\n|---|---|---|---|\n");
  for (unsigned number = 1; number < model::kMutants; ++number) {
    const auto mutant = static_cast<Mutant>(number);
    model::Report report;
    // The smallest that shows it.
    const model::Options tries[] = {{.jobs = 2, .mutant = mutant},
                                    {.ordered = true, .jobs = 2, .mutant = mutant},
                                    {.deaths = 0, .without_process = 3, .mutant = mutant},
                                    {.without_process = 6, .mutant = mutant},
                                    {.mutant = mutant}};
    for (const model::Options& options : tries) {
      report = model::explore(options);
      if (!report.violation.empty()) break;
    }
    CHECK_MESSAGE(report.violation != "", model::name_of(mutant));
    std::printf("| %s | %s | %zu | %zu |\n", model::name_of(mutant), report.violation.c_str(),
                report.trace.size(), report.states);
  }
}
