#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/unique_fd.h"

namespace enjoin {

/// A pipe that a job writes to, read without blocking and cut into lines.
class LineStream {
 public:
  /// A line longer than `most_line` bytes comes in pieces of that size; 0: no limit.
  LineStream(ipc::UniqueFd pipe, std::size_t most_line);

  /// From now until its end `epoll` tells with `key` that there is something to read. Where that
  /// cannot be, read_last() reads it all.
  void watch(int epoll, std::uint64_t key);

  /// -1 once the last writer is gone.
  int fd() const { return pipe_.get(); }

  /// Reads once. False: nothing was there.
  bool read_some();
  /// Reads what is there now, however much others add meanwhile, and takes a last line without a
  /// newline for complete. The pipe is closed.
  void read_last();
  /// The next complete line, without its newline. It is valid until the next call of anything.
  bool next(std::string_view* line);

 private:
  void close();

  ipc::UniqueFd pipe_;
  int epoll_ = -1;
  std::size_t most_line_;
  std::string bytes_;
  std::size_t taken_ = 0;    ///< of bytes_
  std::size_t scanned_ = 0;  ///< of bytes_, without a newline from taken_ on
};

}  // namespace enjoin
