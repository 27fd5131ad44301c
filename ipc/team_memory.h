#pragma once

#include <cstdint>
#include <span>

#include "enjoin/error.h"
#include "ipc/layout.h"
#include "ipc/segment.h"

namespace enjoin::ipc {

/// How large a team's memory is. Pages that are never touched cost nothing, so `workers` may be
/// generous.
struct Geometry {
  std::uint32_t slots = 1024;         ///< jobs that wait in the queue; a power of two
  std::uint32_t workers = 64;         ///< at most kMaxWorkers
  std::uint32_t print_window = 4096;  ///< outputs that wait for their turn; a power of two, and at
                                      ///< least 2 * (workers + 2)
  std::uint32_t arena_bytes = 4U << 20;
};

/// A worker's attach found the control segment's own header overwritten.
class DamagedMemory : public Error {
 public:
  using Error::Error;
};

/// The table and the control segment of one team, and where everything lies in them.
/// Pointers from here are good as long as this object lives. Move-only.
class TeamMemory {
 public:
  /// Supervisor: makes both, locks initialised. Throws Error.
  static TeamMemory create(const Geometry& geometry);
  /// Worker: maps both (the table read-only) and checks that all offsets lie inside. Throws Error.
  static TeamMemory attach(UniqueFd table, UniqueFd control);

  TableHeader& table() const { return *table_.at<TableHeader>(0); }
  ControlHeader& control() const { return *control_.at<ControlHeader>(0); }
  WorkerOrders& orders(std::uint32_t worker) const { return orders_[worker]; }
  WorkerBlock& block(std::uint32_t worker) const { return blocks_[worker]; }
  JobSlot& slot(std::uint64_t position) const { return slots_[position & slot_mask_]; }
  AtomicU64& state(std::uint64_t position) const { return states_[position & slot_mask_]; }
  PrintEntry& entry(std::uint64_t order) const { return entries_[order & window_mask_]; }
  std::byte* arena() const { return arena_; }

  std::uint32_t slots() const { return slot_mask_ + 1; }
  std::uint32_t workers() const { return workers_; }
  std::uint32_t print_window() const { return window_mask_ + 1; }
  std::uint32_t arena_bytes() const { return arena_bytes_; }

  /// The payload of a job in kClaimed or kStarted (or any, for the supervisor). Empty where the
  /// slot's numbers lead outside the arena, which only damage can bring about.
  std::span<const char> payload(const JobSlot& job) const;

  int table_fd() const { return table_.fd(); }
  int control_fd() const { return control_.fd(); }

 private:
  void locate(const Geometry& geometry);

  Segment table_;
  Segment control_;
  WorkerOrders* orders_ = nullptr;
  WorkerBlock* blocks_ = nullptr;
  JobSlot* slots_ = nullptr;
  AtomicU64* states_ = nullptr;
  PrintEntry* entries_ = nullptr;
  std::byte* arena_ = nullptr;
  std::uint32_t slot_mask_ = 0;
  std::uint32_t window_mask_ = 0;
  std::uint32_t workers_ = 0;
  std::uint32_t arena_bytes_ = 0;
};

}  // namespace enjoin::ipc
