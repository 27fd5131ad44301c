// The n-th system call that can fail, fails: for every n, role and error. CI tries a part of them.
//
// ENJOIN_FAULTS=all tries all (an hour). ENJOIN_FAULTS='SHAPE ROLE CLASS N' repeats one; each of
// them may be `*`. N+ is "the N-th and all that follow", /K every K-th.

#include <doctest/doctest.h>

#include "support/fault_sweep.h"

TEST_CASE("faults: whichever system call fails, the run ends, and tells the truth") {
  enjoin::test::sweep(
      {"plain", "ordered", "lines", "results", "tagged", "ungrouped", "capped", "rerun"}, 61);
}
