#include "ipc/shared/queue_view.h"

#include <algorithm>
#include <cstring>

namespace enjoin::shared::detail {
namespace {

constexpr std::uint64_t aligned(std::uint64_t size) {
  return (size + kCacheLine - 1) / kCacheLine * kCacheLine;
}

constexpr std::uint64_t lists_bytes(std::uint32_t most) {
  return aligned(sizeof(AtomicU32) * 2 * std::uint64_t{most});
}

constexpr std::uint64_t slot_bytes(std::uint32_t item_bytes) {
  return sizeof(ItemSlot) + aligned(item_bytes);
}

void add(AtomicU32& sum, std::uint32_t what) {
  sum.store(sum.load(std::memory_order_relaxed) + what, std::memory_order_release);
}

void take_off(AtomicU32& sum) {
  sum.store(sum.load(std::memory_order_relaxed) - 1, std::memory_order_release);
}

}  // namespace

ItemWord ItemWord::of(std::uint64_t word) {
  return {.state = static_cast<ItemState>(word & 0xff),
          .deaths = static_cast<std::uint32_t>(word >> 8 & 0xff),
          .owner = static_cast<std::uint32_t>(word >> 16 & 0xffff),
          .thread = static_cast<std::uint32_t>(word >> 32)};
}

std::uint64_t ItemWord::packed() const {
  return static_cast<std::uint64_t>(state) | std::uint64_t{deaths} << 8 |
         std::uint64_t{owner} << 16 | std::uint64_t{thread} << 32;
}

QueueView::QueueView(Mapped& mapped, QueueData& data)
    : mapped_(mapped), data_(data), most_(data.most), item_bytes_(data.item_bytes) {
  if (most_ == 0 || most_ > kMostItems ||
      bytes_for(most_, item_bytes_) > mapped.size_bytes() - mapped.offset_of(&data)) {
    throw Error("a shared queue is damaged");
  }
}

std::uint64_t QueueView::bytes_for(std::uint32_t most, std::uint32_t item_bytes) {
  return sizeof(QueueData) + lists_bytes(most) + slot_bytes(item_bytes) * most;
}

void QueueView::begin(QueueData& data) {
  auto* const spare_slots = reinterpret_cast<AtomicU32*>(&data + 1) + data.most;
  for (std::uint32_t i = 0; i < data.most; ++i) {
    spare_slots[i].store(data.most - 1 - i, std::memory_order_relaxed);
  }
}

ItemSlot& QueueView::slot(std::uint32_t index) const {
  auto* const first = reinterpret_cast<std::byte*>(&data_ + 1) + lists_bytes(most_);
  return *reinterpret_cast<ItemSlot*>(first + slot_bytes(item_bytes_) * index);
}

AtomicU32& QueueView::ring(std::uint32_t place) const {
  return reinterpret_cast<AtomicU32*>(&data_ + 1)[place % most_];
}

AtomicU32& QueueView::spare(std::uint32_t place) const {
  return reinterpret_cast<AtomicU32*>(&data_ + 1)[most_ + place % most_];
}

std::uint32_t QueueView::spares() const {
  const std::uint32_t used =
      data_.ready.load(std::memory_order_relaxed) + data_.taken.load(std::memory_order_relaxed);
  return used < most_ ? most_ - used : 0;
}

void QueueView::push_ready(std::uint32_t index) {
  const std::uint32_t ready = data_.ready.load(std::memory_order_relaxed);
  ring(data_.first.load(std::memory_order_relaxed) + ready).store(index, std::memory_order_relaxed);
  data_.ready.store(ready + 1, std::memory_order_release);
}

// Nothing is allocated: this runs under the guard. (Shell's sort stays inside the ring whatever
// lies in the slots.)
void QueueView::sort_ready(std::uint32_t count) {
  for (std::uint32_t gap = count / 2; gap > 0; gap /= 2) {
    for (std::uint32_t i = gap; i < count; ++i) {
      const std::uint32_t index = ring(i).load(std::memory_order_relaxed);
      const std::uint64_t order = slot(index).order.load(std::memory_order_relaxed);
      std::uint32_t at = i;
      for (; at >= gap; at -= gap) {
        const std::uint32_t before = ring(at - gap).load(std::memory_order_relaxed);
        if (slot(before).order.load(std::memory_order_relaxed) <= order) break;
        ring(at).store(before, std::memory_order_relaxed);
      }
      ring(at).store(index, std::memory_order_relaxed);
    }
  }
}

void QueueView::make_lists_anew() {
  std::uint32_t ready = 0;
  std::uint32_t taken = 0;
  std::uint32_t spares = 0;
  std::uint64_t next_order = 0;
  for (std::uint32_t i = 0; i < most_; ++i) {
    const std::uint64_t order = slot(i).order.load(std::memory_order_relaxed);
    const ItemState state = ItemWord::of(slot(i).word.load(std::memory_order_acquire)).state;
    if (state == ItemState::kReady) ring(ready++).store(i, std::memory_order_relaxed);
    if (state == ItemState::kTaken) ++taken;
    if (state == ItemState::kFree) spare(spares++).store(i, std::memory_order_relaxed);
    next_order = std::max(next_order, order + 1);
  }
  sort_ready(ready);
  data_.first.store(0, std::memory_order_relaxed);
  data_.ready.store(ready, std::memory_order_release);
  data_.taken.store(taken, std::memory_order_release);
  data_.next_order.store(next_order, std::memory_order_relaxed);
}

bool QueueView::try_put(std::string_view bytes, std::uint64_t block) {
  const Guard guard(data_.guard);
  if (guard.owner_died()) make_lists_anew();
  const std::uint32_t spare_count = spares();
  if (spare_count == 0) return false;
  const std::uint32_t index = spare(spare_count - 1).load(std::memory_order_relaxed);
  if (index >= most_) throw Error("a shared queue is damaged");
  ItemSlot& free = slot(index);
  const std::uint64_t order = data_.next_order.load(std::memory_order_relaxed);
  free.order.store(order, std::memory_order_relaxed);
  free.block.store(block, std::memory_order_relaxed);
  free.size.store(bytes.size(), std::memory_order_relaxed);
  if (block == 0) std::memcpy(static_cast<void*>(&free + 1), bytes.data(), bytes.size());
  free.word.store(ItemWord{.state = ItemState::kReady}.packed(), std::memory_order_release);
  data_.next_order.store(order + 1, std::memory_order_relaxed);
  push_ready(index);
  return true;
}

std::optional<QueueView::Found> QueueView::try_take(std::uint32_t thread) {
  const std::uint32_t self = mapped_.self();
  const Guard guard(data_.guard);
  if (guard.owner_died()) make_lists_anew();
  if (data_.ready.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const std::uint32_t first = data_.first.load(std::memory_order_relaxed);
  const std::uint32_t index = ring(first).load(std::memory_order_relaxed);
  if (index >= most_) throw Error("a shared queue is damaged");
  ItemSlot& item = slot(index);
  ItemWord word = ItemWord::of(item.word.load(std::memory_order_relaxed));
  word.state = ItemState::kTaken;
  word.owner = self;
  word.thread = thread;
  item.word.store(word.packed(), std::memory_order_release);
  data_.first.store((first + 1) % most_, std::memory_order_relaxed);
  add(data_.taken, 1);
  take_off(data_.ready);
  return Found{.slot = index, .order = item.order.load(std::memory_order_relaxed)};
}

// A large item's block is a draft of ours as soon as the slot lets go of it: it goes with us.
bool QueueView::finish(const Found& found, std::uint32_t thread) {
  const std::uint32_t self = mapped_.self();
  std::uint64_t block = 0;
  {
    const Guard guard(data_.guard);
    if (guard.owner_died()) make_lists_anew();
    ItemSlot& item = slot(found.slot);
    const ItemWord word = ItemWord::of(item.word.load(std::memory_order_relaxed));
    if (word.state != ItemState::kTaken || word.owner != self || word.thread != thread ||
        item.order.load(std::memory_order_relaxed) != found.order) {
      return false;
    }
    block = item.block.load(std::memory_order_relaxed);
    if (block != 0) {
      mapped_.check_block(block, Kind::kItem);
      mapped_.block_of(block).draft_of.store(self, std::memory_order_release);
    }
    item.word.store(ItemWord{}.packed(), std::memory_order_release);
    spare(spares()).store(found.slot, std::memory_order_relaxed);
    take_off(data_.taken);
  }
  if (block != 0) mapped_.free(block);
  return true;
}

// An item that comes back keeps its order, and so is the first. Its deaths stand in the word that
// brings it back, so that none is counted twice.
void QueueView::process_gone(std::uint32_t number, Gone how) {
  const Guard guard(data_.guard);
  for (std::uint32_t i = 0; i < most_; ++i) {
    ItemSlot& item = slot(i);
    ItemWord word = ItemWord::of(item.word.load(std::memory_order_relaxed));
    if (word.state == ItemState::kFree) continue;
    const std::uint64_t block = item.block.load(std::memory_order_relaxed);
    if (block != 0) mapped_.check_block(block, Kind::kItem);
    AtomicU32* const draft = block == 0 ? nullptr : &mapped_.block_of(block).draft_of;
    const bool is_its_own = word.state == ItemState::kTaken && word.owner == number;
    if (is_its_own && how == Gone::kDied) word.deaths = std::min(word.deaths + 1, 255U);
    if (is_its_own && data_.most_deaths != 0 && word.deaths >= data_.most_deaths) {
      if (draft != nullptr) draft->store(number, std::memory_order_release);
      item.word.store(ItemWord{}.packed(), std::memory_order_release);
      data_.lost.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    if (draft != nullptr && draft->load(std::memory_order_relaxed) == number) {
      draft->store(0, std::memory_order_release);
    }
    if (!is_its_own) continue;
    const ItemWord back{.state = ItemState::kReady, .deaths = word.deaths};
    item.word.store(back.packed(), std::memory_order_release);
  }
  make_lists_anew();
}

std::string QueueView::bytes_of(std::uint32_t index) const {
  const ItemSlot& item = slot(index);
  const std::uint64_t block = item.block.load(std::memory_order_relaxed);
  const std::uint64_t size = item.size.load(std::memory_order_relaxed);
  if (block != 0) mapped_.check_block(block, Kind::kItem);
  const std::uint64_t room =
      block == 0 ? item_bytes_ : mapped_.block_of(block).asked.load(std::memory_order_relaxed);
  if (size > room || (block != 0 && room > mapped_.size_bytes() - block)) {
    throw Error("a shared queue's item is damaged");
  }
  const char* const bytes =
      block == 0 ? reinterpret_cast<const char*>(&item + 1) : &mapped_.at<const char>(block);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace enjoin::shared::detail
