#include "ipc/results.h"

#include <bit>
#include <cstring>

#include "enjoin/error.h"
#include "ipc/check.h"
#include "ipc/seal.h"

namespace enjoin::ipc {
namespace {

ResultsHeader& results_header(const Segment& ring) {
  return *ring.at<ResultsHeader>(0);
}

std::uint64_t record_count(const Segment& ring) {
  const std::uint32_t count = ring.header().count[0];
  if (!std::has_single_bit(count) ||
      ring.size_bytes() != sizeof(ResultsHeader) + std::uint64_t{count} * sizeof(ResultRecord)) {
    throw Error("a result ring's size does not fit its count");
  }
  return count;
}

}  // namespace

Segment create_results(std::uint32_t records, WorkerId worker) {
  ENJOIN_CHECK(std::has_single_bit(records), records, 0);
  Segment ring = Segment::create(
      SegmentKind::kResults, sizeof(ResultsHeader) + std::size_t{records} * sizeof(ResultRecord),
      SegmentRights::kSharedWrite);
  ring.header().count[0] = records;
  ring.header().count[1] = worker.number;
  ring.header().count[2] = worker.generation;
  return ring;
}

ResultWriter::ResultWriter(Segment ring, const AtomicU64& taken)
    : ring_(std::move(ring)),
      taken_(&taken),
      records_(ring_.at<ResultRecord>(sizeof(ResultsHeader))),
      mask_(record_count(ring_) - 1) {}

ResultRecord* ResultWriter::next() noexcept {
  if (tail_ - taken_->load(std::memory_order_acquire) > mask_) return nullptr;
  return &records_[tail_ & mask_];
}

void ResultWriter::set_current(std::uint64_t ticket) noexcept {
  header().current.store(ticket, std::memory_order_release);
}

std::uint64_t ResultWriter::current() const noexcept {
  return header().current.load(std::memory_order_relaxed);
}

void ResultWriter::publish() noexcept {
  ResultRecord& record = records_[tail_ & mask_];
  record.sum = sum_of(record);
  ++tail_;
  // Whoever then looks whether the supervisor sleeps has a barrier of its own (Bells).
  results_header(ring_).tail.store(tail_, std::memory_order_release);
}

ResultReader::ResultReader(Segment ring, AtomicU64& taken)
    : ring_(std::move(ring)),
      taken_(&taken),
      records_(ring_.at<ResultRecord>(sizeof(ResultsHeader))),
      mask_(record_count(ring_) - 1) {
  taken_->store(0, std::memory_order_relaxed);
}

bool ResultReader::try_take(ResultRecord* record) noexcept {
  const std::uint64_t tail = results_header(ring_).tail.load(std::memory_order_acquire);
  if (tail == read_ || damaged_) return false;
  if (tail < read_ || tail - taken_->load(std::memory_order_relaxed) > mask_ + 1) {
    damaged_ = true;
    return false;
  }
  std::memcpy(record, &records_[read_ & mask_], sizeof *record);
  if (record->sum != sum_of(*record)) {
    damaged_ = true;
    return false;
  }
  ++read_;
  return true;
}

bool ResultReader::has_more() const noexcept {
  return !damaged_ && results_header(ring_).tail.load(std::memory_order_seq_cst) != read_;
}

std::uint64_t ResultReader::current() const noexcept {
  return results_header(ring_).current.load(std::memory_order_acquire);
}

bool ResultReader::holds_baton() const noexcept {
  return results_header(ring_).holds_baton.load(std::memory_order_acquire) != 0;
}

LeftOutput ResultReader::left() const noexcept {
  return results_header(ring_).left;
}

LeftOutput ResultReader::printing() const noexcept {
  return results_header(ring_).printing;
}

}  // namespace enjoin::ipc
