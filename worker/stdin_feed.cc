#include "worker/stdin_feed.h"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include <sys/sendfile.h>
#include <sys/stat.h>

namespace enjoin {
namespace {

constexpr int kPipeBytes = 1 << 20;
constexpr std::uint64_t kMostAtOnce = 1 << 30;
// Between two questions whether to go on.
constexpr std::uint64_t kCopyStep = 8 << 20;
constexpr int kInputPatienceMs = 100;

// The pipe is full. A reader that is fast takes it in small pieces, and would wake us for each; on
// a machine where we share its processor that costs more than the reading.
void let_reader_run() {
  constexpr timespec pause{0, 10'000};  // and the timer's slack, 50 us mostly
  ::nanosleep(&pause, nullptr);
}

bool has_offsets(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

StdinFeed::StdinFeed(const ipc::StdinAnswer& answer, ipc::StdinDescriptors descriptors)
    : from_(std::move(descriptors)), piece_(answer.piece), pieces_(answer.descriptors()) {
  if (answer.kind == ipc::StdinKind::kFile) {
    piece_[0] = {0, ipc::StdinPiece::kToEnd};
    // The descriptor was made for this job alone, and may stand behind the file's beginning.
    if (const off_t at = ::lseek(from_[0].get(), 0, SEEK_CUR); at > 0) {
      piece_[0].offset = static_cast<std::uint64_t>(at);
    }
  }
  for (std::size_t i = 0; i < pieces_; ++i) {
    stream_[i] = piece_[i].length == ipc::StdinPiece::kToEnd && !has_offsets(from_[i].get());
    if (stream_[i]) ::fcntl(from_[i].get(), F_SETFL, O_NONBLOCK);  // its reader is we alone
  }
}

ipc::UniqueFd StdinFeed::open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  into_.reset(ends[1]);
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);       // the writing end only: the reading one is the job's
  ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);  // where it may not be so large, it stays as it is
  return ipc::UniqueFd(ends[0]);
}

pollfd StdinFeed::wants() const {
  if (!into_) return {-1, 0, 0};
  if (waits_for_input_) return {from_[at_].get(), POLLIN, 0};
  return {into_.get(), POLLOUT, 0};
}

void StdinFeed::pump() {
  waits_for_input_ = false;
  while (into_) {
    if (at_ == pieces_) return into_.reset();
    if (piece_[at_].length == 0) {
      ++at_;
      continue;
    }
    switch (no_splice_ ? copy_through_us() : splice_some()) {
      case Moved::kSome:
        break;
      case Moved::kNothing:
        if (!waits_for_input_) let_reader_run();
        return;
      case Moved::kEnd:
        end_piece();
        break;
      case Moved::kNoReader:
        return into_.reset();
      case Moved::kUnable:
        no_splice_ = true;
    }
  }
}

StdinFeed::Moved StdinFeed::splice_some() {
  ipc::StdinPiece& piece = piece_[at_];
  auto offset = static_cast<off64_t>(piece.offset);
  const ssize_t moved =
      ::splice(from_[at_].get(), stream_[at_] ? nullptr : &offset, into_.get(), nullptr,
               std::min(piece.length, kMostAtOnce), SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (moved > 0) {
    advance(static_cast<std::uint64_t>(moved));
    return Moved::kSome;
  }
  if (moved == 0) return Moved::kEnd;
  if (errno == EINTR) return Moved::kSome;
  if (errno == EPIPE) return Moved::kNoReader;
  if (errno != EAGAIN) return Moved::kUnable;
  if (stream_[at_]) {
    // Either side may be the one that has to be waited for.
    pollfd input{from_[at_].get(), POLLIN, 0};
    waits_for_input_ = ::poll(&input, 1, 0) == 0;
  }
  return Moved::kNothing;
}

// For files that cannot be spliced from.
StdinFeed::Moved StdinFeed::copy_through_us() {
  char chunk[16 * 1024];
  ipc::StdinPiece& piece = piece_[at_];
  const std::size_t most = std::min<std::uint64_t>(piece.length, sizeof chunk);
  if (stream_[at_]) {
    pollfd room{into_.get(), POLLOUT, 0};
    if (::poll(&room, 1, 0) == 0) return Moved::kNothing;  // what is read must find its place
  }
  const ssize_t got =
      stream_[at_] ? ::read(from_[at_].get(), chunk, std::min(most, size_t{4096}))
                   : ::pread(from_[at_].get(), chunk, most, static_cast<off_t>(piece.offset));
  if (got < 0 && errno == EINTR) return Moved::kSome;
  if (got < 0 && errno == EAGAIN) {
    waits_for_input_ = true;
    return Moved::kNothing;
  }
  if (got < 0) short_ = true;
  if (got <= 0) return Moved::kEnd;
  ssize_t put = -1;
  do {
    put = ::write(into_.get(), chunk, static_cast<std::size_t>(got));
  } while (put < 0 && errno == EINTR);  // what was read of a stream cannot be read again
  if (put > 0) advance(static_cast<std::uint64_t>(put));
  if (put >= 0) return Moved::kSome;
  if (errno == EAGAIN) return Moved::kNothing;
  if (errno != EPIPE) short_ = true;  // it would fail again and again
  return Moved::kNoReader;
}

int StdinFeed::copy_some(int fd) {
  ipc::StdinPiece& piece = piece_[at_];
  auto offset = static_cast<off64_t>(piece.offset);
  const std::size_t most = std::min(piece.length, kCopyStep);
  ssize_t moved = -1;
  if (most == 0) {
    moved = 0;
  } else if (stream_[at_]) {
    moved = ::splice(from_[at_].get(), nullptr, fd, nullptr, most, SPLICE_F_NONBLOCK);
  } else {
    if (!no_splice_) moved = ::copy_file_range(from_[at_].get(), &offset, fd, nullptr, most, 0);
    if (moved < 0 && errno != EINTR && errno != ENOSPC) no_splice_ = true;
    // Not from memory, nor from one file system to another, in many kernels.
    if (moved <= 0) moved = ::sendfile64(fd, from_[at_].get(), &offset, most);
  }
  if (moved > 0) {
    advance(static_cast<std::uint64_t>(moved));
  } else if (moved == 0) {
    end_piece();
  } else if (errno == EAGAIN) {
    pollfd input{from_[at_].get(), POLLIN, 0};
    ::poll(&input, 1, kInputPatienceMs);
  } else if (errno != EINTR) {
    return errno;
  }
  return 0;
}

void StdinFeed::advance(std::uint64_t bytes) {
  ipc::StdinPiece& piece = piece_[at_];
  piece.offset += bytes;
  if (piece.length != ipc::StdinPiece::kToEnd) piece.length -= bytes;
}

void StdinFeed::end_piece() {
  const std::uint64_t left = piece_[at_].length;
  if (left != 0 && left != ipc::StdinPiece::kToEnd) short_ = true;
  ++at_;
}

}  // namespace enjoin
