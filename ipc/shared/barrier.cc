#include "enjoin/shared_barrier.h"
#include "ipc/shared/mapped.h"

// All that counts is one store: a party's word says in which round it has come, so that the next
// round's number alone makes all of them be gone, and a round that breaks is one bit.

namespace enjoin::shared {
namespace detail {
namespace {

BarrierParty* parties_of(BarrierData& data) {
  return reinterpret_cast<BarrierParty*>(&data + 1);
}

constexpr std::uint64_t bit_of(std::uint32_t round) {
  return std::uint64_t{1} << (round % 64);
}

bool is_broken(const BarrierData& data, std::uint32_t round) {
  return (data.broken.load(std::memory_order_acquire) & bit_of(round)) != 0;
}

std::uint32_t arrived_of(const BarrierParty& party, std::uint32_t round) {
  const std::uint64_t word = party.arrived.load(std::memory_order_relaxed);
  return word >> 32 == round ? static_cast<std::uint32_t>(word) : 0;
}

std::uint32_t arrived(const Mapped& mapped, BarrierData& data, std::uint32_t round) {
  std::uint32_t all = 0;
  for (std::uint32_t i = 1; i <= mapped.highest(); ++i) {
    all += arrived_of(parties_of(data)[i], round);
  }
  return all;
}

void break_round(BarrierData& data, std::uint32_t round) {
  data.broken.fetch_or(bit_of(round), std::memory_order_release);
}

void begin_next_round(BarrierData& data, std::uint32_t round) {
  data.broken.fetch_and(~bit_of(round + 1), std::memory_order_release);
  data.round.store(round + 1, std::memory_order_release);
}

Met how_ended(const BarrierData& data, std::uint32_t round) {
  return is_broken(data, round) ? Met::kBroken : Met::kPassed;
}

Met wait_at(Mapped& mapped, BarrierData& data, const Until& until) {
  BarrierParty& me = parties_of(data)[mapped.self()];
  std::uint32_t round = 0;
  {
    const Guard guard(data.guard);
    round = data.round.load(std::memory_order_relaxed);
    me.member.store(1, std::memory_order_release);
    if (is_broken(data, round)) return Met::kBroken;
    const std::uint32_t mine = arrived_of(me, round) + 1;
    me.arrived.store(std::uint64_t{round} << 32 | mine, std::memory_order_release);
    if (arrived(mapped, data, round) >= data.parties.load(std::memory_order_relaxed)) {
      begin_next_round(data, round);
    }
  }
  if (data.round.load(std::memory_order_acquire) != round) {
    wake(data.round, kAll);
    return how_ended(data, round);
  }
  while (data.round.load(std::memory_order_acquire) == round && !is_broken(data, round)) {
    if (mapped.sleep(data.round, round, until)) continue;
    const Guard guard(data.guard);
    if (data.round.load(std::memory_order_relaxed) != round || is_broken(data, round)) break;
    break_round(data, round);
    wake(data.round, kAll);
    return Met::kTimedOut;
  }
  return how_ended(data, round);
}

}  // namespace

void barrier_given(Mapped& mapped, std::uint64_t offset) {
  auto& data = mapped.at<BarrierData>(offset);
  parties_of(data)[mapped.self()].member.store(1, std::memory_order_release);
}

// That it is no member any more comes last: who is killed before does all of it again.
void barrier_gone(Mapped& mapped, std::uint64_t offset, std::uint32_t number, Gone how) {
  auto& data = mapped.at<BarrierData>(offset);
  BarrierParty& party = parties_of(data)[number];
  if (party.member.load(std::memory_order_acquire) == 0) return;
  {
    const Guard guard(data.guard);
    const std::uint32_t round = data.round.load(std::memory_order_relaxed);
    if (how == Gone::kDied || arrived_of(party, round) != 0) break_round(data, round);
    party.arrived.store(0, std::memory_order_release);
    party.member.store(0, std::memory_order_release);
  }
  wake(data.round, kAll);
}

}  // namespace detail

using namespace detail;

static_assert(Barrier::kKind == static_cast<std::uint8_t>(Kind::kBarrier));

Barrier::Barrier(Memory& memory, std::uint32_t parties)
    : Object(make_object<BarrierData>(
          memory, Kind::kBarrier,
          sizeof(BarrierData) +
              sizeof(BarrierParty) * (MemoryAccess::mapped(memory).processes() + std::size_t{1}),
          [&](BarrierData& data) {
            if (parties == 0) throw Error("a shared barrier needs a party at least");
            ipc::RobustMutex::initialise(data.guard);
            data.parties.store(parties);
            data.round.store(1);
          })) {}

Met Barrier::wait() {
  return wait_at(mapped(), *static_cast<BarrierData*>(bytes()), {});
}

Met Barrier::wait_for(std::chrono::nanoseconds limit) {
  return wait_at(mapped(), *static_cast<BarrierData*>(bytes()), until_after(limit));
}

bool Barrier::broken() const {
  const auto& data = *static_cast<const BarrierData*>(bytes());
  return is_broken(data, data.round.load(std::memory_order_acquire));
}

void Barrier::reset() {
  auto& data = *static_cast<BarrierData*>(bytes());
  {
    const Guard guard(data.guard);
    const std::uint32_t round = data.round.load(std::memory_order_relaxed);
    break_round(data, round);
    begin_next_round(data, round);
  }
  wake(data.round, kAll);
}

void Barrier::leave() {
  auto& data = *static_cast<BarrierData*>(bytes());
  parties_of(data)[mapped().self()].member.store(0, std::memory_order_release);
}

std::uint32_t Barrier::parties() const {
  return static_cast<const BarrierData*>(bytes())->parties.load(std::memory_order_relaxed);
}

std::uint32_t Barrier::waiting() const {
  auto& data = *static_cast<BarrierData*>(bytes());
  return arrived(mapped(), data, data.round.load(std::memory_order_acquire));
}

}  // namespace enjoin::shared
