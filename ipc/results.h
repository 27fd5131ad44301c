#pragma once

#include <cstdint>

#include "ipc/claim_queue.h"
#include "ipc/layout.h"
#include "ipc/segment.h"

namespace enjoin::ipc {

/// Makes a worker's result ring of `records` (a power of two). Throws Error.
Segment create_results(std::uint32_t records, WorkerId worker);

/// The worker's end: one record for each job that ended, published by one store of `tail`.
class ResultWriter {
 public:
  /// `taken` is the supervisor's count of records that it is done with (WorkerOrders).
  ResultWriter(Segment ring, const AtomicU64& taken);

  /// The record to fill next, or nullptr while the ring is full. Fill it, then publish().
  ResultRecord* next() noexcept;
  void publish() noexcept;

  /// The job that is begun now, by ticket; 0: none. Nobody but this worker can write it, so it
  /// stays true when the control segment does not.
  void set_current(std::uint64_t ticket) noexcept;
  std::uint64_t current() const noexcept;
  ResultsHeader& header() const noexcept { return *ring_.at<ResultsHeader>(0); }

 private:
  Segment ring_;
  const AtomicU64* taken_;
  ResultRecord* records_;
  std::uint64_t mask_;
  std::uint64_t tail_ = 0;
};

/// The supervisor's end. It works also after the worker's death: what was published stays.
class ResultReader {
 public:
  ResultReader(Segment ring, AtomicU64& taken);

  /// Copies the oldest untaken record to `*record` and takes it. False: there is none. A tail that
  /// only damage can explain gives none and sets damaged().
  bool try_take(ResultRecord* record) noexcept;
  /// Tells the worker that everything taken may be written again.
  void give_room() noexcept { taken_->store(read_, std::memory_order_release); }
  /// The table that the count of taken records lies in goes away.
  void forget_room() noexcept { taken_ = &private_taken_; }
  bool has_more() const noexcept;
  bool damaged() const noexcept { return damaged_; }
  /// What the worker says of itself; copies, to be checked.
  std::uint64_t current() const noexcept;
  bool holds_baton() const noexcept;
  LeftOutput left() const noexcept;
  /// For tests alone, which write in it what a wild worker would.
  const Segment& ring_for_test() const noexcept { return ring_; }
  LeftOutput printing() const noexcept;

 private:
  Segment ring_;
  AtomicU64* taken_;
  const ResultRecord* records_;
  std::uint64_t mask_;
  std::uint64_t read_ = 0;
  AtomicU64 private_taken_{0};
  bool damaged_ = false;
};

}  // namespace enjoin::ipc
