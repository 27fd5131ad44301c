#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/unique_fd.h"

namespace enjoin {

inline constexpr int kStdout = 0;  ///< our two streams, as indexes
inline constexpr int kStderr = 1;

/// A pair of unlinked files for what a job writes, append-only as the job sees them. In the scratch
/// folder (O_TMPFILE, or made and unlinked), or in memory where that folder cannot be written.
class CaptureFiles {
 public:
  /// Makes both. Throws Error.
  explicit CaptureFiles(const std::string& folder);
  /// Takes two that the supervisor made.
  CaptureFiles(ipc::UniqueFd out, ipc::UniqueFd err) : files_{std::move(out), std::move(err)} {}
  int fd(int stream) const { return files_[stream].get(); }
  std::int64_t size(int stream) const;  ///< 0 where there is none. Throws Error.
  /// Empties both. Whole pages go, so what a pipe still holds of them by sendfile stays intact.
  /// False: that could not be done, and they must not be used for another job.
  [[nodiscard]] bool clear();
  /// errno where the file system is full, else 0: a job may have ignored a failed write.
  int full_disk(int stream) const;

 private:
  ipc::UniqueFd files_[2];
};

/// One unlinked file in `folder`, as above. Throws Error.
ipc::UniqueFd open_scratch_file(const std::string& folder, bool append);

/// Receives what one job after another writes to stdout and stderr.
class Capture {
 public:
  virtual ~Capture() = default;
  /// What becomes the job's stdout or stderr; -1: ours.
  virtual int job_fd(int stream) const = 0;
  /// To be polled for reading while the job runs; -1: nothing.
  virtual int poll_fd(int stream) const = 0;
  /// poll_fd is readable. Never blocks.
  virtual void pump(int stream) = 0;
  /// The job has ended: takes in what is still there.
  virtual void finish() = 0;
  /// Bytes that the job wrote to the stream (with a cap: that it tried to write).
  virtual std::uint64_t bytes(int stream) const = 0;
  virtual bool cut(int stream) const = 0;  ///< the cap was reached
  virtual int error() const = 0;           ///< errno where output was lost, else 0
  virtual void reset() = 0;                ///< ready for the next job
  /// Of the next job only the first `bytes` of each stream are kept; 0: all. Where it writes into
  /// files; pipes have a cap of their own.
  virtual void set_cap(std::uint64_t) {}
  /// While the job runs: gives space back that it took beyond its cap. Returns the nanoseconds
  /// after which it is to be called again; 0: never.
  virtual std::uint64_t trim() { return 0; }
};

/// Who takes the bytes that a pipe capture reads.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void take(int stream, std::string_view bytes) = 0;
  /// errno of a write that failed since the last call, else 0.
  virtual int take_error() { return 0; }
};

std::unique_ptr<Capture> inherit_output();
/// `files` must outlive it.
std::unique_ptr<Capture> capture_in_files(CaptureFiles& files);
/// By pipes, into `sink`, which must outlive it; stops taking after `cap` bytes a stream (0: never)
/// and reads on to nowhere. Throws Error.
std::unique_ptr<Capture> capture_by_pipes(OutputSink& sink, std::uint64_t cap);

}  // namespace enjoin
