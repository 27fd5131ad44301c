// enjoin::ipc::RobustMutex for queue_pool_plain: a futex lock without owner, list or count, as it
// would be if nobody ever died. Linked instead of ipc/robust_mutex.cc.
#include <unistd.h>

#include <linux/futex.h>
#include <sys/syscall.h>

#include "ipc/robust_mutex.h"

namespace enjoin::ipc {

// 0: free, 1: held, 2: held, and somebody waits.

void RobustMutex::initialise(LockStorage& storage) noexcept {
  storage.word.store(0, std::memory_order_release);
}

LockAnswer RobustMutex::try_acquire() noexcept {
  std::uint32_t free = 0;
  return storage_->word.compare_exchange_strong(free, 1, std::memory_order_acquire)
             ? LockAnswer::kOk
             : LockAnswer::kBusy;
}

LockAnswer RobustMutex::acquire() noexcept {
  if (try_acquire() == LockAnswer::kOk) return LockAnswer::kOk;
  while (storage_->word.exchange(2, std::memory_order_acquire) != 0) {
    ::syscall(SYS_futex, &storage_->word, FUTEX_WAIT, 2, nullptr, nullptr, 0);
  }
  return LockAnswer::kOk;
}

LockAnswer RobustMutex::acquire_for(std::chrono::nanoseconds) noexcept {
  return acquire();
}

void RobustMutex::unlock() noexcept {
  if (storage_->word.exchange(0, std::memory_order_release) != 2) return;
  ::syscall(SYS_futex, &storage_->word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
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
