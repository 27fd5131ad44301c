#include "runner/pipe/stream_reader.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

#include "enjoin/error.h"
#include "runner/input/line_reader.h"

namespace enjoin {
namespace {

/// As much as an ordinary user may have. With the usual 64 KiB, the writer and we take turns.
constexpr int kPipeBytes = 1 << 20;

}  // namespace

StreamReader::StreamReader(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
  struct stat status;
  if (::fstat(fd, &status) != 0) throw system_error("cannot read " + name_, errno);
  if (S_ISDIR(status.st_mode)) throw system_error("cannot read " + name_, EISDIR);
  may_wait_ = !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode);
  if (!S_ISFIFO(status.st_mode)) return;
  const int now = ::fcntl(fd, F_GETPIPE_SZ);
  if (now > 0 && now < kPipeBytes) (void)::fcntl(fd, F_SETPIPE_SZ, kPipeBytes);
}

Pull StreamReader::read(char* to, std::size_t size, std::size_t* got) {
  ssize_t count;
  do {
    if (may_wait_ && !is_readable(fd_)) return Pull::kWouldBlock;
    count = ::read(fd_, to, size);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    // Somebody else made the open file non-blocking.
    if (errno == EAGAIN) return Pull::kWouldBlock;
    throw system_error("cannot read " + name_, errno);
  }
  *got = static_cast<std::size_t>(count);
  return count == 0 ? Pull::kEnd : Pull::kRecord;
}

}  // namespace enjoin
