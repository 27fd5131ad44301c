#include "runner/team/kept_logs.h"

#include <sys/stat.h>

#include "worker/capture.h"
#include "worker/kept_log.h"

namespace enjoin {
namespace {

std::int64_t size_of(int fd) {
  struct stat status {};
  return fd >= 0 && ::fstat(fd, &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

}  // namespace

int KeptLogs::open(std::uint32_t worker, int stream) {
  ipc::UniqueFd& file = log_[worker].file[stream];
  if (!file) file = open_scratch_file(folder_, false);
  return file.get();
}

bool KeptLogs::holds(std::uint32_t worker, const ipc::KeptSpan& span) const {
  for (int stream : {kStdout, kStderr}) {
    const std::int64_t begin = span.begin[stream];
    const std::int64_t end = span.end[stream];
    if (begin < 0 || begin > end) return false;
    if (begin != end && end > size_of(fd(worker, stream))) return false;
  }
  return true;
}

ipc::KeptSpan KeptLogs::take_left(std::uint32_t worker, const ipc::UniqueFd (&capture)[2],
                                  std::int64_t most) {
  ipc::KeptSpan span{};
  for (int stream : {kStdout, kStderr}) {
    span.begin[stream] = span.end[stream] = size_of(fd(worker, stream));
    if (!capture[stream] || fd(worker, stream) < 0) continue;
    append_file(capture[stream].get(), fd(worker, stream), &span.end[stream], most);
  }
  return span;
}

void KeptLogs::give_back(std::uint32_t worker, const ipc::KeptSpan& span) {
  for (int stream : {kStdout, kStderr}) {
    const std::int64_t length = span.end[stream] - span.begin[stream];
    if (length <= 0) continue;
    log_[worker].space[stream].note_printed(fd(worker, stream), span.begin[stream], length);
  }
}

}  // namespace enjoin
