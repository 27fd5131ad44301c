#pragma once

#include <cstddef>
#include <string>

#include "runner/input/input_source.h"

namespace enjoin {

/// Reads a descriptor that others may share: changes none of its flags, and never waits.
class StreamReader {
 public:
  /// `fd` stays the caller's. Throws Error where it cannot be read.
  StreamReader(int fd, std::string name);

  /// Reads up to `size` bytes to `to`. kRecord: `*got` bytes came; kWouldBlock; kEnd.
  Pull read(char* to, std::size_t size, std::size_t* got);
  int fd() const { return fd_; }

 private:
  const int fd_;
  const std::string name_;
  bool may_wait_ = true;
};

}  // namespace enjoin
