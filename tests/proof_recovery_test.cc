// Seeded scribbles over the memory of a live team, many in each run: whatever is written where,
// each job has one result, each successful job's output is there, and nothing that no job wrote.
//
// ENJOIN_SCRIBBLES=n: so many instead of 60. ENJOIN_SEED=n: the first seed.

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ipc/seal.h"
#include "support/scribble.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct Place {
  void* at;
  std::size_t size;
};

// A field, a slot's word, an entry, a worker's block, or any 64 bytes.
Place place_for(const ipc::TeamMemory& memory, std::uint64_t seed) {
  ipc::ControlHeader& c = memory.control();
  const Place fields[] = {
      {&c.header, sizeof c.header},
      {&c.claim_lock, sizeof c.claim_lock},
      {&c.claim_lock.word, sizeof c.claim_lock.word},
      {&c.head, sizeof c.head},
      {&c.idle, 64},
      {&c.supervisor_waits, sizeof c.supervisor_waits},
      {&c.output_error, sizeof c.output_error},
      {&c.print_lock, sizeof c.print_lock},
      {&c.print_lock.word, sizeof c.print_lock.word},
      {&c.print_next, sizeof c.print_next},
      {&c.print_end, sizeof c.print_end},
      {&c.baton, sizeof c.baton},
      {&c.spool_end, sizeof c.spool_end},
      {&c.printing, sizeof c.printing},
      {&c.printed, sizeof c.printed},
      {&c.print_limit, sizeof c.print_limit},
  };
  const std::uint64_t choice = ipc::mix(seed, 77) % 22;
  if (choice < std::size(fields)) return fields[choice];
  const std::uint64_t near = memory.table().tail.load() - ipc::mix(seed, 78) % 8;
  const std::uint64_t next = c.print_next.load() + ipc::mix(seed, 79) % 6;
  if (choice < 18) return {&memory.state(near), sizeof(ipc::AtomicU64)};
  if (choice < 20) return {&memory.entry(next), sizeof(ipc::PrintEntry)};
  if (choice < 21) return {&memory.block(0), 64};
  return {&c, sizeof c};
}

}  // namespace

TEST_CASE("scribbles: over random fields, while jobs run") {
  const std::uint64_t wanted = number_from("ENJOIN_SCRIBBLES", 60);
  const std::uint64_t first_seed = number_from("ENJOIN_SEED", 1);
  constexpr std::uint64_t kInOneRun = 4;
  constexpr std::size_t kJobs = 60;
  TeamCounters sum;
  std::uint64_t scribbled = 0;  // a run may end before its last one
  std::uint64_t repeated = 0;
  std::uint64_t lost = 0;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + wanted; seed += kInOneRun) {
    CAPTURE(seed);
    std::uint64_t done = 0;
    const Scribbled run =
        scribble_often(seed % 2 == 0, kJobs, [&](LocalTeam& team, std::size_t results) {
          if (done >= kInOneRun || results < 5 + 12 * done) return;
          const Place place = place_for(team.memory_for_test(), seed + done);
          scribble_at(place.at, place.size, seed + done);
          ++done;
        });
    CHECK(done > 0);
    scribbled += done;
    check_once(run, kJobs);
    repeated += check_no_false_output(run);
    for (const JobResult& result : run.results) {
      lost += std::holds_alternative<Lost>(result.outcome) ? 1U : 0U;
      failed += succeeded(result.outcome) ? 0U : 1U;
    }
    sum.rebuilds += run.counters.rebuilds;
    sum.worker_deaths += run.counters.worker_deaths;
    sum.requeued += run.counters.requeued;
    sum.stalled_killed += run.counters.stalled_killed;
  }
  MESSAGE(scribbled << " scribbles, seeds from " << first_seed << ": " << sum.rebuilds
                    << " times memory was made anew, " << sum.requeued << " jobs put back, "
                    << sum.worker_deaths << " workers died, " << sum.stalled_killed
                    << " were killed for a lock, " << lost << " jobs lost, " << failed
                    << " not successful, of " << (wanted + 3) / 4 * kJobs << "; " << repeated
                    << " outputs came twice; hangs 0, recorded twice 0");
}
