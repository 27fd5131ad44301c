#pragma once

// SKETCH (its owner completes it): the agreement is what is written here.
//
//   #include <enjoin/pool.h>
//   int square(int x) { return x * x; }
//   ENJOIN_FUNCTION(square)                       // at namespace scope: gives it an id
//
//   int main(int argc, char** argv) {
//     enjoin::worker_main(argc, argv);            // first: workers are this program, run again
//     enjoin::Pool pool({.workers = enjoin::Workers::kProcesses, .size = 4});
//     enjoin::Future<int> f = pool.submit(square, 5);
//     f.get();
//     std::vector<int> all = pool.map(square, std::vector{1, 2, 3});
//     for (int y : pool.imap(square, inputs)) …            // in order
//     for (auto& [index, y] : pool.imap_unordered(square, inputs)) …
//     long sum = pool.reduce(plus, square, inputs, 0L);
//   }
//
// Without the macro: pool.submit<square>(5), pool.map<square>(inputs): the template registers it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "enjoin/api.h"
#include "enjoin/archive.h"
#include "enjoin/future.h"

namespace enjoin {

/// One word apart: what the workers of a pool are.
enum class Workers : std::uint8_t {
  kProcesses,  ///< for work on the CPU, and for work that may crash
  kThreads,    ///< for work that waits (files, network): cheaper, not protected from each other
};

/// How worker processes come to be.
enum class Start : std::uint8_t {
  kExec,  ///< the host's program run again, through worker_main(): always safe
  kFork,  ///< copies of the host as it is when the Pool is made: safe only while it has one thread
};

/// What becomes of a job whose worker died in it.
enum class OnDeath : std::uint8_t { kFail, kRetry };

namespace shared {
class Memory;
}

struct PoolOptions {
  Workers workers = Workers::kProcesses;
  std::uint32_t size = 0;  ///< workers; 0: as many as CPUs
  Start start = Start::kExec;
  OnDeath on_death = OnDeath::kFail;
  std::uint32_t most_attempts = 3;         ///< with kRetry: deaths that one job may cause
  std::chrono::nanoseconds timeout{0};     ///< of one job; its worker is killed. 0: none
  std::uint64_t jobs_per_worker = 0;       ///< then it is replaced; 0: never
  std::uint64_t growth_per_worker = 0;     ///< bytes of memory more than at its first job; 0: never
  std::chrono::nanoseconds worker_age{0};  ///< 0: never
  /// Objects in it (enjoin/shared.h) may be arguments and results. The caller's; outlives the pool.
  shared::Memory* shared = nullptr;
  std::string worker_program = {};  ///< instead of the host's own (a pool in a plug-in)
};

/// To be called first in main, with its arguments: does not return in a worker of a Pool.
ENJOIN_API void worker_main(int argc, char** argv);

}  // namespace enjoin
