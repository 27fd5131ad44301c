#include "enjoin/shared_lock.h"
#include "ipc/shared/mapped.h"

namespace enjoin::shared {
namespace detail {
namespace {

// A lock's word: the holder's number, and these.
constexpr std::uint32_t kWaiters = 0x80000000;  // somebody may sleep on it
constexpr std::uint32_t kDied = 0x40000000;     // free; its last holder died
constexpr std::uint32_t kHolder = 0xffff;

}  // namespace

Taken take_lock(Mapped& mapped, LockData& lock, const Until& until) {
  const std::uint32_t mine = mapped.self();
  std::uint32_t waited = 0;  // who has waited cannot know whether others still do
  std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  for (;;) {
    if ((seen & kHolder) == 0) {
      const std::uint32_t wanted = mine | (seen & kWaiters) | waited;
      if (!lock.word.compare_exchange_weak(seen, wanted, std::memory_order_acquire)) continue;
      const bool died = (seen & kDied) != 0;
      lock.thread.store(thread_number(), std::memory_order_relaxed);
      lock.after_dead.store(died ? 1 : 0, std::memory_order_relaxed);
      return died ? Taken::kAfterDead : Taken::kYes;
    }
    if (is_past(until)) return Taken::kNo;
    if ((seen & kHolder) == mine &&
        lock.thread.load(std::memory_order_relaxed) == thread_number()) {
      throw Error("a shared lock is locked by the thread that holds it: it would wait for ever");
    }
    if ((seen & kWaiters) == 0) {
      if (!lock.word.compare_exchange_weak(seen, seen | kWaiters, std::memory_order_relaxed)) {
        continue;
      }
      seen |= kWaiters;
    }
    if (!mapped.sleep(lock.word, seen, until)) return Taken::kNo;
    waited = kWaiters;
    seen = lock.word.load(std::memory_order_relaxed);
  }
}

void give_lock(Mapped& mapped, LockData& lock) {
  const std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  if ((seen & kHolder) != mapped.self() ||
      lock.thread.load(std::memory_order_relaxed) != thread_number()) {
    throw Error("a shared lock is unlocked by a thread that does not hold it");
  }
  lock.thread.store(0, std::memory_order_relaxed);
  // Who is killed between these two wakes nobody; waiters look again by themselves.
  if ((lock.word.exchange(0, std::memory_order_release) & kWaiters) != 0) wake(lock.word, 1);
}

void lock_gone(LockData& lock, std::uint32_t number, Gone) {
  std::uint32_t seen = lock.word.load(std::memory_order_relaxed);
  if ((seen & kHolder) != number) return;
  lock.deaths.fetch_add(1, std::memory_order_relaxed);
  lock.word.store(kDied | kWaiters, std::memory_order_release);
  wake(lock.word, 1);
}

}  // namespace detail

using detail::Kind;
using detail::LockData;
using detail::Taken;

static_assert(Lock::kKind == static_cast<std::uint8_t>(Kind::kLock));

Lock::Lock(Memory& memory)
    : Object(
          detail::make_object<LockData>(memory, Kind::kLock, sizeof(LockData), [](LockData&) {})) {}

Acquired Lock::lock() {
  const Taken taken = take_lock(mapped(), *static_cast<LockData*>(bytes()), {});
  return taken == Taken::kAfterDead ? Acquired::kOwnerDied : Acquired::kAcquired;
}

bool Lock::try_lock() {
  return try_lock_for(std::chrono::nanoseconds(0));
}

bool Lock::try_lock_for(std::chrono::nanoseconds limit) {
  return take_lock(mapped(), *static_cast<LockData*>(bytes()), detail::until_after(limit)) !=
         Taken::kNo;
}

void Lock::unlock() {
  give_lock(mapped(), *static_cast<LockData*>(bytes()));
}

bool Lock::owner_died() const {
  return static_cast<const LockData*>(bytes())->after_dead.load(std::memory_order_relaxed) != 0;
}

std::uint32_t Lock::deaths() const {
  return static_cast<const LockData*>(bytes())->deaths.load(std::memory_order_relaxed);
}

}  // namespace enjoin::shared
