#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runner/cli/options.h"
#include "runner/input/input_source.h"
#include "runner/pipe/block.h"

namespace enjoin {

/// A stream of blocks of whole records: what --pipe and --pipepart give to jobs.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  /// kRecord: `*block` was replaced by the next one. Throws Error where reading fails, or where a
  /// file has become shorter.
  virtual Pull pull(Block* block) = 0;
  /// The descriptor to poll after kWouldBlock; -1 where pull never says kWouldBlock.
  virtual int wait_fd() const = 0;
  /// --block-timeout: after kWouldBlock, pull again at this time at the latest.
  virtual std::optional<std::chrono::steady_clock::time_point> deadline() const { return {}; }
  /// The header, where blocks come without it (BlockUse::headers); null: none. Known once a block
  /// was pulled.
  virtual std::shared_ptr<const std::string> header() const { return {}; }
  /// Takes back a block that nobody reads any more, for its memory. Only where it is certain that
  /// no process holds it: who is not sure lets the block be destroyed.
  virtual void recycle(Block block) = 0;
};

/// What whoever takes the blocks can do with them.
struct BlockUse {
  std::uint32_t workers = 1;  ///< jobs at once: --block -N makes N blocks for each
  bool ranges = true;         ///< false: every block is to be of Kind::kMemory
  /// false: the header is not put before every block. Whoever takes them asks for header(), because
  /// one job gets several.
  bool headers = true;
  bool skip_first_line = false;  ///< set by open_blocks()
  /// Warnings for the person: a record longer than the block, for instance. No program name, no
  /// newline.
  std::function<void(const std::string&)> warn = {};
};

/// Opens what `pipe.mode` says: stdin for kPipe, the files of `input.sources` for kPart.
/// `input.column_regex` is the separator for --group-by. Throws Error where a file cannot be opened
/// or is nothing that --pipe-part can cut; UsageError for options that contradict. With --shard and
/// --bin, records are lines, and the header of a column given by name is left for RecordRouter.
std::unique_ptr<BlockSource> open_blocks(const PipeSpec& pipe, const InputSpec& input,
                                         const BlockUse& use);
/// The same with another descriptor for stdin, which stays the caller's.
std::unique_ptr<BlockSource> open_blocks(const PipeSpec& pipe, const InputSpec& input, int stdin_fd,
                                         const BlockUse& use);

}  // namespace enjoin
