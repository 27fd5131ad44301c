#include "ipc/team_memory.h"

#include <bit>

#include "enjoin/error.h"
#include "ipc/check.h"
#include "ipc/robust_mutex.h"
#include "ipc/seal.h"

namespace enjoin::ipc {
namespace {

constexpr std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

// Where the parts begin. Both sides compute it from the counts, so no offset is ever believed.
struct Plan {
  explicit Plan(const Geometry& g)
      : orders(aligned(sizeof(TableHeader))),
        job_slots(orders + g.workers * sizeof(WorkerOrders)),
        arena(aligned(job_slots + std::uint64_t{g.slots} * sizeof(JobSlot))),
        table_size(arena + g.arena_bytes),
        blocks(aligned(sizeof(ControlHeader))),
        states(blocks + g.workers * sizeof(WorkerBlock)),
        entries(aligned(states + std::uint64_t{g.slots} * sizeof(AtomicU64))),
        control_size(entries + std::uint64_t{g.print_window} * sizeof(PrintEntry)) {}
  std::uint64_t orders, job_slots, arena, table_size;
  std::uint64_t blocks, states, entries, control_size;
};

void store_counts(SegmentHeader& header, const Geometry& g) {
  header.count[0] = g.slots;
  header.count[1] = g.workers;
  header.count[2] = g.print_window;
  header.count[3] = g.arena_bytes;
}

}  // namespace

TeamMemory TeamMemory::create(const Geometry& geometry) {
  ENJOIN_CHECK(std::has_single_bit(geometry.slots), geometry.slots, 0);
  ENJOIN_CHECK(std::has_single_bit(geometry.print_window), geometry.print_window, 0);
  ENJOIN_CHECK(geometry.workers <= kMaxWorkers, geometry.workers, kMaxWorkers);
  ENJOIN_CHECK(geometry.print_window / 2 >= geometry.workers + 2, geometry.print_window,
               geometry.workers);
  const Plan plan(geometry);
  TeamMemory made;
  made.table_ =
      Segment::create(SegmentKind::kTable, plan.table_size, SegmentRights::kCreatorWrites);
  made.control_ =
      Segment::create(SegmentKind::kControl, plan.control_size, SegmentRights::kSharedWrite);
  store_counts(made.table_.header(), geometry);
  store_counts(made.control_.header(), geometry);
  made.locate(geometry);
  RobustMutex::initialise(made.control().claim_lock);
  RobustMutex::initialise(made.control().print_lock);
  for (AtomicU64& end : made.control().spool_end) end.store(seal(0), std::memory_order_relaxed);
  return made;
}

TeamMemory TeamMemory::attach(UniqueFd table, UniqueFd control) {
  TeamMemory joined;
  joined.table_ =
      Segment::attach(std::move(table), SegmentKind::kTable, SegmentRights::kCreatorWrites);
  try {
    joined.control_ =
        Segment::attach(std::move(control), SegmentKind::kControl, SegmentRights::kSharedWrite);
  } catch (const WrongHeader& failure) {
    throw DamagedMemory(failure.what());
  }
  const SegmentHeader header = joined.table_.header();
  const Geometry geometry{.slots = header.count[0],
                          .workers = header.count[1],
                          .print_window = header.count[2],
                          .arena_bytes = header.count[3]};
  if (!std::has_single_bit(geometry.slots) || !std::has_single_bit(geometry.print_window) ||
      geometry.workers > kMaxWorkers) {
    throw Error("shared memory holds impossible counts");
  }
  const Plan plan(geometry);
  if (plan.table_size != joined.table_.size_bytes() ||
      plan.control_size != joined.control_.size_bytes()) {
    throw Error("shared memory's size does not fit its counts");
  }
  joined.locate(geometry);
  return joined;
}

void TeamMemory::locate(const Geometry& geometry) {
  const Plan plan(geometry);
  orders_ = table_.at<WorkerOrders>(plan.orders);
  slots_ = table_.at<JobSlot>(plan.job_slots);
  arena_ = table_.at<std::byte>(plan.arena);
  blocks_ = control_.at<WorkerBlock>(plan.blocks);
  states_ = control_.at<AtomicU64>(plan.states);
  entries_ = control_.at<PrintEntry>(plan.entries);
  slot_mask_ = geometry.slots - 1;
  window_mask_ = geometry.print_window - 1;
  workers_ = geometry.workers;
  arena_bytes_ = geometry.arena_bytes;
}

std::span<const char> TeamMemory::payload(const JobSlot& job) const {
  const std::uint32_t size = job.payload_size;
  if (size <= kInlinePayload) {
    return {reinterpret_cast<const char*>(job.inline_payload), size};
  }
  const std::uint32_t offset = job.payload_offset;
  if (offset > arena_bytes_ || size > arena_bytes_ - offset) return {};
  return {reinterpret_cast<const char*>(arena_) + offset, size};
}

}  // namespace enjoin::ipc
