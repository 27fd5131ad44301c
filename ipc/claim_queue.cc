#include "ipc/claim_queue.h"

#include <algorithm>
#include <cstring>

#include "ipc/check.h"

namespace enjoin::ipc {

// Waits as long as memory is believed in.
bool ClaimQueue::enter() noexcept {
  const LockAnswer got = lock_.acquire_while([this] { return usable(); });
  if (got == LockAnswer::kOk || got == LockAnswer::kOwnerDied) return true;
  damaged_ = damaged_ || got == LockAnswer::kBroken;
  return false;
}

std::size_t ClaimQueue::claim(std::span<std::uint64_t> positions, std::uint64_t* left) noexcept {
  TableHeader& table = memory_->table();
  AtomicU64& head = memory_->control().head;
  const std::uint64_t ready = SlotWord::pack(SlotState::kReady, 0, 0);
  const std::uint64_t mine = self_.word(SlotState::kClaimed);
  std::size_t taken = 0;

  *left = 0;
  if (!looks_ready()) return 0;  // whoever goes to sleep on this announces it and looks again
  if (!enter()) return 0;
  const std::uint64_t tail = table.tail.load(std::memory_order_acquire);
  const std::uint64_t oldest = tail > memory_->slots() ? tail - memory_->slots() : 0;
  std::uint64_t position = std::max(head.load(std::memory_order_relaxed), oldest);
  if (position > tail) position = oldest;  // a damaged head must not hide jobs
  if ((table.flags.load(std::memory_order_relaxed) & kFlagStopClaims) == 0) {
    for (; position < tail && taken < positions.size(); ++position) {
      AtomicU64& state = memory_->state(position);
      if (state.load(std::memory_order_acquire) != ready) continue;
      state.store(mine, std::memory_order_relaxed);
      positions[taken++] = position;
    }
    head.store(position, std::memory_order_release);
  }
  lock_.unlock();

  *left = tail > position ? tail - position : 0;
  return taken;
}

bool ClaimQueue::try_start(std::uint64_t position) noexcept {
  std::uint64_t expected = self_.word(SlotState::kClaimed);
  return memory_->state(position).compare_exchange_strong(expected, self_.word(SlotState::kStarted),
                                                          std::memory_order_acq_rel);
}

void ClaimQueue::release(std::uint64_t position) noexcept {
  memory_->state(position).store(self_.word(SlotState::kReleased), std::memory_order_release);
}

void ClaimQueue::hand_back(std::span<const std::uint64_t> positions) noexcept {
  if (positions.empty()) return;
  AtomicU64& head = memory_->control().head;
  const std::uint64_t first = *std::min_element(positions.begin(), positions.end());
  if (!enter()) return;
  if (head.load(std::memory_order_relaxed) > first) head.store(first, std::memory_order_relaxed);
  for (const std::uint64_t position : positions) {
    std::uint64_t expected = self_.word(SlotState::kClaimed);
    memory_->state(position).compare_exchange_strong(
        expected, SlotWord::pack(SlotState::kReady, 0, 0), std::memory_order_acq_rel);
  }
  lock_.unlock();
}

bool ClaimQueue::looks_ready() const noexcept {
  const TableHeader& table = memory_->table();
  if ((table.flags.load(std::memory_order_seq_cst) & kFlagStopClaims) != 0) return false;
  const std::uint64_t tail = table.tail.load(std::memory_order_seq_cst);
  return memory_->control().head.load(std::memory_order_seq_cst) != tail;
}

ClaimPublisher::ClaimPublisher(const TeamMemory& memory) noexcept
    : memory_(&memory),
      lock_(memory.control().claim_lock),
      arena_(memory.arena_bytes()),
      held_(memory.slots()) {}

PublishAnswer ClaimPublisher::try_fill(const NewJob& job, std::uint64_t now_ns,
                                       std::uint64_t* ticket) noexcept {
  if (!fits_ever(job.payload.size())) return PublishAnswer::kTooLarge;
  if (room() == 0) return PublishAnswer::kFull;
  const auto size = static_cast<std::uint32_t>(job.payload.size());
  std::uint32_t offset = 0;
  if (size > kInlinePayload) {
    const std::optional<std::uint32_t> place = arena_.try_allocate(size);
    if (!place) return PublishAnswer::kFull;
    offset = *place;
  }
  JobSlot& slot = memory_->slot(tail_);
  slot.ticket = ++last_ticket_;
  slot.seq = job.seq;
  slot.order = job.order;
  slot.queued_ns = now_ns;
  slot.payload_offset = offset;
  slot.payload_size = size;
  slot.values = job.values;
  slot.columns = job.columns;
  slot.handle = job.handle;
  slot.attempt = job.attempt;
  slot.flags = job.flags;
  slot.timeout_ns = job.timeout_ns;
  if (size != 0) {
    std::memcpy(size > kInlinePayload ? static_cast<void*>(memory_->arena() + offset)
                                      : static_cast<void*>(slot.inline_payload),
                job.payload.data(), size);
  }
  held(tail_) = Held{slot.ticket, arena_.mark(), job.handle};
  *ticket = slot.ticket;
  memory_->state(tail_).store(SlotWord::pack(SlotState::kReady, 0, 0), std::memory_order_release);
  ++tail_;
  return PublishAnswer::kOk;
}

}  // namespace enjoin::ipc
