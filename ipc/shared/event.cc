#include "enjoin/shared_event.h"
#include "ipc/shared/mapped.h"

namespace enjoin::shared {

using detail::EventData;
using detail::Kind;

static_assert(Event::kKind == static_cast<std::uint8_t>(Kind::kEvent));

namespace {

bool wait_for_event(detail::Mapped& mapped, EventData& data, const detail::Until& until) {
  while (data.set.load(std::memory_order_acquire) == 0) {
    data.waiters.fetch_add(1, std::memory_order_seq_cst);
    const bool in_time = mapped.sleep(data.set, 0, until);
    data.waiters.fetch_sub(1, std::memory_order_relaxed);
    if (!in_time) return data.set.load(std::memory_order_acquire) != 0;
  }
  return true;
}

}  // namespace

Event::Event(Memory& memory)
    : Object(detail::make_object<EventData>(memory, Kind::kEvent, sizeof(EventData),
                                            [](EventData&) {})) {}

void Event::set() {
  auto& data = *static_cast<EventData*>(bytes());
  data.set.store(1, std::memory_order_seq_cst);
  if (data.waiters.load(std::memory_order_seq_cst) != 0) detail::wake(data.set, detail::kAll);
}

void Event::clear() {
  static_cast<EventData*>(bytes())->set.store(0, std::memory_order_release);
}

bool Event::is_set() const {
  return static_cast<const EventData*>(bytes())->set.load(std::memory_order_acquire) != 0;
}

void Event::wait() const {
  wait_for_event(mapped(), *static_cast<EventData*>(bytes()), {});
}

bool Event::wait_for(std::chrono::nanoseconds limit) const {
  return wait_for_event(mapped(), *static_cast<EventData*>(bytes()), detail::until_after(limit));
}

}  // namespace enjoin::shared
