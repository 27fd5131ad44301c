#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runner/pipe/block_source.h"
#include "runner/pipe/header_finder.h"
#include "runner/pipe/memory_pool.h"
#include "runner/pipe/record_splitter.h"
#include "runner/pipe/stream_reader.h"

namespace enjoin {

/// --block-timeout: runs from the first byte that comes in behind a block.
class BlockTimer {
 public:
  using Clock = std::chrono::steady_clock;
  explicit BlockTimer(std::chrono::nanoseconds limit) : limit_(limit) {}

  void note_bytes() {
    if (limit_.count() > 0 && !deadline_) deadline_ = Clock::now() + limit_;
  }
  void stop() { deadline_.reset(); }
  bool is_over() const { return deadline_ && Clock::now() >= *deadline_; }
  std::optional<Clock::time_point> deadline() const { return deadline_; }

 private:
  const std::chrono::nanoseconds limit_;
  std::optional<Clock::time_point> deadline_;
};

/// Blocks by size, of a stream. It is read straight into the memory that jobs then read from; what
/// lies behind the last record's end, which is little, is copied to the next block.
///
/// A block is the whole records among the first --block bytes behind the block before it, as under
/// GNU parallel. Where they hold no record's end, the size is raised for good, by three tenths at a
/// time.
class StreamBlocks final : public BlockSource {
 public:
  StreamBlocks(const PipeSpec& spec, std::unique_ptr<RecordSplitter> splitter, StreamReader reader,
               const BlockUse& use);
  Pull pull(Block* block) override;
  int wait_fd() const override { return reader_.fd(); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override {
    return timer_.deadline();
  }
  std::shared_ptr<const std::string> header() const override { return apart_; }
  void recycle(Block block) override { pool_.put(std::move(block.memory)); }

 private:
  std::string_view data() const {
    if (!memory_) return {};  // the last block has taken it along
    return {memory_.data() + header_.size(), used_ - header_.size()};
  }
  Pull fill();
  bool take_header();
  void make_room();
  void enlarge();
  void hand_over(std::size_t boundary, Block* block);

  const std::unique_ptr<RecordSplitter> splitter_;
  std::unique_ptr<SeparatorRemover> remover_;  // null: they stay
  StreamReader reader_;
  MemoryPool pool_;
  BlockTimer timer_;
  const std::function<void(const std::string&)> warn_;
  HeaderFinder header_finder_;
  bool header_pending_;
  const bool headers_;
  std::string header_;                        // at the start of every block
  std::shared_ptr<const std::string> apart_;  // the header, where it is not
  std::size_t block_bytes_;
  std::size_t given_bytes_;   // block_bytes_ when the person was told last
  BlockMemory memory_;        // the header and what was read behind it
  std::size_t used_ = 0;      // bytes in memory_
  std::size_t searched_ = 0;  // of data(): they hold no boundary
  bool ended_ = false;
  std::uint64_t number_ = 0;
};

}  // namespace enjoin
