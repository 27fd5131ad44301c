#include "runner/pool/call_cells.h"

namespace enjoin {

void CallCell::dispose() noexcept {
  owner->give_back(*this);
}

char* CallCell::make_room(std::size_t wanted) {
  drop_heap();
  data = first;
  size = 0;
  if (wanted > sizeof first) {
    heap.reset(new char[wanted]);
    data = heap.get();
    owner->add_bytes(wanted);
  }
  size = wanted;
  return data;
}

void CallCell::drop_heap() noexcept {
  if (heap == nullptr) return;
  heap.reset();
  owner->take_bytes(size);
}

CallCell& CallCells::take() {
  // All that were given back at once: so a list without locks has no ABA.
  if (spare_ == nullptr) spare_ = given_.exchange(nullptr, std::memory_order_acquire);
  CallCell* cell = static_cast<CallCell*>(spare_);
  if (cell != nullptr) {
    spare_ = cell->next;
  } else {
    if (used_ % kBlock == 0) blocks_.push_back(std::make_unique<std::array<CallCell, kBlock>>());
    cell = at(used_);
    cell->owner = this;
    cell->core = core_;
    cell->handle = used_++;
  }
  cell->next = nullptr;
  cell->batch = nullptr;
  cell->ticket = 0;
  cell->run_by = 0;
  cell->deaths = 0;
  cell->in_log = {};
  cell->result = {};
  cell->holders.store(1, std::memory_order_relaxed);
  cell->fate.store(0, std::memory_order_relaxed);
  core_->hold_core();
  return *cell;
}

void CallCells::give_back(CallCell& cell) noexcept {
  cell.drop_heap();
  cell.failure.reset();
  detail::JobCell* before = given_.load(std::memory_order_relaxed);
  do {
    cell.next = before;
  } while (!given_.compare_exchange_weak(before, &cell, std::memory_order_release,
                                         std::memory_order_relaxed));
  core_->release_core();
}

CallCell* CallCells::at(std::uint32_t handle) noexcept {
  const std::uint32_t block = handle / kBlock;
  return block < blocks_.size() ? &(*blocks_[block])[handle % kBlock] : nullptr;
}

}  // namespace enjoin
