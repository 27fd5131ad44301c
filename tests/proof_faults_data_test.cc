// As proof_faults_test.cc, for runs that carry data, calculate, try again or hold a semaphore.

#include <doctest/doctest.h>

#include "support/fault_sweep.h"

TEST_CASE("faults: whichever system call fails, data arrives, or it is told that it did not") {
  enjoin::test::sweep({"pipe", "part", "cat", "fifo", "robin", "perl", "retries", "sem"}, 61);
}
