#include "worker/capture.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "enjoin/error.h"

namespace enjoin {

ipc::UniqueFd open_scratch_file(const std::string& folder, bool append) {
  const int extra = append ? O_APPEND : 0;
  ipc::UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL | extra, 0600));
  if (file) return file;
  // File systems without O_TMPFILE (overlays of old kernels, NFS).
  std::string path = folder + "/enjoin.XXXXXX";
  file.reset(::mkostemp(path.data(), O_CLOEXEC | extra));
  if (file) {
    ::unlink(path.c_str());
    return file;
  }
  const int folder_error = errno;
  file.reset(::memfd_create("enjoin-output", MFD_CLOEXEC));
  if (!file) throw system_error("cannot make a file for output in " + folder, folder_error);
  if (append) ::fcntl(file.get(), F_SETFL, O_APPEND);
  return file;
}

CaptureFiles::CaptureFiles(const std::string& folder)
    : files_{open_scratch_file(folder, true), open_scratch_file(folder, true)} {}

std::int64_t CaptureFiles::size(int stream) const {
  struct stat status {};
  if (fd(stream) < 0) return 0;
  // To take it for empty would lose it without a word.
  if (::fstat(fd(stream), &status) != 0) throw system_error("cannot examine a job's output", errno);
  return static_cast<std::int64_t>(status.st_size);
}

bool CaptureFiles::clear() {
  bool cleared = true;
  for (int stream : {kStdout, kStderr}) {
    if (size(stream) == 0) continue;
    while (::ftruncate(fd(stream), 0) != 0) {
      if (errno == EINTR) continue;
      cleared = false;
      break;
    }
  }
  return cleared;
}

int CaptureFiles::full_disk(int stream) const {
  struct statvfs status {};
  if (::fstatvfs(fd(stream), &status) != 0 || status.f_bavail > 16 || status.f_blocks == 0)
    return 0;
  const std::int64_t end = size(stream);
  // Little is left, or root's reserve: only an attempt can tell.
  char probe[8192] = {};
  const ssize_t written = ::write(fd(stream), probe, sizeof probe);
  const int error = written == sizeof probe ? 0 : (written < 0 ? errno : ENOSPC);
  [[maybe_unused]] const int back = ::ftruncate(fd(stream), end);
  return error;
}

namespace {

class Inherited final : public Capture {
 public:
  int job_fd(int) const override { return -1; }
  int poll_fd(int) const override { return -1; }
  void pump(int) override {}
  void finish() override {}
  std::uint64_t bytes(int) const override { return 0; }
  bool cut(int) const override { return false; }
  int error() const override { return 0; }
  void reset() override {}
};

// The job writes straight into the files: nothing to pump, nothing to wait for at its end.
class InFiles final : public Capture {
 public:
  explicit InFiles(CaptureFiles& files) : files_(files) {}
  int job_fd(int stream) const override { return files_.fd(stream); }
  int poll_fd(int) const override { return -1; }
  void pump(int) override {}
  void finish() override {
    for (int stream : {kStdout, kStderr}) {
      bytes_[stream] = static_cast<std::uint64_t>(files_.size(stream));
      if (!cut(stream)) continue;
      while (::ftruncate(files_.fd(stream), static_cast<off_t>(cap_)) != 0 && errno == EINTR) {
      }
    }
    error_ = files_.full_disk(kStdout);
  }
  std::uint64_t bytes(int stream) const override { return bytes_[stream]; }
  bool cut(int stream) const override { return cap_ != 0 && bytes_[stream] > cap_; }
  int error() const override { return error_; }
  void reset() override {
    // Whoever lets it be used again clears the files, too.
    if (bytes_[0] != 0 || bytes_[1] != 0) static_cast<void>(files_.clear());
    bytes_[0] = bytes_[1] = 0;
  }
  void set_cap(std::uint64_t bytes) override {
    cap_ = bytes;
    pause_ns_ = 0;
    seen_[0] = seen_[1] = 0;
  }
  std::uint64_t trim() override;

 private:
  static constexpr std::uint64_t kShortestPauseNs = 25'000'000;
  static constexpr std::uint64_t kLongestPauseNs = 400'000'000;

