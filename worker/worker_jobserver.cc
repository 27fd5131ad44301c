// What a job is given of a jobserver of ours (jobserver_spec.h).

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string>

#include "worker/worker.h"
#include "worker/worker_job.h"

namespace enjoin {
namespace {

// High numbers, for a job may be given descriptors of its own, with low ones.
constexpr int kLeastNumber = 100;

// One end of the fifo, for the job to inherit. To open it must not wait for the other end, to read
// from it may.
int open_end(const std::string& path, int access, ipc::UniqueFd* end) {
  const ipc::UniqueFd opened(::open(path.c_str(), access | O_NONBLOCK | O_CLOEXEC));
  if (!opened || ::fcntl(opened.get(), F_SETFL, 0) != 0) return errno;
  end->reset(::fcntl(opened.get(), F_DUPFD_CLOEXEC, kLeastNumber));
  if (!*end || ::fcntl(end->get(), F_SETFD, 0) != 0) return errno;
  return 0;
}

}  // namespace

// Returns 0 or errno.
int Worker::offer_slots(Job& job) {
  const JobserverSpec& spec = config_.jobserver;
  if (job.isolate != Isolate::kNone) {  // it could neither see the fifo nor be seen to hold it
    const char* const own = std::getenv("MAKEFLAGS");
    environment_.set("MAKEFLAGS", own != nullptr ? own : "");
    return 0;
  }
  const std::string path = spec.folder + '/' + std::to_string(job.slot.seq);
  std::string address = "fifo:" + path;
  if (spec.style == JobserverStyle::kPipe) {
    int error = open_end(path, O_RDONLY, &job.slots_fd[0]);
    if (error == 0) error = open_end(path, O_WRONLY, &job.slots_fd[1]);
    if (error != 0) return error;
    address = std::to_string(job.slots_fd[0].get()) + ',' + std::to_string(job.slots_fd[1].get());
  }
  environment_.set("MAKEFLAGS", spec.before + address + spec.behind);
  return 0;
}

}  // namespace enjoin
