#pragma once

// A live team whose shared memory is written to by the test, as a wild worker would.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/team_run.h"

namespace enjoin::test {

struct Scribbled {
  bool ordered = false;
  std::vector<JobResult> results;
  std::string out;
  TeamCounters counters;
  std::vector<std::string> said;
  long noticed_ms = -1;  ///< from the scribble until something was done about it
};

/// Prints some lines that name it; some of these jobs print much, some wait a little.
Job talking_job(std::uint64_t seq);
/// What talking_job(seq) prints.
std::string talk_of(std::uint64_t seq);

/// Runs `jobs` talking jobs on three workers; calls `scribble` once, when `after` results are
/// there.
Scribbled scribble_once(bool ordered, std::size_t jobs, std::size_t after,
                        const std::function<void(LocalTeam&)>& scribble);
/// The same; `each_turn` is called all the time.
Scribbled scribble_often(bool ordered, std::size_t jobs,
                         const std::function<void(LocalTeam&, std::size_t results)>& each_turn);

/// Random bytes over all that a worker can write.
void scribble_everywhere(const ipc::TeamMemory& memory, std::uint64_t seed);
/// Random bytes in `size` bytes from `at` on, or a bit, or zeros, or ones: as the seed says.
void scribble_at(void* at, std::size_t size, std::uint64_t seed);

/// Each job has one result, and no process is left.
void check_once(const Scribbled& run, std::size_t jobs);
/// The output is that of all jobs, whole, in order where it is ordered.
void check_whole_output(const Scribbled& run);
/// Each successful job's output is there; nothing is there that no job wrote. Says how many came
/// twice, which may be where the words that say what was printed are destroyed (and memory was made
/// anew).
std::size_t check_no_false_output(const Scribbled& run);

}  // namespace enjoin::test
