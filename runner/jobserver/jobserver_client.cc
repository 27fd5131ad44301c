#include "runner/jobserver/jobserver_client.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

namespace enjoin {
namespace {

// Whether `fd` was given to us by our caller, and is a pipe that can be used so. What we have
// opened ourselves is close-on-exec, and never what make speaks of.
bool is_given_pipe(int fd, int unwanted_access) {
  const int descriptor_flags = ::fcntl(fd, F_GETFD);
  if (descriptor_flags < 0 || (descriptor_flags & FD_CLOEXEC) != 0) return false;
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) return false;
  return (::fcntl(fd, F_GETFL) & O_ACCMODE) != unwanted_access;
}

bool is_usable(const MakeFlags& flags) {
  if (flags.style == JobserverStyle::kPipe) {
    return is_given_pipe(flags.read_fd, O_WRONLY) && is_given_pipe(flags.write_fd, O_RDONLY);
  }
  struct stat status {};
  return flags.style == JobserverStyle::kFifo && ::stat(flags.path.c_str(), &status) == 0 &&
         S_ISFIFO(status.st_mode);
}

std::string path_of(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

}  // namespace

std::unique_ptr<JobserverClient> JobserverClient::connect(const MakeFlags& flags) {
  if (!is_usable(flags)) return nullptr;
  const bool is_fifo = flags.style == JobserverStyle::kFifo;
  const std::string from = is_fifo ? flags.path : path_of(flags.read_fd);
  const std::string to = is_fifo ? flags.path : path_of(flags.write_fd);
  ipc::UniqueFd from_fd(::open(from.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ipc::UniqueFd to_fd(::open(to.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!from_fd || !to_fd) return nullptr;
  return std::unique_ptr<JobserverClient>(
      new JobserverClient(std::move(from_fd), std::move(to_fd)));
}

JobserverClient::~JobserverClient() {
  give_back_beyond(0);
}

bool JobserverClient::try_take() {
  if (in_use_ >= 1 + tokens_.size()) {
    char token = 0;
    const ssize_t got = ::read(from_.get(), &token, 1);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) broken_ = true;
    if (got != 1) {
      refused_ = true;
      return false;
    }
    tokens_ += token;
  }
  ++in_use_;
  return true;
}

void JobserverClient::put_back() {
  --in_use_;
}

void JobserverClient::began(std::uint64_t job) {
  jobs_.insert(job);
}

void JobserverClient::ended(std::uint64_t job) {
  if (jobs_.erase(job) != 0) --in_use_;
}

void JobserverClient::turn(TimePoint) {
  starving_ = std::exchange(refused_, false);
  give_back_beyond(in_use_);
}

void JobserverClient::give_back_beyond(std::size_t needed) {
  while (!tokens_.empty() && tokens_.size() + 1 > needed) {
    // It came out of this pipe, so there is room for it.
    if (::write(to_.get(), &tokens_.back(), 1) < 0 && errno == EINTR) continue;
    tokens_.pop_back();
  }
}

int JobserverClient::wait_fd() const {
  return starving_ && !broken_ ? from_.get() : -1;
}

std::chrono::nanoseconds JobserverClient::until_due(TimePoint) const {
  return std::chrono::nanoseconds(-1);
}

MakeFlags offered_jobserver() {
  const char* const text = std::getenv("MAKEFLAGS");
  if (text == nullptr) return {};
  MakeFlags flags = parse_makeflags(text);
  return is_usable(flags) ? flags : MakeFlags{};
}

}  // namespace enjoin
