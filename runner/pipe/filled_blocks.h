#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "runner/pipe/block_source.h"
#include "runner/pipe/record_splitter.h"

namespace enjoin {

/// -r: leaves out blocks whose records hold nothing but blanks and newlines.
class FilledBlocks final : public BlockSource {
 public:
  FilledBlocks(std::unique_ptr<BlockSource> source, const PipeSpec& spec);
  Pull pull(Block* block) override;
  int wait_fd() const override { return source_->wait_fd(); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override {
    return source_->deadline();
  }
  std::shared_ptr<const std::string> header() const override { return source_->header(); }
  void recycle(Block block) override { source_->recycle(std::move(block)); }

 private:
  bool is_blank(const Block& block);
  bool is_blank_text(std::string_view text);

  const std::unique_ptr<BlockSource> source_;
  std::unique_ptr<SeparatorRemover> remover_;  // null: separators are blank, or are gone already
  std::uint64_t number_ = 0;
};

}  // namespace enjoin
