#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/pipe/block_source.h"
#include "runner/pipe/header_finder.h"
#include "runner/pipe/memory_pool.h"
#include "runner/pipe/record_splitter.h"
#include "runner/pipe/stream_blocks.h"
#include "runner/pipe/stream_reader.h"

namespace enjoin {

/// Blocks of so many records (-N), of a stream: handed out as soon as they are complete, whatever
/// --block says. A buffer holds what was read; each block is copied out of it.
class CountedBlocks final : public BlockSource {
 public:
  CountedBlocks(const PipeSpec& spec, std::unique_ptr<RecordSplitter> splitter, StreamReader reader,
                const BlockUse& use);
  Pull pull(Block* block) override;
  int wait_fd() const override { return reader_.fd(); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override {
    return timer_.deadline();
  }
  std::shared_ptr<const std::string> header() const override { return apart_; }
  void recycle(Block block) override { pool_.put(std::move(block.memory)); }

 private:
  std::string_view data() const { return {buffer_.data() + begin_, end_ - begin_}; }
  bool has_much() const { return ended_ || data().size() >= enough_; }
  bool try_cut(Block* block);
  Pull read();
  bool take_header();
  void make_room();
  void hand_over(std::size_t size, Block* block);

  const std::unique_ptr<RecordSplitter> splitter_;
  std::unique_ptr<SeparatorRemover> remover_;  // null: they stay
  StreamReader reader_;
  MemoryPool pool_;
  BlockTimer timer_;
  HeaderFinder header_finder_;
  bool header_pending_;
  const bool headers_;
  std::string header_;                        // put before every block
  std::shared_ptr<const std::string> apart_;  // the header, where it is not
  const std::uint64_t records_;               // a block
  std::size_t enough_;                        // bytes that are much

  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what was read and not handed out
  std::size_t end_ = 0;
  bool ended_ = false;
  bool is_news_ = false;       // there may be boundaries that were not looked for
  RecordSplitter::Scan scan_;  // of data()
  std::uint64_t counted_ = 0;  // records before scan_.boundary
  std::uint64_t number_ = 0;
};

}  // namespace enjoin
