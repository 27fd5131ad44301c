#pragma once

#include <cstdio>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/mman.h>

#include "ipc/unique_fd.h"

namespace enjoin::test {

/// While it lives, stdout and stderr are two files that have no name. Check nothing meanwhile: a
/// failure would be told there.
class StdoutFile {
 public:
  StdoutFile() {
    std::fflush(nullptr);
    for (int stream : {0, 1}) {
      before_[stream].reset(::fcntl(1 + stream, F_DUPFD_CLOEXEC, 3));
      files_[stream].reset(::memfd_create("stdout", MFD_CLOEXEC));
      ::dup2(files_[stream].get(), 1 + stream);
    }
  }
  ~StdoutFile() { restore(); }
  StdoutFile(const StdoutFile&) = delete;
  StdoutFile& operator=(const StdoutFile&) = delete;

  void restore() {
    if (!before_[0]) return;
    std::fflush(nullptr);
    for (int stream : {0, 1}) {
      ::dup2(before_[stream].get(), 1 + stream);
      before_[stream].reset();
    }
  }
  /// Gives stdout and stderr back, and says what was written to one (0: stdout, 1: stderr).
  std::string text(int stream = 0) {
    restore();
    std::string text;
    char chunk[65536];
    for (ssize_t got; (got = ::pread(files_[stream].get(), chunk, sizeof chunk,
                                     static_cast<off_t>(text.size()))) > 0;)
      text.append(chunk, static_cast<std::size_t>(got));
    return text;
  }

 private:
  ipc::UniqueFd before_[2];
  ipc::UniqueFd files_[2];
};

}  // namespace enjoin::test
