#include "enjoin/shared_semaphore.h"
#include "ipc/shared/mapped.h"

namespace enjoin::shared {
namespace detail {
namespace {

// What each process holds is what counts; how many are free follows from it.

AtomicU32* held_of(SemaphoreData& data) {
  return reinterpret_cast<AtomicU32*>(&data + 1);
}

void count_anew(const Mapped& mapped, SemaphoreData& data) {
  std::uint32_t held = 0;
  for (std::uint32_t i = 1; i <= mapped.highest(); ++i) {
    held += held_of(data)[i].load(std::memory_order_relaxed);
  }
  const std::uint32_t total = data.total.load(std::memory_order_relaxed);
  data.free.store(total > held ? total - held : 0, std::memory_order_seq_cst);
}

bool take_permit(Mapped& mapped, SemaphoreData& data) {
  AtomicU32& mine = held_of(data)[mapped.self()];
  const Guard guard(data.guard);
  if (guard.owner_died()) count_anew(mapped, data);
  const std::uint32_t free = data.free.load(std::memory_order_relaxed);
  if (free == 0) return false;
  mine.store(mine.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  data.free.store(free - 1, std::memory_order_seq_cst);
  return true;
}

bool wait_for_permit(Mapped& mapped, SemaphoreData& data, const Until& until) {
  while (!take_permit(mapped, data)) {
    if (is_past(until)) return false;
    data.waiters.fetch_add(1, std::memory_order_seq_cst);
    const bool in_time = mapped.sleep(data.free, 0, until);
    data.waiters.fetch_sub(1, std::memory_order_relaxed);
    if (!in_time) return take_permit(mapped, data);
  }
  return true;
}

void wake_waiters(SemaphoreData& data, std::uint32_t most) {
  if (data.waiters.load(std::memory_order_seq_cst) != 0) wake(data.free, most);
}

}  // namespace

void semaphore_gone(Mapped& mapped, std::uint64_t offset, std::uint32_t number) {
  auto& data = mapped.at<SemaphoreData>(offset);
  {
    const Guard guard(data.guard);
    held_of(data)[number].store(0, std::memory_order_release);
    count_anew(mapped, data);
  }
  wake(data.free, kAll);
}

}  // namespace detail

using namespace detail;

static_assert(Semaphore::kKind == static_cast<std::uint8_t>(Kind::kSemaphore));

Semaphore::Semaphore(Memory& memory, std::uint32_t permits)
    : Object(make_object<SemaphoreData>(
          memory, Kind::kSemaphore,
          sizeof(SemaphoreData) +
              sizeof(AtomicU32) * (MemoryAccess::mapped(memory).processes() + std::size_t{1}),
          [&](SemaphoreData& data) {
            ipc::RobustMutex::initialise(data.guard);
            data.total.store(permits);
            data.free.store(permits);
          })) {}

void Semaphore::acquire() {
  wait_for_permit(mapped(), *static_cast<SemaphoreData*>(bytes()), {});
}

bool Semaphore::try_acquire() {
  return take_permit(mapped(), *static_cast<SemaphoreData*>(bytes()));
}

bool Semaphore::try_acquire_for(std::chrono::nanoseconds limit) {
  return wait_for_permit(mapped(), *static_cast<SemaphoreData*>(bytes()), until_after(limit));
}

void Semaphore::release() {
  auto& data = *static_cast<SemaphoreData*>(bytes());
  {
    AtomicU32& mine = held_of(data)[mapped().self()];
    const Guard guard(data.guard);
    if (guard.owner_died()) count_anew(mapped(), data);
    const std::uint32_t held = mine.load(std::memory_order_relaxed);
    if (held == 0) throw Error("a shared semaphore is released by a process that has no permit");
    mine.store(held - 1, std::memory_order_seq_cst);
    data.free.store(data.free.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
  }
  wake_waiters(data, 1);
}

void Semaphore::add(std::uint32_t permits) {
  auto& data = *static_cast<SemaphoreData*>(bytes());
  {
    const Guard guard(data.guard);
    data.total.store(data.total.load(std::memory_order_relaxed) + permits,
                     std::memory_order_release);
    count_anew(mapped(), data);
  }
  wake_waiters(data, permits);
}

std::uint32_t Semaphore::free() const {
  return static_cast<const SemaphoreData*>(bytes())->free.load(std::memory_order_acquire);
}

std::uint32_t Semaphore::held() const {
  auto& data = *static_cast<SemaphoreData*>(bytes());
  return held_of(data)[mapped().self()].load(std::memory_order_acquire);
}

}  // namespace enjoin::shared