  CaptureFiles& files_;
  std::uint64_t bytes_[2] = {0, 0};
  std::uint64_t cap_ = 0;
  std::uint64_t pause_ns_ = 0;      // 0: the job begins now
  std::uint64_t seen_[2] = {0, 0};  // sizes at the last look
  int error_ = 0;
};

// The job writes on as fast as it can, into the file: what lies beyond the cap becomes a hole, so
// that the file's size still says how much there was.
std::uint64_t InFiles::trim() {
  if (cap_ == 0) return 0;
  if (pause_ns_ == 0) return pause_ns_ = kShortestPauseNs;
  bool grows = false;
  for (int stream : {kStdout, kStderr}) {
    const auto size = static_cast<std::uint64_t>(files_.size(stream));
    if (size == seen_[stream]) continue;
    grows = true;
    const std::uint64_t from = std::max(cap_, seen_[stream]);
    seen_[stream] = size;
    if (size <= from) continue;
    ::fallocate(files_.fd(stream), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                static_cast<off_t>(from), static_cast<off_t>(size - from));
  }
  pause_ns_ = grows ? kShortestPauseNs : std::min(2 * pause_ns_, kLongestPauseNs);
  return pause_ns_;
}

class ByPipes final : public Capture {
 public:
  ByPipes(OutputSink& sink, std::uint64_t cap) : sink_(sink), cap_(cap) {
    for (int stream : {kStdout, kStderr}) open_pipe(stream);
  }
  int job_fd(int stream) const override { return write_[stream].get(); }
  int poll_fd(int stream) const override { return read_[stream].get(); }
  void pump(int stream) override { read_some(stream, 16); }
  // The pipe is never at its end, for we hold its writing end ourselves; empty is what counts.
  // No more than is in it now, for what the job left behind may write on for ever.
  void finish() override {
    for (int stream : {kStdout, kStderr}) {
      int left = 0;
      if (::ioctl(read_[stream].get(), FIONREAD, &left) != 0) left = 0;
      const std::uint64_t end = bytes_[stream] + static_cast<std::uint64_t>(left);
      while (bytes_[stream] < end && read_some(stream, 1)) {
      }
    }
    error_ = sink_.take_error();
    if (error_ == 0) error_ = read_error_;
  }
  std::uint64_t bytes(int stream) const override { return bytes_[stream]; }
  bool cut(int stream) const override { return cap_ != 0 && bytes_[stream] > cap_; }
  int error() const override { return error_; }
  void reset() override { bytes_[0] = bytes_[1] = 0; }

 private:
  void open_pipe(int stream) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
    read_[stream].reset(ends[0]);
    write_[stream].reset(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);  // the reading end only, which is ours alone
    ::fcntl(ends[1], F_SETPIPE_SZ, 256 * 1024);
  }
  bool read_some(int stream, int rounds) {
    char chunk[64 * 1024];
    while (rounds > 0) {
      const ssize_t got = ::read(read_[stream].get(), chunk, sizeof chunk);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno != EAGAIN) read_error_ = errno;
      if (got <= 0) return false;
      take(stream, {chunk, static_cast<std::size_t>(got)});
      --rounds;
    }
    return true;
  }
  void take(int stream, std::string_view bytes) {
    const std::uint64_t before = bytes_[stream];
    bytes_[stream] += bytes.size();
    if (cap_ != 0) bytes = bytes.substr(0, before < cap_ ? cap_ - before : 0);
    if (!bytes.empty()) sink_.take(stream, bytes);
  }

  OutputSink& sink_;
  std::uint64_t cap_;
  ipc::UniqueFd read_[2];
  ipc::UniqueFd write_[2];
  std::uint64_t bytes_[2] = {0, 0};
  int error_ = 0;
  int read_error_ = 0;  // from then on the pipe is not to be relied on
};

}  // namespace

std::unique_ptr<Capture> inherit_output() {
  return std::make_unique<Inherited>();
}

std::unique_ptr<Capture> capture_in_files(CaptureFiles& files) {
  return std::make_unique<InFiles>(files);
}

std::unique_ptr<Capture> capture_by_pipes(OutputSink& sink, std::uint64_t cap) {
  return std::make_unique<ByPipes>(sink, cap);
}

}  // namespace enjoin
