#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <utility>

#include "ipc/stdin_ticket.h"

namespace enjoin {

/// Moves the bytes of a StdinAnswer into a pipe, a fifo or a file, without copying where the kernel
/// can (splice, copy_file_range), and without ever blocking on a pipe. SIGPIPE must be blocked.
class StdinFeed {
 public:
  StdinFeed() = default;
  /// What is to be moved. A kFile answer counts as one piece up to the file's or the pipe's end.
  StdinFeed(const ipc::StdinAnswer& answer, ipc::StdinDescriptors descriptors);

  /// Makes a pipe to feed, as large as it may be. Returns the end to read from, or none and errno.
  ipc::UniqueFd open_pipe();
  /// Feeds into `fd`, which does not block (a fifo's writing end).
  void open_into(ipc::UniqueFd fd) { into_ = std::move(fd); }
  bool is_open() const { return static_cast<bool>(into_); }

  /// What to wait for before the next pump(); fd -1: nothing, all is done.
  pollfd wants() const;
  /// Moves what goes without waiting. Closes the pipe behind the last byte, and where nobody reads
  /// any more.
  void pump();
  void close() { into_.reset(); }
  /// Copies all into the file `fd`; waits for a pipe's bytes. `go_on` is asked now and then; false
  /// ends it. Returns 0, or errno (ECANCELED where go_on said so).
  template <typename GoOn>
  int copy_into(int fd, GoOn&& go_on) {
    while (at_ < pieces_) {
      if (!go_on()) return ECANCELED;
      if (const int error = copy_some(fd); error != 0) return error;
    }
    return 0;
  }

  /// A piece ended before its length: its file has become shorter.
  bool fell_short() const { return short_; }

 private:
  enum class Moved : std::uint8_t { kSome, kNothing, kEnd, kNoReader, kUnable };
  Moved splice_some();
  Moved copy_through_us();
  int copy_some(int fd);
  void advance(std::uint64_t bytes);
  void end_piece();

  ipc::StdinDescriptors from_{};
  std::array<ipc::StdinPiece, ipc::StdinAnswer::kMostPieces> piece_{};
  std::array<bool, ipc::StdinAnswer::kMostPieces> stream_{};  // a pipe: it has no offsets
  std::size_t pieces_ = 0;
  std::size_t at_ = 0;  // the piece being moved
  ipc::UniqueFd into_;
  bool waits_for_input_ = false;
  bool short_ = false;
  bool no_splice_ = false;
};

}  // namespace enjoin
