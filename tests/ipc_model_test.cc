// The protocol's model, small enough for every build; proof_model_test.cc explores the larger ones.

#include <string>

#include <doctest/doctest.h>

#include "support/model.h"

using namespace enjoin::test;

TEST_CASE("model: two jobs and a worker that dies anywhere: each is recorded and printed once") {
  const model::Report report = model::explore({.jobs = 2});
  for (const std::string& line : report.trace) MESSAGE(line);
  CHECK(report.violation == "");
  CHECK(report.states > 100'000);
  MESSAGE(report.states << " states, " << report.depth << " deep");
}

TEST_CASE("model: what is found is told by the shortest way to it") {
  const model::Report report = model::explore({.mutant = model::Mutant::kHeadBeforeMark});
  CHECK(report.violation == "a ready slot lies below head");
  REQUIRE_FALSE(report.trace.empty());
  CHECK(report.trace.back() == "worker 0 dies before kClaimMark");
}
