#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "runner/pipe/block_source.h"

namespace enjoin {

/// -r: leaves out blocks that hold nothing but blanks and newlines.
class FilledBlocks final : public BlockSource {
 public:
  explicit FilledBlocks(std::unique_ptr<BlockSource> source) : source_(std::move(source)) {}
  Pull pull(Block* block) override;
  int wait_fd() const override { return source_->wait_fd(); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override {
    return source_->deadline();
  }
  std::shared_ptr<const std::string> header() const override { return source_->header(); }
  void recycle(Block block) override { source_->recycle(std::move(block)); }

 private:
  const std::unique_ptr<BlockSource> source_;
  std::uint64_t number_ = 0;
};

}  // namespace enjoin
