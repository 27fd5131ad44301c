#include "ipc/robust_mutex.h"

#include <cerrno>
#include <ctime>

#include "enjoin/error.h"
#include "ipc/check.h"

namespace enjoin::ipc {

void RobustMutex::initialise(LockStorage& storage) {
  pthread_mutexattr_t attributes;
  int error = pthread_mutexattr_init(&attributes);
  if (error == 0) error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (error == 0) error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  if (error == 0) error = pthread_mutex_init(&storage.mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  if (error != 0) throw system_error("cannot make a robust lock", error);
}

// Invariants under our locks hold after every prefix of every critical section (fill first, publish
// last), so the lock itself is consistent at once; the caller still learns that its owner died.
LockAnswer RobustMutex::answer(int error) noexcept {
  owner_died_ = false;
  switch (error) {
    case 0:
      return LockAnswer::kOk;
    case EOWNERDEAD:
      owner_died_ = true;
      pthread_mutex_consistent(mutex_);
      return LockAnswer::kOwnerDied;
    case EBUSY:
    case ETIMEDOUT:
      return LockAnswer::kBusy;
    default:
      return LockAnswer::kBroken;
  }
}

// Not pthread_mutex_lock: unlocking wakes one waiter, and where that one is killed before it takes
// the lock while a third passes by and takes it, nobody wakes the next waiter (the kernel does so
// only where it finds the lock free). Whoever waits therefore looks again by itself.
LockAnswer RobustMutex::acquire() noexcept {
  for (;;) {
    const LockAnswer got = acquire_for(std::chrono::milliseconds(100));
    if (got != LockAnswer::kBusy) return got;
  }
}

LockAnswer RobustMutex::acquire_for(std::chrono::nanoseconds limit) noexcept {
  const int first = pthread_mutex_trylock(mutex_);
  if (first != EBUSY) return answer(first);
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  const std::int64_t total = until.tv_nsec + limit.count();
  until.tv_sec += total / 1'000'000'000;
  until.tv_nsec = total % 1'000'000'000;
  return answer(pthread_mutex_clocklock(mutex_, CLOCK_MONOTONIC, &until));
}

LockAnswer RobustMutex::try_acquire() noexcept {
  return answer(pthread_mutex_trylock(mutex_));
}

void RobustMutex::unlock() noexcept {
  const int error = pthread_mutex_unlock(mutex_);
  ENJOIN_CHECK(error == 0, error, 0);
}

void RobustMutex::lock() noexcept {
  const LockAnswer got = acquire();
  ENJOIN_CHECK(got == LockAnswer::kOk || got == LockAnswer::kOwnerDied, got, 0);
}

bool RobustMutex::try_lock() noexcept {
  const LockAnswer got = try_acquire();
  return got == LockAnswer::kOk || got == LockAnswer::kOwnerDied;
}

}  // namespace enjoin::ipc
