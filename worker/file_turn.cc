#include "worker/file_turn.h"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

namespace enjoin {
namespace {

constexpr off_t kByte = off_t{1} << 62;
constexpr int kMostTries = 500;
constexpr timespec kPause{0, 200'000};

// Returns 0 or errno.
int set_lock(int fd, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = kByte;
  lock.l_len = 1;
  return ::fcntl(fd, F_SETLK, &lock) == 0 ? 0 : errno;
}

}  // namespace

bool is_plain_file(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

FileTurn::FileTurn(int fd, bool needed) {
  for (int tries = 0; needed && tries < kMostTries; ++tries) {
    const int error = set_lock(fd, F_WRLCK);
    if (error == 0) fd_ = fd;
    if (error != EAGAIN && error != EACCES && error != EINTR) return;
    ::nanosleep(&kPause, nullptr);
  }
}

// Keeps errno, which is that of the write.
FileTurn::~FileTurn() {
  if (fd_ < 0) return;
  const int error = errno;
  set_lock(fd_, F_UNLCK);
  errno = error;
}

}  // namespace enjoin
