#pragma once

#include <string>
#include <string_view>
#include <unistd.h>

#include <sys/mman.h>

#include "ipc/unique_fd.h"

namespace enjoin::test {

/// A file in memory, that has a path and no name: for tests that must leave nothing behind.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text = {}) : fd_(::memfd_create("test", MFD_CLOEXEC)) {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t count = ::write(fd_.get(), text.data() + done, text.size() - done);
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
    }
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }
  std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(fd_.get(), 0, SEEK_END)), '\0');
    const ssize_t got = ::pread(fd_.get(), text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }

 private:
  ipc::UniqueFd fd_;
};

}  // namespace enjoin::test
