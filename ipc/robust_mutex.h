#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

#include "ipc/layout.h"

namespace enjoin::ipc {

enum class [[nodiscard]] LockAnswer : std::uint8_t{
    kOk,
    kOwnerDied,  ///< held now; the last owner died with it: repair, then unlock as ever
    kBusy,       ///< not held: the time is over, or try_lock found it taken
    kBroken,     ///< not held, and never will be: the lock's bytes are damaged
};

/// The only lock of this project: process-shared, robust, not recursive. A view on bytes in a
/// segment; each process makes its own view. It models Boost's Lockable, so
/// boost::interprocess::scoped_lock takes it.
///
/// Boost's own mutex is not used because a process killed while it holds one blocks all others for
/// ever (1.74), or makes it unusable for ever (from 1.78; interprocess issue 187). The C library's
/// robust mutex is not used because it believes what lies in shared memory: with other bytes in it,
/// it hangs, aborts, or writes to an address that it read there. Here damage is at worst a lock
/// that cannot be had, or one that two have at once.
///
/// Rules: never held across anything that blocks, allocates, logs, throws or calls user code; never
/// unmapped while held; never taken in a child made by clone() without exec.
class RobustMutex {
 public:
  explicit RobustMutex(LockStorage& storage) noexcept : storage_(&storage) {}

  /// Once, by the creator, before anyone else can see the bytes.
  static void initialise(LockStorage& storage) noexcept;

  /// Waits for the lock without a limit: for workers. The supervisor, which trusts nothing in
  /// shared memory, uses acquire_for.
  LockAnswer acquire() noexcept;
  /// Waits at most `limit` on the monotonic clock: a stopped holder is not dead, and a damaged lock
  /// word would hang for ever.
  LockAnswer acquire_for(std::chrono::nanoseconds limit) noexcept;
  LockAnswer try_acquire() noexcept;
  /// Waits, and asks `patient()` ten times a second; kBusy where it says no.
  template <typename Patient>
  LockAnswer acquire_while(Patient&& patient) noexcept {
    LockAnswer got = try_acquire();
    while (got == LockAnswer::kBusy && patient()) got = acquire_for(std::chrono::milliseconds(100));
    return got;
  }
  void unlock() noexcept;

  // Boost's Lockable. lock() aborts on a broken lock; owner_died() says what the last lock found.
  void lock() noexcept;
  bool try_lock() noexcept;
  bool owner_died() const noexcept { return owner_died_; }
  /// How often this view got the lock from a dead owner.
  std::uint64_t deaths_met() const noexcept { return deaths_met_; }
  /// Who holds it, as far as its bytes can be believed: the kernel's number of a thread (that of
  /// the process, where it has one thread); 0: nobody.
  std::uint32_t owner() const noexcept;

 private:
  LockAnswer take(const timespec* until) noexcept;

  LockStorage* storage_;
  bool owner_died_ = false;
  std::uint64_t deaths_met_ = 0;
};

}  // namespace enjoin::ipc
