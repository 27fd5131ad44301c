#include "runner/pipe/stream_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace enjoin {
namespace {

/// What one pull reads at most, so that its caller sees to its other business now and then.
constexpr std::size_t kMostAPull = 2 << 20;

}  // namespace

StreamBlocks::StreamBlocks(const PipeSpec& spec, std::unique_ptr<RecordSplitter> splitter,
                           StreamReader reader, const BlockUse& use)
    : splitter_(std::move(splitter)),
      remover_(spec.remove_separator ? make_remover(spec) : nullptr),
      reader_(std::move(reader)),
      pool_(use.workers + 2),
      timer_(spec.block_timeout),
      warn_(use.warn),
      header_finder_(spec.header, use.skip_first_line),
      header_pending_(header_finder_.is_wanted()),
      headers_(use.headers),
      block_bytes_(static_cast<std::size_t>(spec.block_bytes)),
      given_bytes_(block_bytes_) {}

Pull StreamBlocks::pull(Block* block) {
  for (;;) {
    const Pull filled = fill();
    if (header_pending_ && !take_header()) {
      if (filled == Pull::kWouldBlock) return filled;
      continue;
    }
    const bool is_full = data().size() >= block_bytes_;
    const bool is_late = !is_full && !ended_ && timer_.is_over();
    if (!is_full && !is_late && !ended_) {
      if (filled == Pull::kWouldBlock) return filled;
      continue;  // The header was taken out: there is room again.
    }
    if (ended_ && data().empty()) return Pull::kEnd;
    // There is more than a block's size where a header was sought for.
    const std::string_view candidate = data().substr(0, block_bytes_);
    std::size_t boundary = 0;
    if (!ended_ || is_full || splitter_->cuts_end())
      boundary = splitter_->last_boundary(candidate, searched_);
    if (boundary == 0 && ended_ && candidate.size() == data().size()) boundary = data().size();
    if (boundary > 0) {
      hand_over(boundary, block);
      return Pull::kRecord;
    }
    if (is_late) {
      timer_.stop();
      return Pull::kWouldBlock;
    }
    enlarge();
  }
}

/// Reads until there is a block's size. kRecord: there is, or the input has ended.
Pull StreamBlocks::fill() {
  if (ended_) return Pull::kRecord;
  make_room();
  std::size_t budget = kMostAPull;
  while (!ended_ && data().size() < block_bytes_) {
    if (budget == 0) return Pull::kWouldBlock;
    std::size_t got = 0;
    const std::size_t room = std::min(block_bytes_ - data().size(), budget);
    switch (reader_.read(memory_.data() + used_, room, &got)) {
      case Pull::kWouldBlock:
        return Pull::kWouldBlock;
      case Pull::kEnd:
        ended_ = true;
        splitter_->note_end();
        break;
      case Pull::kRecord:
        timer_.note_bytes();
        used_ += got;
        budget -= got;
        break;
    }
  }
  return Pull::kRecord;
}

/// False where the header is not there yet.
bool StreamBlocks::take_header() {
  const bool is_full = data().size() >= block_bytes_;
  if (header_finder_.wants_much() && !is_full && !ended_) return false;
  const auto found = header_finder_.find(data(), ended_);
  if (!found) {
    // Nobody is told: it is the header that is longer, not a record.
    if (is_full) block_bytes_ *= 2;
    return false;
  }
  header_pending_ = false;
  std::string header(data().substr(found->begin, found->end - found->begin));
  if (!header.empty()) splitter_->set_header(header);
  // It is best left where it is: at the start of the first block.
  if (const std::size_t gone = headers_ ? found->begin : found->end; gone > 0) {
    std::memmove(memory_.data(), memory_.data() + gone, used_ - gone);
    used_ -= gone;
  }
  if (headers_) {
    header_ = std::move(header);
  } else if (!header.empty()) {
    apart_ = std::make_shared<const std::string>(std::move(header));
  }
  block_bytes_ = given_bytes_;
  return true;
}

void StreamBlocks::make_room() {
  const std::size_t capacity = header_.size() + std::max(block_bytes_, used_ - header_.size());
  if (!memory_) {
    memory_ = pool_.take(capacity);
    return;
  }
  if (memory_.size() >= capacity) return;
  memory_.grow(capacity);
  memory_.resize(capacity);
}

void StreamBlocks::enlarge() {
  searched_ = std::min(data().size(), block_bytes_);
  block_bytes_ = static_cast<std::size_t>(std::ceil(static_cast<double>(block_bytes_) * 1.3 + 1));
}

/// The block is what was read up to `boundary`; the rest begins the next one.
void StreamBlocks::hand_over(std::size_t boundary, Block* block) {
  if (block_bytes_ > given_bytes_) {
    if (warn_)
      warn_(fmt::format("a record is longer than --block {}: blocks are {} bytes from here on",
                        given_bytes_, block_bytes_));
    given_bytes_ = block_bytes_;
  }
  const std::string_view rest = data().substr(boundary);
  BlockMemory next;
  if (!rest.empty() || !ended_) {
    next = pool_.take(header_.size() + std::max(block_bytes_, rest.size()));
    std::memcpy(next.data(), header_.data(), header_.size());
    if (!rest.empty()) std::memcpy(next.data() + header_.size(), rest.data(), rest.size());
  }
  std::size_t size = boundary;
  if (remover_) size = remover_->remove(memory_.data() + header_.size(), boundary);
  used_ = header_.size() + rest.size();
  searched_ = 0;
  timer_.stop();
  memory_.resize(header_.size() + size);
  *block = Block{.kind = Block::Kind::kMemory,
                 .number = ++number_,
                 .memory = std::exchange(memory_, std::move(next)),
                 .length = header_.size() + size,
                 .header_bytes = header_.size()};
}

}  // namespace enjoin
