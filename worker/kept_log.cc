#include "worker/kept_log.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

// Smaller outputs are cheaper to read and write than to ask the kernel for.
constexpr std::int64_t kSmall = 64 * 1024;

std::int64_t size_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

int write_at(int fd, std::string_view bytes, std::int64_t* at) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), *at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done < 0 ? errno : ENOSPC;
    bytes.remove_prefix(static_cast<std::size_t>(done));
    *at += done;
  }
  return 0;
}

}  // namespace

int append_file(int from, int to, std::int64_t* end, std::int64_t most) {
  static char chunk[kSmall];
  loff_t at = 0;
  bool by_kernel = size_of(from) > kSmall;  // it may share blocks instead of copying
  while (by_kernel) {
    loff_t behind = *end;
    const ssize_t done =
        ::copy_file_range(from, &at, to, &behind,
                          static_cast<std::size_t>(std::min(most - at, std::int64_t{1} << 30)), 0);
    if (done < 0 && errno == EINTR) continue;
    if (done > 0) *end = behind;
    by_kernel = done > 0;
  }
  while (true) {
    const auto wanted = static_cast<std::size_t>(std::min(most - at, kSmall));
    const ssize_t got = ::pread(from, chunk, wanted, at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : 0;
    at += got;
    if (const int error = write_at(to, {chunk, static_cast<std::size_t>(got)}, end); error != 0) {
      return error;
    }
    if (got < static_cast<ssize_t>(sizeof chunk) && at >= size_of(from)) return 0;
  }
}

KeptLog::KeptLog(ipc::UniqueFd out, ipc::UniqueFd err) : files_{std::move(out), std::move(err)} {
  for (int stream : {kStdout, kStderr}) {
    struct stat status {};
    if (::fstat(files_[stream].get(), &status) != 0) {
      throw system_error("cannot examine the file for kept output", errno);
    }
    span_.end[stream] = static_cast<std::int64_t>(status.st_size);  // a predecessor's, if any
  }
  begin_job();
}

void KeptLog::begin_job() {
  for (int stream : {kStdout, kStderr}) {
    span_.begin[stream] = span_.end[stream];
    failed_[stream] = false;
  }
}

void KeptLog::append(int stream, std::string_view bytes) {
  if (failed_[stream]) return;
  failed_[stream] = write_at(files_[stream].get(), bytes, &span_.end[stream]) != 0;
}

void KeptLog::append_file(int stream, int fd) {
  failed_[stream] = enjoin::append_file(fd, files_[stream].get(), &span_.end[stream]) != 0;
}

}  // namespace enjoin
