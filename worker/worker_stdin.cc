// What a job is given of the run's data: its stdin, or a file or fifo of its own.

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "worker/worker.h"
#include "worker/worker_job.h"

namespace enjoin {
namespace {

std::uint64_t bytes_from(int fd, std::uint64_t offset) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return size > offset ? size - offset : 0;
}

// As far as it is known beforehand: not where it comes out of a pipe.
std::uint64_t bytes_of(const ipc::StdinAnswer& answer, const ipc::StdinDescriptors& descriptors) {
  if (answer.kind == ipc::StdinKind::kFile) return bytes_from(descriptors[0].get(), 0);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < answer.pieces && i < answer.piece.size(); ++i) {
    const ipc::StdinPiece& piece = answer.piece[i];
    sum += piece.length != ipc::StdinPiece::kToEnd ? piece.length
                                                   : bytes_from(descriptors[i].get(), piece.offset);
  }
  return sum;
}

}  // namespace

// Returns 0, or errno; ECANCELED where the job is not to be started any more.
int Worker::take_input(Job& job) {
  const auto stopped = [&] { return stop_wanted(job.slot.ticket) != Stop::kNo; };
  ipc::StdinAnswer answer;
  ipc::StdinDescriptors descriptors;
  if (!link_.ask_stdin(job.slot.ticket, job.slot.handle, stopped, &answer, &descriptors)) {
    return ECANCELED;
  }
  job.bytes_in = bytes_of(answer, descriptors);
  return place_input(job, answer, std::move(descriptors));
}

int Worker::place_input(Job& job, const ipc::StdinAnswer& answer,
                        ipc::StdinDescriptors descriptors) {
  if (answer.kind == ipc::StdinKind::kFailed) return answer.error != 0 ? answer.error : EIO;
  if (config_.job_input == JobInput::kStdin) {
    if (answer.kind == ipc::StdinKind::kFile) {
      job.stdin_fd = std::move(descriptors[0]);
    } else if (answer.kind == ipc::StdinKind::kPieces) {
      feed_ = StdinFeed(answer, std::move(descriptors));
      job.stdin_fd = feed_.open_pipe();
      if (!job.stdin_fd) return errno;
      feed_.pump();  // what the pipe holds is there before the job is
    }
    return 0;
  }
  input_path_ = config_.input_folder + "/par" + std::to_string(job.slot.seq);
  environment_.set("PARALLEL_TMP", input_path_);
  ::unlink(input_path_.c_str());  // of an attempt whose worker died
  feed_ = StdinFeed(answer, std::move(descriptors));
  if (config_.job_input == JobInput::kFifo) {
    if (::mkfifo(input_path_.c_str(), 0600) != 0) return errno;
    fifo_path_ = input_path_;
    fifo_tries_ = 0;
    return 0;
  }
  const ipc::UniqueFd file(
      ::open(input_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return errno;
  return feed_.copy_into(
      file.get(), [&] { return stop_wanted(job.slot.ticket) == Stop::kNo && !link_.gone(); });
}

// A fifo can be opened for writing, without waiting, only once somebody has opened it for reading.
// Nothing tells of that, so it is tried again and again: at first each millisecond.
void Worker::open_fifo() {
  ++fifo_tries_;
  ipc::UniqueFd fd(::open(fifo_path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd && (errno == ENXIO || errno == EINTR)) return;
  fifo_path_.clear();
  if (!fd) return;  // the job removed it
  feed_.open_into(std::move(fd));
  feed_.pump();
}

void Worker::end_input(Job& job) {
  if (feed_.fell_short()) job.flags |= ipc::kResultInputShort;
  feed_ = StdinFeed();
  fifo_path_.clear();
  job.stdin_fd.reset();
  drop_input_path();
}

void Worker::drop_input_path() {
  if (!input_path_.empty()) ::unlink(input_path_.c_str());
  input_path_.clear();
}

}  // namespace enjoin
