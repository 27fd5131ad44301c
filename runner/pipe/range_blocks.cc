#include "runner/pipe/range_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "enjoin/error.h"

namespace enjoin {

RangeBlocks::RangeBlocks(const PipeSpec& spec, const BlockUse& use)
    : remover_(spec.remove_separator ? make_remover(spec) : nullptr),
      ranges_(use.ranges && remover_ == nullptr),
      headers_(use.headers),
      pool_(use.workers + 2),
      header_finder_(spec.header, use.skip_first_line) {}

void RangeBlocks::deliver(const RangeFile& file, std::uint64_t begin, std::uint64_t end,
                          Block* block) {
  if (ranges_) {
    *block = Block{.kind = Block::Kind::kRange,
                   .number = ++number_,
                   .file = file.fd(),
                   .offset = begin,
                   .length = end - begin,
                   .header = headers_ ? header_ : nullptr};
    return;
  }
  const std::size_t header_bytes = header_ && headers_ ? header_->size() : 0;
  auto size = static_cast<std::size_t>(end - begin);
  BlockMemory memory = pool_.take(header_bytes + size);
  if (header_bytes > 0) std::memcpy(memory.data(), header_->data(), header_bytes);
  file.read_exactly(begin, size, memory.data() + header_bytes);
  if (remover_) {
    size = remover_->remove(memory.data() + header_bytes, size);
    memory.resize(header_bytes + size);
  }
  *block = Block{.kind = Block::Kind::kMemory,
                 .number = ++number_,
                 .memory = std::move(memory),
                 .length = header_bytes + size,
                 .header_bytes = header_bytes};
}

std::uint64_t RangeBlocks::read_header(const RangeFile& file, std::uint64_t begin) {
  header_.reset();
  if (!header_finder_.is_wanted()) return 0;
  const std::uint64_t end = file.size();
  std::string text;
  for (std::uint64_t size = 64 << 10;; size *= 8) {
    const bool is_all = begin + size >= end;
    file.read(begin, is_all ? std::max(begin, end) : begin + size, &text);
    const auto found = header_finder_.find(text, is_all);
    if (!found) continue;
    const std::size_t header_bytes = found->end - found->begin;
    if (header_bytes > 0)
      header_ = std::make_shared<const std::string>(text, found->begin, header_bytes);
    return found->end;
  }
}

StdinRanges::StdinRanges(const PipeSpec& spec, std::unique_ptr<RecordSplitter> splitter,
                         RangeFile file, std::uint64_t offset, const BlockUse& use)
    : RangeBlocks(spec, use),
      splitter_(std::move(splitter)),
      file_(std::move(file)),
      search_(file_, *splitter_),
      warn_(use.warn),
      at_(offset),
      block_bytes_(spec.block_bytes),
      given_bytes_(block_bytes_) {}

Pull StdinRanges::pull(Block* block) {
  if (std::exchange(header_pending_, false)) at_ += read_header(file_, at_);
  for (;;) {
    const std::uint64_t size = file_.size();
    if (at_ >= size) return Pull::kEnd;
    std::uint64_t end = size;
    if (size - at_ >= block_bytes_) end = search_.last_before(at_, at_ + block_bytes_);
    // The last block, where no record ends in it.
    if (end == 0 && size - at_ == block_bytes_) end = size;
    if (end > 0) {
      warn_if_enlarged();
      deliver(file_, at_, end, block);
      at_ = end;
      // Whoever reads our stdin behind us goes on where we stopped.
      (void)::lseek(file_.fd()->get(), static_cast<off_t>(at_), SEEK_SET);
      return Pull::kRecord;
    }
    block_bytes_ =
        static_cast<std::uint64_t>(std::ceil(static_cast<double>(block_bytes_) * 1.3 + 1));
  }
}

void StdinRanges::warn_if_enlarged() {
  if (block_bytes_ == given_bytes_) return;
  if (warn_)
    warn_(fmt::format("a record is longer than --block {}: blocks are {} bytes from here on",
                      given_bytes_, block_bytes_));
  given_bytes_ = block_bytes_;
}

PartBlocks::PartBlocks(const PipeSpec& spec, std::unique_ptr<RecordSplitter> splitter,
                       std::vector<std::string> paths, const BlockUse& use)
    : RangeBlocks(spec, use),
      splitter_(std::move(splitter)),
      paths_(std::move(paths)),
      block_bytes_(spec.block_bytes) {
  // All are looked at first, so that a mistake is told before jobs run.
  std::uint64_t total = 0;
  for (const std::string& path : paths_) total += RangeFile(path).size();
  if (spec.blocks_per_worker > 0)
    block_bytes_ = total / (std::uint64_t{spec.blocks_per_worker} * use.workers) + 1;
}

Pull PartBlocks::pull(Block* block) {
  while (!file_ || at_ >= size_) {
    if (!open_next()) return Pull::kEnd;
  }
  if (file_->size() < size_) {
    throw Error(
        fmt::format("{} has become shorter while --pipe-part cut it: it had {} bytes, and "
                    "has {}",
                    file_->name(), size_, file_->size()));
  }
  const std::uint64_t place = at_ + block_bytes_;
  const std::uint64_t end = size_ - at_ <= block_bytes_
                                ? size_
                                : RangeSearch(*file_, *splitter_).first_behind(at_, place, size_);
  deliver(*file_, at_, end, block);
  at_ = end;
  return Pull::kRecord;
}

bool PartBlocks::open_next() {
  file_.reset();
  if (next_path_ == paths_.size()) return false;
  file_.emplace(paths_[next_path_++]);
  size_ = file_->size();
  at_ = read_header(*file_, 0);
  if (!header_text().empty()) splitter_->set_header(header_text());
  return true;
}

}  // namespace enjoin
