#include "runner/pipe/counted_blocks.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace enjoin {
namespace {

constexpr std::size_t kLeastBuffer = 128 << 10;

}  // namespace

CountedBlocks::CountedBlocks(const PipeSpec& spec, std::unique_ptr<RecordSplitter> splitter,
                             StreamReader reader, const BlockUse& use)
    : splitter_(std::move(splitter)),
      remover_(spec.remove_separator ? make_remover(spec) : nullptr),
      reader_(std::move(reader)),
      pool_(use.workers + 2),
      timer_(spec.block_timeout),
      header_finder_(spec.header, use.skip_first_line),
      header_pending_(header_finder_.is_wanted()),
      headers_(use.headers),
      records_(spec.records_per_block * std::max<std::uint64_t>(1, spec.lines_per_record)),
      enough_(static_cast<std::size_t>(std::min<std::uint64_t>(spec.block_bytes, 1 << 20))),
      buffer_(std::max(kLeastBuffer, 2 * enough_)) {}

Pull CountedBlocks::pull(Block* block) {
  for (;;) {
    if (!header_pending_ && try_cut(block)) return Pull::kRecord;
    if (ended_ && !header_pending_) {
      if (data().empty()) return Pull::kEnd;
      hand_over(data().size(), block);
      return Pull::kRecord;
    }
    if (timer_.is_over()) {
      timer_.stop();
      if (counted_ > 0) {
        hand_over(scan_.boundary, block);
        return Pull::kRecord;
      }
    }
    if (read() == Pull::kWouldBlock) return Pull::kWouldBlock;
    if (header_pending_) header_pending_ = !take_header();
  }
}

/// True where the records of a block were there.
bool CountedBlocks::try_cut(Block* block) {
  if (!is_news_ || (splitter_->wants_much() && !has_much())) return false;
  const bool is_partial = number_ == 0 && splitter_->begins_midway(data());
  const std::uint64_t wanted = is_partial ? 1 : records_;
  counted_ += splitter_->skip(data(), &scan_, wanted - counted_);
  if (counted_ == wanted) {
    hand_over(scan_.boundary, block);
    return true;
  }
  is_news_ = false;
  // Looked at and not enough: not again for every few bytes more.
  if (has_much()) enough_ = data().size() + data().size() / 3 + 1;
  return false;
}

Pull CountedBlocks::read() {
  make_room();
  std::size_t got = 0;
  const Pull pull = reader_.read(buffer_.data() + end_, buffer_.size() - end_, &got);
  if (pull == Pull::kWouldBlock) return pull;
  ended_ = pull == Pull::kEnd;
  if (ended_) splitter_->note_end();
  is_news_ = true;
  end_ += got;
  if (got > 0) timer_.note_bytes();
  return pull;
}

/// False where the header is not there yet.
bool CountedBlocks::take_header() {
  if (header_finder_.wants_much() && !has_much()) return false;
  const auto found = header_finder_.find(data(), ended_);
  if (!found) {
    if (has_much()) enough_ = 2 * data().size();
    return false;
  }
  std::string header(data().substr(found->begin, found->end - found->begin));
  begin_ += found->end;
  if (header.empty()) return true;
  splitter_->set_header(header);
  if (headers_) {
    header_ = std::move(header);
  } else {
    apart_ = std::make_shared<const std::string>(std::move(header));
  }
  return true;
}

void CountedBlocks::make_room() {
  if (end_ < buffer_.size() && end_ > begin_) return;
  const std::size_t left = end_ - begin_;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, left);
    begin_ = 0;
    end_ = left;
  }
  if (left > buffer_.size() / 2) buffer_.resize(2 * buffer_.size());
}

/// The block is the first `size` bytes.
void CountedBlocks::hand_over(std::size_t size, Block* block) {
  BlockMemory memory = pool_.take(header_.size() + size);
  std::memcpy(memory.data(), header_.data(), header_.size());
  std::memcpy(memory.data() + header_.size(), buffer_.data() + begin_, size);
  begin_ += size;
  scan_ = {};
  counted_ = 0;
  timer_.stop();
  std::size_t kept = size;
  if (remover_) {
    kept = remover_->remove(memory.data() + header_.size(), size);
    memory.resize(header_.size() + kept);
  }
  *block = Block{.kind = Block::Kind::kMemory,
                 .number = ++number_,
                 .memory = std::move(memory),
                 .length = header_.size() + kept,
                 .header_bytes = header_.size()};
}

}  // namespace enjoin
