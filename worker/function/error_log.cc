#include "worker/function/error_log.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "enjoin/error.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::int64_t kGiveBackEach = 1 << 20;
constexpr std::int64_t kMostLeft = 64 << 10;
constexpr std::size_t kMostLines = 10;
constexpr int kLowestFd = 10;  // those below are for what functions open

/// The lock on a file's first byte. It goes with the process.
class Turn {
 public:
  explicit Turn(int file) : file_(file) { set(F_WRLCK); }
  ~Turn() { set(F_UNLCK); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  void set(short type) const {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    while (::fcntl(file_, F_SETLKW, &lock) != 0 && errno == EINTR) {
    }
  }

  int file_;
};

/// SIGPIPE is for nobody while this lives: writing to a stderr that is closed must not end us.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    const timespec now{};
    while (::sigtimedwait(&pipe_, nullptr, &now) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
};

std::int64_t size_of(int file) {
  struct stat state {};
  return ::fstat(file, &state) == 0 ? state.st_size : 0;
}

// False: `to` takes no more.
bool wait_for_room(int to) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN) return false;
  pollfd watched{to, POLLOUT, 0};
  return ::poll(&watched, 1, -1) >= 0 || errno == EINTR;
}

// Where sendfile does not work: a file that was opened for appending, odd devices.
bool copy_by_write(int mark, int to, std::int64_t size) {
  char block[16 << 10];
  const std::int64_t at = ::lseek(mark, 0, SEEK_CUR);
  const ssize_t got =
      ::pread(mark, block, std::min<std::size_t>(sizeof block, static_cast<std::size_t>(size)), at);
  if (got <= 0) return false;
  const ssize_t put = ::write(to, block, static_cast<std::size_t>(got));
  if (put < 0) return wait_for_room(to);
  ::lseek(mark, at + put, SEEK_SET);
  return true;
}

}  // namespace

ErrorLog::ErrorLog(ipc::UniqueFd appended, ipc::UniqueFd mark, int turn)
    : mark_(std::move(mark)),
      inherited_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kLowestFd)),
      turn_(turn) {
  if (::dup2(appended.get(), STDERR_FILENO) < 0) {
    throw system_error("cannot make a worker's stderr", errno);
  }
}

void ErrorLog::forward() {
  const std::int64_t end = size_of(mark_.get());
  if (end == forwarded_) return;
  forward_new(end);
  forwarded_ = end;
  give_back(end);
}

void ErrorLog::forward_new(std::int64_t end) {
  const NoPipeSignal no_signal;
  const Turn turn(turn_);
  bool by_write = false;
  while (inherited_) {
    const std::int64_t left = end - ::lseek(mark_.get(), 0, SEEK_CUR);
    if (left <= 0) return;
    if (by_write) {
      if (!copy_by_write(mark_.get(), inherited_.get(), left)) inherited_.reset();
    } else if (::sendfile(inherited_.get(), mark_.get(), nullptr, static_cast<std::size_t>(left)) <
               0) {
      if (errno == EINVAL || errno == ENOSYS) {
        by_write = true;
      } else if (!wait_for_room(inherited_.get())) {
        inherited_.reset();  // nobody reads it any more
      }
    }
  }
  ::lseek(mark_.get(), end, SEEK_SET);
}

// What was forwarded takes no memory for ever.
void ErrorLog::give_back(std::int64_t end) {
  constexpr std::int64_t kPage = 4096;
  if (end - given_back_ < kGiveBackEach) return;
  const std::int64_t whole = end / kPage * kPage;
  (void)::fallocate(STDERR_FILENO, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, given_back_,
                    whole - given_back_);
  given_back_ = whole;
}

void ErrorLog::keep_for_host() {
  inherited_.reset();
  ::lseek(mark_.get(), size_of(mark_.get()), SEEK_SET);
}

ErrorLogFiles make_error_log() {
  ErrorLogFiles files;
  files.mark.reset(::memfd_create("enjoin-stderr", MFD_CLOEXEC));
  if (files.mark) {
    char path[32];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", files.mark.get());
    files.appended.reset(::open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
  }
  if (!files.appended)
    throw system_error("cannot make an unnamed file for a worker's stderr", errno);
  return files;
}

std::string take_unforwarded(int mark) {
  const std::int64_t end = size_of(mark);
  const std::int64_t begin = std::max(std::int64_t{::lseek(mark, 0, SEEK_CUR)}, end - kMostLeft);
  std::string text;
  if (end > begin) {
    text.resize(static_cast<std::size_t>(end - begin));
    const ssize_t got = ::pread(mark, text.data(), text.size(), begin);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  ::lseek(mark, end, SEEK_SET);
  return text;
}

std::string last_lines_of(const std::string& text) {
  const std::size_t last = text.find_last_not_of('\n');
  if (last == text.npos) return {};
  std::size_t begin = last + 1;
  for (std::size_t lines = 0; begin > 0; --begin) {
    if (text[begin - 1] == '\n' && ++lines == kMostLines) break;
  }
  return term_safe_lines(text.substr(begin, last + 1 - begin));
}

}  // namespace enjoin
