#include "enjoin/shared_counter.h"
#include "ipc/shared/mapped.h"

namespace enjoin::shared {

using detail::CounterData;
using detail::Kind;

static_assert(Counter::kKind == static_cast<std::uint8_t>(Kind::kCounter));

Counter::Counter(Memory& memory, std::int64_t value)
    : Object(detail::make_object<CounterData>(
          memory, Kind::kCounter, sizeof(CounterData),
          [&](CounterData& data) { data.value.store(static_cast<std::uint64_t>(value)); })) {}

std::int64_t Counter::add(std::int64_t what) {
  auto& data = *static_cast<CounterData*>(bytes());
  const auto more = static_cast<std::uint64_t>(what);
  return static_cast<std::int64_t>(data.value.fetch_add(more, std::memory_order_acq_rel) + more);
}

std::int64_t Counter::load() const {
  return static_cast<std::int64_t>(
      static_cast<const CounterData*>(bytes())->value.load(std::memory_order_acquire));
}

void Counter::store(std::int64_t value) {
  static_cast<CounterData*>(bytes())->value.store(static_cast<std::uint64_t>(value),
                                                  std::memory_order_release);
}

bool Counter::compare_exchange(std::int64_t& expected, std::int64_t value) {
  auto seen = static_cast<std::uint64_t>(expected);
  const bool done = static_cast<CounterData*>(bytes())->value.compare_exchange_strong(
      seen, static_cast<std::uint64_t>(value), std::memory_order_acq_rel);
  expected = static_cast<std::int64_t>(seen);
  return done;
}

}  // namespace enjoin::shared
