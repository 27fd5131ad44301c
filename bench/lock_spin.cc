// enjoin::ipc::RobustMutex for queue_pool_spin: the least that can keep two processes apart. Linked
// instead of ipc/robust_mutex.cc.
#include <sched.h>

#include "ipc/robust_mutex.h"

namespace enjoin::ipc {

void RobustMutex::initialise(LockStorage& storage) noexcept {
  storage.word.store(0, std::memory_order_release);
}

LockAnswer RobustMutex::try_acquire() noexcept {
  return storage_->word.exchange(1, std::memory_order_acquire) == 0 ? LockAnswer::kOk
                                                                    : LockAnswer::kBusy;
}

LockAnswer RobustMutex::acquire() noexcept {
  for (unsigned tries = 0; try_acquire() != LockAnswer::kOk; ++tries) {
    // The holder may have been preempted.
    if (tries % 128 == 127) ::sched_yield();
  }
  return LockAnswer::kOk;
}

LockAnswer RobustMutex::acquire_for(std::chrono::nanoseconds) noexcept {
  return acquire();
}

void RobustMutex::unlock() noexcept {
  storage_->word.store(0, std::memory_order_release);
}

void RobustMutex::lock() noexcept {
  static_cast<void>(acquire());
}

bool RobustMutex::try_lock() noexcept {
  return try_acquire() == LockAnswer::kOk;
}

std::uint32_t RobustMutex::owner() const noexcept {
  return 0;
}

}  // namespace enjoin::ipc
