// enjoin's queue as a pool of two worker processes: 64-byte jobs out, 64-byte results back. What
// mq_pool.cc does with Boost's message_queue.
//
//   queue_pool JOBS [SLOTS [CLAIM]]
//
// Prints jobs a second as JSON. Crash-safe as it ships: robust lock, a state word a job with its
// owner, started before it is run, one result record each with its times. CLAIM: how many jobs a
// worker takes at once, at most.
#include <cstdlib>

#include "bench/echo_team.h"

namespace {

constexpr std::uint32_t kWorkers = 2;

std::uint64_t run_jobs(bench::EchoTeam* team, std::uint64_t count) {
  std::uint64_t sent = 0;
  std::uint64_t done = 0;
  std::uint64_t sum = 0;
  while (done < count) {
    const std::uint64_t before = sent;
    const std::uint64_t now = bench::monotonic_ns();
    while (sent < count && team->try_submit(sent, now)) ++sent;
    if (sent != before) team->wake(kWorkers);
    const std::uint64_t taken = team->take([&](std::uint64_t id) { sum += id; });
    done += taken;
    if (taken == 0 && done < count) team->wait_for_result();
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  const std::uint64_t slots = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1024;
  const std::uint64_t claim = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 256;
  if (count == 0 || slots == 0 || claim == 0) {
    std::fputs("usage: queue_pool JOBS [SLOTS [CLAIM]]\n", stderr);
    return 2;
  }
  bench::EchoTeam team(kWorkers, static_cast<std::uint32_t>(slots), claim);
  team.start([](std::uint32_t) {});
  const std::uint64_t start = bench::monotonic_ns();
  const std::uint64_t sum = run_jobs(&team, count);
  const std::uint64_t wall_ns = bench::monotonic_ns() - start;
  team.finish();
  if (sum != count * (count - 1) / 2) {
    std::fputs("queue_pool: a result was lost or came twice\n", stderr);
    return 1;
  }
  const double seconds = static_cast<double>(wall_ns) / 1e9;
  std::printf("{\"jobs_per_second\": %.0f}\n", static_cast<double>(count) / seconds);
}
