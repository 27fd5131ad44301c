#pragma once

// A pool worker's stderr.
//
// What a function writes there goes into an unnamed file, and from that, when a batch of jobs has
// ended, to the stderr that the worker inherited: whole, so that no line of one worker is cut by
// another's. What is there when the worker dies, the host forwards, and tells with the failure.
//
// The file is opened twice. The one opening is the worker's stderr, for appending. The other one
// is never written: its offset, which the host shares, says how much was forwarded, and sendfile(2)
// moves it in the call that copies.

#include <cstdint>
#include <string>

#include "ipc/unique_fd.h"

namespace enjoin {

/// A worker's end. One a process.
class ErrorLog {
 public:
  /// Fd 2 is the log from here on. `turn`: any file that all workers have open; a lock on its first
  /// byte says whose turn it is to write.
  ErrorLog(ipc::UniqueFd appended, ipc::UniqueFd mark, int turn);

  /// Forwards what is new. Blocks where stderr does. Ends with the first error.
  void forward();
  /// What comes now is for the host alone, once this process is gone.
  void keep_for_host();

 private:
  void forward_new(std::int64_t end);
  void give_back(std::int64_t end);

  ipc::UniqueFd mark_;
  ipc::UniqueFd inherited_;
  int turn_;
  std::int64_t forwarded_ = 0;
  std::int64_t given_back_ = 0;
};

/// The host's end.
struct ErrorLogFiles {
  ipc::UniqueFd appended;
  ipc::UniqueFd mark;
};
/// Throws Error.
ErrorLogFiles make_error_log();

/// After the worker's death: what it did not come to forwarding, the last 64 KiB of it. Nothing is
/// left to be taken then.
std::string take_unforwarded(int mark);
/// The last ten lines of a text, without what a terminal would obey.
std::string last_lines_of(const std::string& text);

}  // namespace enjoin
