#include "runner/executor/line_stream.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <sys/epoll.h>
#include <sys/ioctl.h>

namespace enjoin {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;

}  // namespace

LineStream::LineStream(ipc::UniqueFd pipe, std::size_t most_line)
    : pipe_(std::move(pipe)), most_line_(most_line) {
  if (pipe_) ::fcntl(pipe_.get(), F_SETFL, ::fcntl(pipe_.get(), F_GETFL) | O_NONBLOCK);
}

void LineStream::watch(int epoll, std::uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_.get(), &event) == 0) epoll_ = epoll;
}

// A forked process may have a copy of the pipe, which epoll would go on to tell of.
void LineStream::close() {
  if (pipe_ && epoll_ >= 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, pipe_.get(), nullptr);
  pipe_.reset();
  if (bytes_.size() > taken_ && bytes_.back() != '\n') bytes_ += '\n';
}

bool LineStream::read_some() {
  if (!pipe_) return false;
  if (taken_ > 0) {
    bytes_.erase(0, taken_);
    scanned_ -= std::exchange(taken_, 0);
  }
  const std::size_t before = bytes_.size();
  bytes_.resize(before + kReadSize);
  ssize_t size = 0;
  do {
    size = ::read(pipe_.get(), bytes_.data() + before, kReadSize);
  } while (size < 0 && errno == EINTR);
  bytes_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size > 0) return true;
  if (size < 0 && errno == EAGAIN) return false;
  close();
  return false;
}

void LineStream::read_last() {
  int there = 0;
  if (pipe_) ::ioctl(pipe_.get(), FIONREAD, &there);
  const std::size_t end = bytes_.size() - taken_ + static_cast<std::size_t>(std::max(there, 0));
  while (pipe_ && bytes_.size() - taken_ < end && read_some()) {
  }
  close();
}

bool LineStream::next(std::string_view* line) {
  const std::string_view rest = std::string_view(bytes_).substr(taken_);
  std::size_t size = rest.find('\n', scanned_ - taken_);
  scanned_ = bytes_.size();
  if (most_line_ != 0 && std::min(size, rest.size()) > most_line_) {
    *line = rest.substr(0, most_line_);
    taken_ += most_line_;
    scanned_ = taken_;
    return true;
  }
  if (size == std::string_view::npos) return false;
  *line = rest.substr(0, size);
  taken_ += size + 1;
  scanned_ = taken_;
  return true;
}

}  // namespace enjoin
