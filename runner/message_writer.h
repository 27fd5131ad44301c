#pragma once

#include <string>
#include <string_view>

#include "ipc/unique_fd.h"

namespace enjoin {

/// Writes what the supervisor has to say on stderr without ever waiting for whoever reads it: what
/// is not taken now waits in memory, up to a bound, and what is beyond that is counted only.
class MessageWriter {
 public:
  static constexpr std::size_t kMostWaiting = 1 << 20;

  explicit MessageWriter(int fd) : fd_(fd) {}
  ~MessageWriter() { go_on(); }
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  void say(std::string_view text);
  /// Tries again with what waits.
  void go_on();
  bool is_waiting() const { return !waiting_.empty() || left_out_ > 0; }
  /// The run is over: waits until all is taken, or the reader is gone, or `give_up_fd` becomes
  /// readable.
  void wait_written(int give_up_fd);

 private:
  void open_own();
  bool write_some();

  int fd_;
  ipc::UniqueFd own_;      // the same pipe or terminal, opened anew so that it can be non-blocking
  bool opened_ = false;    // or tried to
  bool may_block_ = true;  // where that could not be had
  std::string waiting_;
  std::size_t left_out_ = 0;  // messages
};

}  // namespace enjoin
