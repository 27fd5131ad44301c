#pragma once

#include <chrono>
#include <cstdint>

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
/// ever (1.74), or makes it unusable for ever (from 1.78; interprocess issue 187).
///
/// Rules: never held across anything that blocks, allocates, logs, throws or calls user code; never
/// unmapped while held; never taken in a child made by clone() without exec.
class RobustMutex {
 public:
  explicit RobustMutex(LockStorage& storage) noexcept : mutex_(&storage.mutex) {}

  /// Once, by the creator, before anyone else can see the bytes. Throws Error.
  static void initialise(LockStorage& storage);

  /// Waits for the lock without a limit: for workers. The supervisor, which trusts nothing in
  /// shared memory, uses acquire_for.
  LockAnswer acquire() noexcept;
  /// Waits at most `limit` on the monotonic clock: a stopped holder is not dead, and a damaged lock
  /// word would hang for ever.
  LockAnswer acquire_for(std::chrono::nanoseconds limit) noexcept;
  LockAnswer try_acquire() noexcept;
  void unlock() noexcept;

  // Boost's Lockable. lock() aborts on a broken lock; owner_died() says what the last lock found.
  void lock() noexcept;
  bool try_lock() noexcept;
  bool owner_died() const noexcept { return owner_died_; }

 private:
  LockAnswer answer(int error) noexcept;

  pthread_mutex_t* mutex_;
  bool owner_died_ = false;
};

}  // namespace enjoin::ipc
