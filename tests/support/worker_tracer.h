#pragma once

// Watches a real worker of a real team, and stops it at each moment that matters.
//
// The team runs in a child of the test; it, its keeper and its workers are traced from their birth.
// One worker is the victim: the pages that it shares are made read-only to it, so that each of its
// instructions that changes them stops it just before. Such an instruction is then run by itself.
// While the worker holds a lock, or is about to take or give one back, all its instructions are
// run one by one. It also stops at its system calls. In between it runs at full speed.
//
// Only for x86-64. Workers are closed to other processes of their user (PR_SET_DUMPABLE), so this
// needs root.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace enjoin::test {

enum class MomentKind : std::uint8_t {
  kBefore,  ///< an instruction is about to change shared memory
  kStore,   ///< it has
  kLock,    ///< the list of robust locks, on which the kernel acts at a death, has changed
  kCall,    ///< a system call that others may see the effect of has returned
  kBirth,   ///< a job's process was made and has not come to its exec
  kStep,    ///< any other instruction while a lock is held
};

struct Moment {
  MomentKind kind = MomentKind::kStore;
  std::uint64_t place = 0;  ///< of the instruction, in the worker's program
  long call = -1;           ///< number of the system call
  bool holds_lock = false;

  friend bool operator==(const Moment&, const Moment&) = default;
};
std::string to_string(const Moment& moment);

enum class Verdict : std::uint8_t {
  kGoOn,
  kKill,
  kHold,  ///< it stands still until the team's process raises kLetGo
};
/// Raised by the team's own process, for the tracer to hear.
inline constexpr int kLetGo = 28;  // SIGWINCH, which does nothing else

struct TraceSpec {
  unsigned victim = 0;      ///< which worker, in the order of their starts
  bool next_too = false;    ///< once it is dead, the next to be started is the victim
  bool slow_time = false;   ///< workers' clocks stand still but for 1 us at each look
  bool every_step = false;  ///< kStep is told
  std::chrono::seconds patience{30};
  std::function<Verdict(const Moment&)> at;
};

struct TracedRun {
  enum class End : std::uint8_t { kEnded, kHang, kForbidden };
  End end = End::kEnded;
  int status = 0;  ///< wait status of the team's process
  unsigned kills = 0;
  std::size_t moments = 0;
  std::size_t instructions = 0;  ///< that were run one by one
  bool left_processes = false;   ///< something outlived the team
};

/// Runs `body` in a child and traces it. All that comes of it is gone when this returns.
TracedRun trace_team(const TraceSpec& spec, const std::function<void()>& body);

}  // namespace enjoin::test
