#include "worker/private_folder.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

namespace enjoin {

int PrivateFolder::open(const std::string& path) {
  ipc::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return errno;
  struct stat status {};
  if (::fstat(folder.get(), &status) != 0) return errno;
  if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) return EPERM;
  folder_ = std::move(folder);
  return 0;
}

int PrivateFolder::make_fifo(const std::string& name) const {
  return ::mkfifoat(folder_.get(), name.c_str(), 0600) == 0 ? 0 : errno;
}

// A single name with O_EXCL: there is no link to follow, and nothing for openat2(2) to add.
ipc::UniqueFd PrivateFolder::make_file(const std::string& name) const {
  return ipc::UniqueFd(::openat(folder_.get(), name.c_str(),
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
}

void PrivateFolder::remove(const std::string& name) const {
  ::unlinkat(folder_.get(), name.c_str(), 0);
}

ipc::UniqueFd PrivateFolder::open_fifo(const std::string& name) const {
  ipc::UniqueFd fd(
      ::openat(folder_.get(), name.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (fd && (::fstat(fd.get(), &status) != 0 || !S_ISFIFO(status.st_mode))) {
    fd.reset();
    errno = ENOTSUP;
  }
  return fd;
}

int make_own_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return 0;  // as far as the person's umask allows
  if (errno != EEXIST) return errno;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return errno;
  return S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() ? 0 : EEXIST;
}

}  // namespace enjoin
