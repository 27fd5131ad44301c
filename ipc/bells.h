#pragma once

// Who wakes whom. Wake-ups are hints: whoever wakes looks at the states again, and whoever goes to
// sleep announces it first and looks once more (both sides sequentially consistent), so none is
// missed. A wake-up can be lost with the process that was to get or to give it; after every death
// the supervisor therefore withdraws the dead worker's idle mark and rings all others, each by
// number: the dead may have cleared a mark (ring_one_idle) and not have come to ringing.
//
//   idle worker    sleeps on the futex in its own block, alone: a FUTEX_WAKE(1) on a shared futex
//                  whose receiver is killed would be lost for the others
//   busy worker    polls its socket to the supervisor beside its job
//   supervisor     polls one eventfd for all workers, beside its keeper's socket

#include <cstdint>

#include "ipc/team_memory.h"
#include "ipc/unique_fd.h"

namespace enjoin::ipc {

/// The bells of one team. Views on its memory; any number of them may exist.
class Bells {
 public:
  explicit Bells(const TeamMemory& memory) noexcept : memory_(&memory) {}

  // The worker's side: seen = bell_value(); announce_idle(); look again; wait_for_bell(seen);
  // withdraw_idle().
  std::uint32_t bell_value(std::uint32_t worker) const noexcept;
  void announce_idle(std::uint32_t worker) noexcept;
  void withdraw_idle(std::uint32_t worker) noexcept;
  /// Returns when the bell differs from `seen`, at a signal, or after `limit_ms` (0: no limit).
  void wait_for_bell(std::uint32_t worker, std::uint32_t seen, std::uint32_t limit_ms) noexcept;

  /// Wakes one worker whether it sleeps or not.
  void ring(std::uint32_t worker) noexcept;
  /// Raises the bell without waking: for a signal handler on the worker's own thread.
  static void raise_only(WorkerBlock& block) noexcept;
  /// Wakes one that announced itself idle; false where none did.
  bool ring_one_idle() noexcept;
  bool any_idle() const noexcept;
  bool is_idle(std::uint32_t worker) const noexcept;

  // The supervisor's side: announce_supervisor_waits(); look again; poll; withdraw.
  void announce_supervisor_waits() noexcept;
  void withdraw_supervisor_waits() noexcept;
  /// Any worker: writes `event_fd` if the supervisor sleeps.
  void tell_supervisor(int event_fd) noexcept;

 private:
  const TeamMemory* memory_;
};

/// An eventfd, non-blocking and close-on-exec. Throws Error.
UniqueFd make_event_fd();

}  // namespace enjoin::ipc
