#include "ipc/robust_mutex.h"

#include <cerrno>
#include <ctime>
#include <unistd.h>

#include <linux/futex.h>
#include <sys/syscall.h>

#include "ipc/check.h"
#include "ipc/held_locks.h"

namespace enjoin::ipc {
namespace {

constexpr std::uint32_t kWaiters = FUTEX_WAITERS;
constexpr std::uint32_t kDied = FUTEX_OWNER_DIED;
constexpr std::uint32_t kOwner = FUTEX_TID_MASK;

// Sleeps while the word is `seen`, at most until a time of the monotonic clock. 0 or errno. Shared
// (no FUTEX_PRIVATE_FLAG): who wakes us is another process.
int wait_on(AtomicU32& word, std::uint32_t seen, const timespec& until) {
  const long done =
      ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, seen, &until, nullptr, ~std::uint32_t{0});
  return done == 0 ? 0 : errno;
}

}  // namespace

void RobustMutex::initialise(LockStorage& storage) noexcept {
  storage.next = nullptr;
  storage.word.store(0, std::memory_order_release);
}

// Invariants under our locks hold after every prefix of every critical section (fill first, publish
// last), so there is nothing to repair; the caller still learns that the owner died.
LockAnswer RobustMutex::take(const timespec* until) noexcept {
  HeldLocks& held = HeldLocks::of_thread();
  AtomicU32& word = storage_->word;
  LockAnswer got = LockAnswer::kBusy;
  std::uint32_t waited = 0;  // who has waited cannot know whether others still do
  held.begin(*storage_);
  std::uint32_t seen = word.load(std::memory_order_relaxed);
  for (;;) {
    const bool died = (seen & kDied) != 0;
    if ((seen & kOwner) == 0) {
      const std::uint32_t mine = held.thread_id() | (seen & kWaiters) | waited;
      if (!word.compare_exchange_weak(seen, mine, std::memory_order_acquire)) continue;
      got = died ? LockAnswer::kOwnerDied : LockAnswer::kOk;
      break;
    }
    if (died) {  // the kernel takes the owner out where it sets this bit
      got = LockAnswer::kBroken;
      break;
    }
    if (until == nullptr) break;
    if ((seen & kWaiters) == 0) {
      if (!word.compare_exchange_weak(seen, seen | kWaiters, std::memory_order_relaxed)) continue;
      seen |= kWaiters;
    }
    const int error = wait_on(word, seen, *until);
    if (error == ETIMEDOUT) break;
    waited = kWaiters;
    seen = word.load(std::memory_order_relaxed);
  }
  owner_died_ = got == LockAnswer::kOwnerDied;
  if (owner_died_) ++deaths_met_;
  if (owner_died_ || got == LockAnswer::kOk) {
    held.add(*storage_);
    storage_->taken.store(storage_->taken.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
  }
  held.end();
  return got;
}

// Without a limit, but in steps: unlocking wakes one waiter, and where that one is killed before it
// takes the lock while a third passes by and takes it, nobody wakes the next waiter (the kernel
// does so only where it finds the lock free). Whoever waits therefore looks again by itself.
LockAnswer RobustMutex::acquire() noexcept {
  for (;;) {
    const LockAnswer got = acquire_for(std::chrono::milliseconds(100));
    if (got != LockAnswer::kBusy) return got;
  }
}

LockAnswer RobustMutex::acquire_for(std::chrono::nanoseconds limit) noexcept {
  const LockAnswer first = try_acquire();
  if (first != LockAnswer::kBusy) return first;
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  const std::int64_t total = until.tv_nsec + limit.count();
  until.tv_sec += total / 1'000'000'000;
  until.tv_nsec = total % 1'000'000'000;
  return take(&until);
}

LockAnswer RobustMutex::try_acquire() noexcept {
  return take(nullptr);
}

// A word that does not name us any more was damaged: it is left as it is, for whoever looks for
// damage to see.
void RobustMutex::unlock() noexcept {
  HeldLocks& held = HeldLocks::of_thread();
  AtomicU32& word = storage_->word;
  held.begin(*storage_);
  held.remove(*storage_);
  std::uint32_t seen = word.load(std::memory_order_relaxed);
  while ((seen & kOwner) == held.thread_id()) {
    if (!word.compare_exchange_weak(seen, 0, std::memory_order_release)) continue;
    if ((seen & kWaiters) != 0) ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    break;
  }
  held.end();
}

void RobustMutex::lock() noexcept {
  const LockAnswer got = acquire();
  ENJOIN_CHECK(got == LockAnswer::kOk || got == LockAnswer::kOwnerDied, got, 0);
}

bool RobustMutex::try_lock() noexcept {
  const LockAnswer got = try_acquire();
  return got == LockAnswer::kOk || got == LockAnswer::kOwnerDied;
}

std::uint32_t RobustMutex::owner() const noexcept {
  return storage_->word.load(std::memory_order_relaxed) & kOwner;
}

}  // namespace enjoin::ipc
