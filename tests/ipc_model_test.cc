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
  const model::Report report =
      model::explore({.jobs = 2, .mutant = model::Mutant::kPrintingClearedFirst});
  CHECK(report.violation == "an output is printed twice");
  bool dies = false;
  for (const std::string& step : report.trace) {
    dies |= step.find("dies before kFinishNext") != std::string::npos;
  }
  CHECK(dies);
}
