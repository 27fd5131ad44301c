// A blocking round trip by enjoin's own means: the supervisor publishes a job and sleeps, a worker
// wakes, claims it, records the result and sleeps, the supervisor wakes and takes the record. What
// pingpong.cc does with nothing but the two wake-ups.
//
//   roundtrip one|two ROUNDS     one: both on one core; two: each on its own
//
// Prints wall and CPU nanoseconds a round trip (CPU of both processes together) as JSON.
#include <cstdlib>
#include <cstring>

#include "bench/echo_team.h"
#include "bench/pin.h"

int main(int argc, char** argv) {
  const std::uint64_t rounds = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (rounds == 0) {
    std::fputs("usage: roundtrip one|two ROUNDS\n", stderr);
    return 2;
  }
  const bool two_cores = std::strcmp(argv[1], "two") == 0;
  bench::EchoTeam team(1, 64, 16);
  team.start([&](std::uint32_t) { bench::pin_to(two_cores ? 1 : 0); });
  bench::pin_to(0);
  const double cpu_before = bench::cpu_ns(RUSAGE_SELF);
  const std::uint64_t start = bench::monotonic_ns();
  for (std::uint64_t i = 0; i < rounds; ++i) {
    if (!team.try_submit(i, bench::monotonic_ns())) std::abort();
    team.wake(1);
    while (team.take([](std::uint64_t) {}) == 0) team.wait_for_result();
  }
  const auto wall_ns = static_cast<double>(bench::monotonic_ns() - start);
  const double own_cpu_ns = bench::cpu_ns(RUSAGE_SELF) - cpu_before;
  team.finish();
  const double cpu_ns = own_cpu_ns + bench::cpu_ns(RUSAGE_CHILDREN);
  const auto count = static_cast<double>(rounds);
  std::printf("{\"wall_ns\": %.1f, \"cpu_ns\": %.1f}\n", wall_ns / count, cpu_ns / count);
}
