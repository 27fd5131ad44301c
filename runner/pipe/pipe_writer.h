#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "ipc/unique_fd.h"
#include "runner/pipe/block.h"

namespace enjoin {

/// Bytes on their way into a pipe: a block that others may be writing too, or text.
struct PipeChunk {
  std::shared_ptr<const Block> block = {};
  std::shared_ptr<const std::string> text = {};  ///< instead of a block
  std::uint64_t done = 0;                        ///< bytes written already
  std::uint64_t size() const;
};

/// A pipe into a job, and what waits to be written into it. Never blocks. SIGPIPE must be blocked.
class PipeWriter {
 public:
  /// Makes the pipe; returns the end to read from, or none and errno.
  ipc::UniqueFd open();
  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }

  void add(PipeChunk chunk) { queue_.push_back(std::move(chunk)); }
  std::size_t waiting() const { return queue_.size(); }
  std::deque<PipeChunk>& queue() { return queue_; }
  /// The pipe has room again, or no reader any more.
  void unblock() { blocked_ = false; }

  enum class Wrote : std::uint8_t { kAll, kBlocked, kNoReader };
  /// Writes what goes, `most` bytes or so.
  Wrote write_some(std::uint64_t most);
  std::uint64_t written() const { return written_; }
  /// Bytes that lie in the pipe and were not read.
  std::uint64_t unread() const;
  void close() { fd_.reset(); }
  bool fell_short() const { return short_; }  ///< a file ended before its range did

 private:
  enum class Moved : std::uint8_t { kSome, kBlocked, kNoReader, kEnd };
  Moved write_piece(const char* data, std::uint64_t size, PipeChunk& chunk);
  Moved write_chunk(PipeChunk& chunk);
  Moved splice_range(PipeChunk& chunk, std::uint64_t header);

  ipc::UniqueFd fd_;
  std::deque<PipeChunk> queue_;
  std::uint64_t written_ = 0;
  bool blocked_ = false;
  bool short_ = false;
};

}  // namespace enjoin
