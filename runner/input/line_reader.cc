#include "runner/input/line_reader.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "enjoin/error.h"
#include "worker/term_safe.h"

namespace enjoin {

bool is_readable(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  int count;
  do {
    count = ::poll(&poll_fd, 1, 0);
  } while (count < 0 && errno == EINTR);
  return count != 0;
}

LineReader::LineReader(const std::string& path, std::string delimiter)
    : name_(path == "-" ? "stdin" : term_safe(path)), delimiter_(std::move(delimiter)) {
  if (delimiter_.empty()) throw Error("the delimiter of inputs is empty; for NUL bytes use -0");
  if (path == "-") {
    fd_ = STDIN_FILENO;
  } else {
    owned_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!owned_) throw system_error("cannot open the input file " + name_, errno);
    fd_ = owned_.get();
  }
  struct stat status;
  if (::fstat(fd_, &status) != 0) throw system_error("cannot read inputs from " + name_, errno);
  if (S_ISDIR(status.st_mode)) throw system_error("cannot read inputs from " + name_, EISDIR);
  may_wait_ = !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode);
  resize_buffer(kBufferBytes);
}

Pull LineReader::pull_slowly(std::string_view* value) {
  for (;;) {
    std::size_t at;
    if (find_delimiter(&at)) return deliver(at, delimiter_.size(), value);
    const Pull more = ended_ ? Pull::kEnd : fill();
    if (more == Pull::kWouldBlock) return more;
    if (more == Pull::kEnd) return begin_ == end_ ? Pull::kEnd : deliver(end_, 0, value);
  }
}

bool LineReader::find_delimiter(std::size_t* at) {
  if (scan_ >= end_) return false;
  const char* from = buffer_.get() + scan_;
  const void* hit = delimiter_.size() == 1
                        ? std::memchr(from, delimiter_[0], end_ - scan_)
                        : ::memmem(from, end_ - scan_, delimiter_.data(), delimiter_.size());
  if (hit != nullptr) {
    *at = static_cast<std::size_t>(static_cast<const char*>(hit) - buffer_.get());
    return true;
  }
  // A delimiter may have begun in the last bytes.
  scan_ = std::max(scan_, end_ - std::min(end_, delimiter_.size() - 1));
  return false;
}

Pull LineReader::deliver(std::size_t at, std::size_t delimiter_bytes, std::string_view* value) {
  if (nul_at_ < at) throw_nul_error();
  *value = {buffer_.get() + begin_, at - begin_};
  begin_ = scan_ = at + delimiter_bytes;
  ++values_;
  return Pull::kRecord;
}

std::string_view LineReader::peek_run() const {
  if (delimiter_.size() != 1) return {};
  const char* from = buffer_.get() + begin_;
  const std::size_t size = std::min(end_, nul_at_) - begin_;
  const void* last = size == 0 ? nullptr : ::memrchr(from, delimiter_[0], size);
  if (last == nullptr) return {};
  return {from, static_cast<std::size_t>(static_cast<const char*>(last) - from) + 1};
}

void LineReader::skip_run(std::size_t bytes, std::size_t values) {
  begin_ += bytes;
  scan_ = begin_;
  values_ += values;
}

/// kRecord: there are more bytes than before.
Pull LineReader::fill() {
  make_room();
  ssize_t count;
  do {
    if (may_wait_ && !is_readable(fd_)) return Pull::kWouldBlock;
    count = ::read(fd_, buffer_.get() + end_, capacity_ - end_);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    // Somebody else made the open file non-blocking.
    if (errno == EAGAIN) return Pull::kWouldBlock;
    throw system_error("cannot read inputs from " + name_, errno);
  }
  if (count == 0) {
    ended_ = true;
    return Pull::kEnd;
  }
  const char* fresh = buffer_.get() + end_;
  const auto size = static_cast<std::size_t>(count);
  if (nul_at_ == kNowhere && delimiter_.find('\0') == std::string::npos) {
    const void* nul = std::memchr(fresh, '\0', size);
    if (nul != nullptr)
      nul_at_ = end_ + static_cast<std::size_t>(static_cast<const char*>(nul) - fresh);
  }
  end_ += size;
  return Pull::kRecord;
}

/// Moves what is left to the front; makes the buffer larger for a long value, and small again
/// after it.
void LineReader::make_room() {
  const std::size_t left = end_ - begin_;
  if (left > 0 && end_ < capacity_) return;
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, left);
    if (nul_at_ != kNowhere) nul_at_ -= begin_;
    scan_ -= begin_;
    begin_ = 0;
    end_ = left;
  }
  if (left == capacity_) {
    if (left >= kMaxValueBytes) {
      throw Error(fmt::format("{}: a value of more than {} MiB: is the delimiter right?",
                              where(values_ + 1), kMaxValueBytes >> 20));
    }
    resize_buffer(capacity_ * 2);
  } else if (capacity_ > kBufferBytes && left <= kBufferBytes / 2) {
    resize_buffer(kBufferBytes);
  }
}

void LineReader::resize_buffer(std::size_t capacity) {
  std::unique_ptr<char[]> larger(new char[capacity]);
  if (end_ > 0) std::memcpy(larger.get(), buffer_.get(), end_);
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

std::string LineReader::where(std::uint64_t value) const {
  if (delimiter_ == "\n") return fmt::format("{}:{}", name_, value);
  return fmt::format("value {} of {}", value, name_);
}

void LineReader::throw_nul_error() const {
  throw Error(fmt::format(
      "{}: a NUL byte, which no argument can hold; where NUL bytes end the values, use -0",
      where(values_ + 1)));
}

}  // namespace enjoin
