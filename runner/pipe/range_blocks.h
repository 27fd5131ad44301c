#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/unique_fd.h"
#include "runner/pipe/block_source.h"
#include "runner/pipe/header_finder.h"
#include "runner/pipe/memory_pool.h"
#include "runner/pipe/record_splitter.h"

namespace enjoin {

/// A regular file or a block device, read at any place. Never by mapping it: a file that shrinks
/// would kill us.
class RangeFile {
 public:
  /// Throws Error where it cannot be opened, or cannot be read at any place.
  explicit RangeFile(const std::string& path);
  /// Of a descriptor: a duplicate is kept.
  RangeFile(int fd, std::string name);

  const std::shared_ptr<const ipc::UniqueFd>& fd() const { return fd_; }
  const std::string& name() const { return name_; }
  /// Now: it may grow and shrink.
  std::uint64_t size() const;
  /// Replaces `*text` by what lies in [begin, end); shorter where the file ends before.
  void read(std::uint64_t begin, std::uint64_t end, std::string* text) const;
  /// Reads exactly `size` bytes. Throws Error where the file has become shorter.
  void read_exactly(std::uint64_t begin, std::size_t size, char* to) const;

 private:
  std::shared_ptr<const ipc::UniqueFd> fd_;
  std::string name_;  // for messages
};

/// Finds boundaries in a file, reading around the places in question only.
class RangeSearch {
 public:
  RangeSearch(const RangeFile& file, RecordSplitter& splitter) : file_(file), splitter_(splitter) {}
  /// The last boundary in [begin, end), where a record begins at `begin`; 0: none.
  std::uint64_t last_before(std::uint64_t begin, std::uint64_t end);
  /// The first boundary whose separator begins at `from` or behind; `size` where there is none
  /// before the end of the file. A record begins at `begin`.
  std::uint64_t first_behind(std::uint64_t begin, std::uint64_t from, std::uint64_t size);

 private:
  const RangeFile& file_;
  RecordSplitter& splitter_;
  std::string text_;
};

/// What makes blocks of ranges: common to both sources below.
class RangeBlocks : public BlockSource {
 public:
  int wait_fd() const override { return -1; }
  std::shared_ptr<const std::string> header() const override {
    return headers_ ? nullptr : header_;
  }
  void recycle(Block block) override { pool_.put(std::move(block.memory)); }

 protected:
  RangeBlocks(const PipeSpec& spec, const BlockUse& use);
  void deliver(const RangeFile& file, std::uint64_t begin, std::uint64_t end, Block* block);
  /// Reads the header of `file` at `begin`; gives its bytes.
  std::uint64_t read_header(const RangeFile& file, std::uint64_t begin);
  std::string_view header_text() const { return header_ ? *header_ : std::string_view(); }

 private:
  std::unique_ptr<SeparatorRemover> remover_;  // null: they stay
  const bool ranges_;
  const bool headers_;
  MemoryPool pool_;
  HeaderFinder header_finder_;
  std::shared_ptr<const std::string> header_;  // null: none
  std::uint64_t number_ = 0;
};

/// --pipe where stdin is a regular file: the blocks that StreamBlocks makes, without reading them.
/// The file's offset is moved along.
class StdinRanges final : public RangeBlocks {
 public:
  StdinRanges(const PipeSpec& spec, std::unique_ptr<RecordSplitter> splitter, RangeFile file,
              std::uint64_t offset, const BlockUse& use);
  Pull pull(Block* block) override;

 private:
  void warn_if_enlarged();

  const std::unique_ptr<RecordSplitter> splitter_;
  const RangeFile file_;
  RangeSearch search_;
  const std::function<void(const std::string&)> warn_;
  std::uint64_t at_;
  std::uint64_t block_bytes_;
  std::uint64_t given_bytes_;  // block_bytes_ when the person was told last
  bool header_pending_ = true;
};

/// --pipepart: each file is cut behind the first record that ends at or behind each --block bytes,
/// reckoned from where the block begins, as GNU parallel cuts it.
class PartBlocks final : public RangeBlocks {
 public:
  PartBlocks(const PipeSpec& spec, std::unique_ptr<RecordSplitter> splitter,
             std::vector<std::string> paths, const BlockUse& use);
  Pull pull(Block* block) override;

 private:
  bool open_next();

  const std::unique_ptr<RecordSplitter> splitter_;
  const std::vector<std::string> paths_;
  std::size_t next_path_ = 0;
  std::uint64_t block_bytes_;
  std::optional<RangeFile> file_;
  std::uint64_t at_ = 0;
  std::uint64_t size_ = 0;  // of the file when it was opened
};

}  // namespace enjoin
