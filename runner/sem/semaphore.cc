#include "runner/sem/semaphore.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/vfs.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

// Permits are bytes from 0 on, the queue is one byte far above them.
constexpr off_t kPermitsEnd = off_t{1} << 40;
constexpr off_t kQueue = kPermitsEnd;

using Pause = std::chrono::nanoseconds;
constexpr Pause kForEver{-1};
// The kernel tells of a closed file just before it drops its locks, so after each piece of news we
// look again, less and less often, for this long.
constexpr Pause kFirstPause = std::chrono::microseconds(50);
constexpr Pause kLongestPause = std::chrono::seconds(2);
// Where nothing tells us: other machines' locks, or no more inotify objects for this user.
constexpr Pause kUntoldPause = std::chrono::milliseconds(50);

struct flock lock_of(short type, off_t start, off_t length) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  return lock;
}

// False: somebody else's lock is in the way, or (waiting) a signal came.
bool set_lock(int fd, int command, short type, off_t start, off_t length) {
  struct flock lock = lock_of(type, start, length);
  if (::fcntl(fd, command, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
  throw system_error("cannot lock a semaphore's file", errno);
}

// Interrupts a lock that is waited for when a deadline has come: again and again, in case the first
// signal came just before the wait.
class Alarm {
 public:
  explicit Alarm(Semaphore::Deadline deadline) : on_(deadline.has_value()) {
    if (!on_) return;
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, &before_);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &alarm, &mask_);
    using std::chrono::microseconds;
    const auto left =
        std::chrono::duration_cast<microseconds>(*deadline - Semaphore::Clock::now()).count();
    const std::int64_t first = std::max<std::int64_t>(left, 1);
    const itimerval timer{{0, 10'000}, {first / 1'000'000, first % 1'000'000}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
  ~Alarm() {
    if (!on_) return;
    const itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  bool on_;
  struct sigaction before_ {};
  sigset_t mask_{};
};

bool is_over(Semaphore::Deadline deadline) {
  return deadline && Semaphore::Clock::now() >= *deadline;
}

// False: the time was over first.
bool wait_lock(int fd, short type, off_t start, off_t length, Semaphore::Deadline deadline) {
  if (set_lock(fd, F_OFD_SETLK, type, start, length)) return true;
  const Alarm alarm(deadline);
  while (!is_over(deadline)) {
    if (set_lock(fd, F_OFD_SETLKW, type, start, length)) return true;
  }
  return set_lock(fd, F_OFD_SETLK, type, start, length);
}

// Other machines may hold locks on such a file, and inotify does not hear of them.
bool is_shared_with_others(int fd) {
  struct statfs system {};
  if (::fstatfs(fd, &system) != 0) return false;
  switch (static_cast<unsigned long>(system.f_type)) {
    case 0x6969:      // NFS
    case 0x517b:      // SMB
    case 0xff534d42:  // CIFS
    case 0xfe534d42:  // SMB2
    case 0x01021997:  // 9p
    case 0x65735546:  // FUSE
    case 0x0bd00bd0:  // Lustre
    case 0x47504653:  // GPFS
      return true;
    default:
      return false;
  }
}

// Tells of every holder that goes. Takes everything out of `fd`; false: there was nothing.
bool drain(int fd) {
  alignas(inotify_event) char events[4096];
  bool any = false;
  while (::read(fd, events, sizeof events) > 0) any = true;
  return any;
}

}  // namespace

Semaphore::Semaphore(std::string folder, std::string_view id)
    : folder_(std::move(folder)), name_(semaphore_file_name(id)) {
  open_folder();
  open_file();
}

void Semaphore::open_folder() {
  for (std::size_t at = folder_.find('/', 1); true; at = folder_.find('/', at + 1)) {
    const std::string part = folder_.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST && at == std::string::npos) {
      throw system_error("cannot make the folder for semaphores (" + folder_ + ")", errno);
    }
    if (at == std::string::npos) break;
  }
  folder_fd_.reset(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder_fd_) {
    throw system_error("cannot open the folder for semaphores (" + folder_ + ")", errno);
  }
  struct stat found {};
  ::fstat(folder_fd_.get(), &found);
  if (found.st_uid != ::geteuid() || (found.st_mode & 022) != 0) {
    throw Error("the folder for semaphores (" + folder_ +
                ") is not ours alone: others own it or may write in it");
  }
}

void Semaphore::open_file() {
  for (int attempt = 0; attempt < 10; ++attempt) {
    file_.reset(::openat(folder_fd_.get(), name_.c_str(),
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
    if (file_ || errno != ENOENT) break;
    open_folder();  // somebody removed it
  }
  if (!file_) throw system_error("cannot open a semaphore (" + folder_ + '/' + name_ + ")", errno);
  struct stat found {};
  ::fstat(file_.get(), &found);
  if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid()) {
    throw Error("the semaphore " + folder_ + '/' + name_ + " is not a file of ours");
  }
}

// Whether our file still is what others find under its name.
bool Semaphore::is_current() const {
  struct stat ours {};
  struct stat named {};
  return ::fstat(file_.get(), &ours) == 0 && ours.st_nlink > 0 &&
         ::stat((folder_ + '/' + name_).c_str(), &named) == 0 && ours.st_dev == named.st_dev &&
         ours.st_ino == named.st_ino;
}

bool Semaphore::wait_queue(Deadline deadline) {
  return wait_lock(file_.get(), F_WRLCK, kQueue, 1, deadline);
}

void Semaphore::leave_queue() {
  set_lock(file_.get(), F_OFD_SETLK, F_UNLCK, kQueue, 1);
}

// Counts the locks: a question about a range is answered with one lock in it, and there may be more
// on both sides of that one.
bool Semaphore::has_fewer_than(std::uint32_t permits) const {
  std::vector<std::pair<off_t, off_t>> ranges{{0, kPermitsEnd}};
  std::uint32_t held = 0;
  while (!ranges.empty() && held < permits) {
    const auto [begin, end] = ranges.back();
    ranges.pop_back();
    if (begin >= end) continue;
    struct flock lock = lock_of(F_WRLCK, begin, end - begin);
    if (::fcntl(file_.get(), F_OFD_GETLK, &lock) != 0) {
      throw system_error("cannot look at a semaphore's locks", errno);
    }
    if (lock.l_type == F_UNLCK) continue;
    ++held;
    ranges.emplace_back(begin, lock.l_start);
    if (lock.l_len > 0) ranges.emplace_back(lock.l_start + lock.l_len, end);
  }
  return held < permits;
}

// Only who is first in the queue calls it, so nobody else takes what it has counted as free.
bool Semaphore::try_take(std::uint32_t permits) {
  if (!has_fewer_than(permits)) return false;
  for (off_t permit = 0; permit < off_t{permits}; ++permit) {
    if (set_lock(file_.get(), F_OFD_SETLK, F_WRLCK, permit, 1)) return true;
  }
  return false;  // who waits for the end of all has them all, for a moment
}

bool Semaphore::wait_acquire(std::uint32_t permits, Deadline deadline) {
  while (true) {
    if (!wait_queue(deadline)) return false;
    Taken taken = is_current() ? wait_permit(permits, deadline) : Taken::kFileGone;
    if (taken == Taken::kFileGone) {
      open_file();
      continue;
    }
    leave_queue();
    return taken == Taken::kYes;
  }
}

Semaphore::Taken Semaphore::wait_permit(std::uint32_t permits, Deadline deadline) {
  if (try_take(permits)) return Taken::kYes;
  return is_over(deadline) ? Taken::kTimeOver : wait_for_news(permits, deadline);
}

Semaphore::Taken Semaphore::wait_for_news(std::uint32_t permits, Deadline deadline) {
  const ipc::UniqueFd news(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const bool told = news && !is_shared_with_others(file_.get()) &&
                    ::inotify_add_watch(news.get(), (folder_ + '/' + name_).c_str(),
                                        IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF) >= 0;
  Pause pause = kFirstPause;  // who left before we listened
  while (true) {
    if (!is_current()) return Taken::kFileGone;
    if (try_take(permits)) return Taken::kYes;
    if (is_over(deadline)) return Taken::kTimeOver;
    Pause limit = pause > kLongestPause ? kForEver : pause;
    if (!told) limit = kUntoldPause;
    if (deadline) {
      const Pause left = std::max<Pause>(*deadline - Clock::now(), Pause(0));
      limit = limit < Pause(0) ? left : std::min(limit, left);
    }
    pollfd watched{told ? news.get() : -1, POLLIN, 0};
    const timespec span{static_cast<time_t>(limit.count() / 1'000'000'000),
                        static_cast<long>(limit.count() % 1'000'000'000)};
    ::ppoll(&watched, 1, limit < Pause(0) ? nullptr : &span, nullptr);
    if (told && drain(news.get())) {
      pause = kFirstPause;
    } else if (pause <= kLongestPause) {
      pause *= 2;
    }
  }
}

void Semaphore::take_anyway() {
  for (off_t permit = 0; !set_lock(file_.get(), F_OFD_SETLK, F_WRLCK, permit, 1);) ++permit;
}

bool Semaphore::wait_idle(Deadline deadline) {
  do {
    if (!file_) open_file();
    if (!wait_queue(deadline)) return false;
    const bool current = is_current();
    leave_queue();
    if (current) break;
    file_.reset();
  } while (true);
  // Shared, so that several may wait.
  const bool idle = wait_lock(file_.get(), F_RDLCK, 0, kPermitsEnd, deadline);
  if (idle) release();
  return idle;
}

void Semaphore::release() {
  set_lock(file_.get(), F_OFD_SETLK, F_UNLCK, 0, 0);
  // With all of it locked nobody holds or waits. Who has opened it and not yet locked finds that it
  // has no name any more, and opens another.
  if (is_current() && set_lock(file_.get(), F_OFD_SETLK, F_WRLCK, 0, 0)) {
    if (is_current()) ::unlinkat(folder_fd_.get(), name_.c_str(), 0);
  }
  file_.reset();
}

}  // namespace enjoin
