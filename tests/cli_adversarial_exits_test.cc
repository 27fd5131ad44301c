// Jobs that end in every way there is, between innocent ones: rows 1 to 3 and 41 of the table in
// docs/reliability.md.

#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/neighbours.h"

using namespace enjoin::test;

namespace {

constexpr Street kStreets[] = {Street::kPlain, Street::kOrdered, Street::kPiped};

}  // namespace

TEST_CASE("adversarial 1: each exit status is recorded, and wraps at 256") {
  const Sandbox box;
  for (const Street street : kStreets) {
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"exit 0", "exit 1", "exit 255", "exit 256", "exit 257", "exit -1"},
              .street = street});
    CHECK_MESSAGE(run.holds(), run.report());
    const int wanted[] = {0, 1, 255, 0, 1, 255};
    for (std::size_t i = 0; i < 6; ++i) CHECK(run.hostile[i].exit == wanted[i]);
  }
}
