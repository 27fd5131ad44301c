#pragma once

#include <cstdint>

namespace enjoin {

/// What went wrong below a team and was put right, since its start.
struct TeamCounters {
  std::uint64_t worker_deaths = 0;   ///< workers that ended otherwise than by leaving
  std::uint64_t requeued = 0;        ///< jobs claimed by a worker that died, and given back
  std::uint64_t lost = 0;            ///< jobs that had started when their worker died
  std::uint64_t rerun = 0;           ///< of these, started again (--worker-loss requeue)
  std::uint64_t locks_healed = 0;    ///< dead owners of locks that the supervisor met
  std::uint64_t rebuilds = 0;        ///< shared memory was damaged and made anew
  std::uint64_t shrunk = 0;          ///< workers that left because no process could be started
  std::uint64_t woken = 0;           ///< workers that slept on while a job waited: a lost wake-up
  std::uint64_t stalled_killed = 0;  ///< workers that held a lock and did not move
};

}  // namespace enjoin
