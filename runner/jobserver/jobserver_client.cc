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

ipc::UniqueFd copy_of(int fd) {
  return ipc::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace

std::unique_ptr<JobserverClient> JobserverClient::connect(const MakeFlags& flags,
                                                          const std::string& descriptors) {
  if (!is_usable(flags)) return nullptr;
  const bool is_fifo = flags.style == JobserverStyle::kFifo;
  const std::string from = is_fifo ? flags.path : descriptors + std::to_string(flags.read_fd);
  const std::string to = is_fifo ? flags.path : descriptors + std::to_string(flags.write_fd);
  Pipe tokens{ipc::UniqueFd(::open(from.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)),
              ipc::UniqueFd(::open(to.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC))};
  Pipe own;
  if (!is_fifo && (!tokens.from || !tokens.to)) {
    tokens = {copy_of(flags.read_fd), copy_of(flags.write_fd)};
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
    own = {ipc::UniqueFd(ends[0]), ipc::UniqueFd(ends[1])};
  }
  if (!tokens.from || !tokens.to) return nullptr;
  return std::unique_ptr<JobserverClient>(new JobserverClient(std::move(tokens), std::move(own)));
}

JobserverClient::~JobserverClient() {
  give_back_beyond(0);
}

// As read(): 1, or 0 at the end, or -1.
long JobserverClient::read_token(char* token) {
  if (!own_.from) return ::read(from_.get(), token, 1);
  // Its flags say that reading waits, and who else has the pipe relies on them. But moving from
  // pipe to pipe waits only where the call says so.
  const long moved =
      ::splice(from_.get(), nullptr, own_.to.get(), nullptr, 1, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  return moved == 1 ? ::read(own_.from.get(), token, 1) : moved;
}

bool JobserverClient::try_take() {
  if (in_use_ >= 1 + tokens_.size()) {
    char token = 0;
    const long got = read_token(&token);
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
