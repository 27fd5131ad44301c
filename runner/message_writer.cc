#include "runner/message_writer.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "worker/file_turn.h"

namespace enjoin {
namespace {

constexpr std::size_t kWriteAtOnce = 4096;  // what a writable pipe takes without blocking

bool takes_now(int fd) {
  pollfd watched{fd, POLLOUT, 0};
  return ::poll(&watched, 1, 0) > 0;
}

}  // namespace

// A description is shared with whoever else has our stderr: it must not become non-blocking for
// them. So it is opened anew, which works for pipes and terminals. Files never block.
void MessageWriter::open_own() {
  opened_ = true;
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return;
  if (S_ISREG(status.st_mode)) may_block_ = false;
  if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)) return;
  const std::string path = fmt::format("/proc/self/fd/{}", fd_);
  own_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!own_) return;
  fd_ = own_.get();
  may_block_ = false;
}

void MessageWriter::say(std::string_view text) {
  if (waiting_.size() + text.size() > kMostWaiting) {
    ++left_out_;
  } else {
    waiting_ += text;
  }
  go_on();
}

void MessageWriter::go_on() {
  while (!waiting_.empty() && write_some()) {
  }
  if (waiting_.empty() && left_out_ > 0) {
    waiting_ =
        fmt::format("enjoin: Warning: {} messages were left out: nobody read them\n", left_out_);
    left_out_ = 0;
    while (!waiting_.empty() && write_some()) {
    }
  }
}

// False: nothing more is taken now.
bool MessageWriter::write_some() {
  if (!opened_) open_own();
  if (may_block_ && !takes_now(fd_)) return false;
  const std::size_t most = may_block_ ? kWriteAtOnce : waiting_.size();
  const FileTurn turn(fd_, is_plain_file(fd_));  // workers print to it by sendfile(2)
  const ssize_t done = ::write(fd_, waiting_.data(), std::min(most, waiting_.size()));
  if (done < 0 && errno == EINTR) return true;
  if (done < 0 && errno == EAGAIN) return false;
  if (done <= 0) {  // nobody will read it any more
    waiting_.clear();
    left_out_ = 0;
    return false;
  }
  waiting_.erase(0, static_cast<std::size_t>(done));
  return true;
}

void MessageWriter::wait_written(int give_up_fd) {
  for (go_on(); is_waiting(); go_on()) {
    pollfd watched[2] = {{fd_, POLLOUT, 0}, {give_up_fd, POLLIN, 0}};
    ::poll(watched, 2, -1);
    if (watched[1].revents != 0) return;
  }
}

}  // namespace enjoin
