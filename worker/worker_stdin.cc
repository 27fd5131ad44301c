// What a job is given of the run's data: its stdin, or a file or fifo of its own.

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "enjoin/error.h"
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
  if (!link_.ask_stdin(job.slot.ticket, job.slot.handle, stopped, &answer, descriptors)) {
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
  if (!input_folder_.is_open()) {
    if (const int error = input_folder_.open(config_.input_folder); error != 0) return error;
  }
  input_name_ = "par" + std::to_string(job.slot.seq);
  environment_.set("PARALLEL_TMP", config_.input_folder + '/' + input_name_);
  input_folder_.remove(input_name_);  // of an attempt whose worker died
  feed_ = StdinFeed(answer, std::move(descriptors));
  if (config_.job_input == JobInput::kFifo) {
    if (const int error = input_folder_.make_fifo(input_name_); error != 0) return error;
    fifo_waits_ = true;
    fifo_tries_ = 0;
    return 0;
  }
  const ipc::UniqueFd file = input_folder_.make_file(input_name_);
  if (!file) return errno;
  return feed_.copy_into(
      file.get(), [&] { return stop_wanted(job.slot.ticket) == Stop::kNo && !link_.gone(); });
}

// A fifo can be opened for writing, without waiting, only once somebody has opened it for reading.
// Nothing tells of that, so it is tried again and again: at first each millisecond.
void Worker::open_fifo() {
  ++fifo_tries_;
  ipc::UniqueFd fd = input_folder_.open_fifo(input_name_);
  if (!fd && (errno == ENXIO || errno == EINTR)) return;
  fifo_waits_ = false;
  // The job waits in its open for ours, which will not come.
  if (!fd &&
      (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO || errno == EPERM)) {
    throw system_error("cannot open the job's input", errno);
  }
  if (!fd) return;  // the job removed it, or put something else in its place
  feed_.open_into(std::move(fd));
  feed_.pump();
}

void Worker::end_input(Job& job) {
  if (feed_.fell_short()) job.flags |= ipc::kResultInputShort;
  feed_ = StdinFeed();
  fifo_waits_ = false;
  job.stdin_fd.reset();
  drop_input_file();
}

void Worker::drop_input_file() {
  if (!input_name_.empty()) input_folder_.remove(input_name_);
  input_name_.clear();
}

}  // namespace enjoin
