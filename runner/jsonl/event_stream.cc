#include "runner/jsonl/event_stream.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "enjoin/error.h"
#include "runner/jsonl/json_text.h"

namespace enjoin {
namespace {

using Clock = std::chrono::steady_clock;

// So much is collected before a file is written to, if nothing asks for it before.
constexpr std::size_t kBlock = std::size_t{64} << 10;
constexpr std::size_t kWriteAtOnce = 4096;  // what a writable pipe takes without blocking
constexpr std::chrono::milliseconds kLookAgain{20};

bool takes_now(int fd, std::chrono::milliseconds patience) {
  pollfd watched{fd, POLLOUT, 0};
  return ::poll(&watched, 1, static_cast<int>(patience.count())) > 0;
}

/// The signal that came with EPIPE is blocked, and would end us when it is no more.
void forget_broken_pipe() {
  sigset_t blocked, broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  if (::pthread_sigmask(SIG_SETMASK, nullptr, &blocked) != 0) return;
  const timespec now{};
  if (sigismember(&blocked, SIGPIPE) == 1) ::sigtimedwait(&broken_pipe, nullptr, &now);
}

}  // namespace

EventStream::EventStream(const std::string& path, Bounds bounds)
    : bounds_(bounds), name_(path == "-" ? "stdout" : path) {
  if (path == "-") {
    take_stdout();
  } else {
    open_file(path);
  }
  know_kind();
}

void EventStream::open_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode)) return open_fifo(path);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC;
  fd_.reset(::open(path.c_str(), kFlags, 0666));
  if (!fd_) throw system_error(fmt::format("cannot write the events to {}", path), errno);
}

// To open it as others do would wait for a reader where no signal reaches us.
void EventStream::open_fifo(const std::string& path) {
  const Clock::time_point until = Clock::now() + bounds_.patience;
  while (true) {
    fd_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (fd_) return;
    if (errno != ENXIO && errno != EINTR) {
      throw system_error(fmt::format("cannot write the events to {}", path), errno);
    }
    if (Clock::now() >= until) {
      throw Error(fmt::format("cannot write the events to {}: nobody reads this fifo", path));
    }
    std::this_thread::sleep_for(kLookAgain);
  }
}

void EventStream::take_stdout() {
  fd_.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!fd_) throw system_error("cannot write the events to stdout", errno);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
}

// An open file is shared with whoever else has it: it must not become non-blocking for them.
void EventStream::know_kind() {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0 || S_ISREG(status.st_mode)) return;
  kind_ = S_ISSOCK(status.st_mode) ? Kind::kSocket : Kind::kShared;
  if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)) return;
  const std::string path = fmt::format("/proc/self/fd/{}", fd_.get());
  ipc::UniqueFd own(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!own) return;
  fd_ = std::move(own);
  kind_ = Kind::kOurs;
}

void EventStream::put(std::string_view lines) {
  if (is_dead_) return;
  if (kind_ != Kind::kFile && waiting_.size() - written_ + lines.size() > bounds_.most_waiting &&
      is_waiting() && (left_out_ > 0 || !wait_for_room())) {
    left_out_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    return;
  }
  tell_of_gap();
  waiting_ += lines;
  if (waiting_.size() - written_ >= kBlock) flush();
}

void EventStream::tell_of_gap() {
  if (left_out_ == 0) return;
  JsonLine(&waiting_).add("event", "events_lost").add("events", left_out_).end();
  left_out_ever_ += left_out_;
  left_out_ = 0;
}

void EventStream::flush() {
  while (is_waiting() && write_some()) {
  }
}

/// Until half of it is free; false: the reader takes nothing any more.
bool EventStream::wait_for_room() {
  while (waiting_.size() - written_ > bounds_.most_waiting / 2) {
    if (!write_some() && !takes_now(fd_.get(), bounds_.patience)) return false;
  }
  return true;
}

void EventStream::finish() {
  if (is_dead_) return;
  tell_of_gap();
  while (is_waiting()) {
    if (write_some() || takes_now(fd_.get(), bounds_.patience)) continue;
    fail("the reader takes nothing any more");
  }
  if (left_out_ever_ > 0) {
    fail(fmt::format("{} events were left out, because nobody read them for a while",
                     left_out_ever_));
  }
}

/// False: nothing more is taken now.
bool EventStream::write_some() {
  if (kind_ == Kind::kShared && !takes_now(fd_.get(), {})) return false;
  const char* const from = waiting_.data() + written_;
  std::size_t size = waiting_.size() - written_;
  if (kind_ == Kind::kShared) size = std::min(size, kWriteAtOnce);
  const ssize_t done = kind_ == Kind::kSocket
                           ? ::send(fd_.get(), from, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : ::write(fd_.get(), from, size);
  if (done < 0 && errno == EINTR) return true;
  if (done < 0 && errno == EAGAIN) return false;
  if (done <= 0) {
    const int error = errno;
    if (error == EPIPE) forget_broken_pipe();
    fail(error == EPIPE || error == ECONNRESET ? "the reader has gone" : std::strerror(error));
  }
  written_ += static_cast<std::size_t>(done);
  if (written_ == waiting_.size()) {
    waiting_.clear();
    written_ = 0;
  } else if (written_ > waiting_.size() / 2) {
    waiting_.erase(0, written_);
    written_ = 0;
  }
  return true;
}

void EventStream::fail(const std::string& why) {
  is_dead_ = true;
  waiting_.clear();
  written_ = 0;
  throw Error(fmt::format("cannot write the events to {}: {}", name_, why));
}

}  // namespace enjoin
