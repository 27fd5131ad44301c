#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "ipc/layout.h"
#include "ipc/unique_fd.h"
#include "worker/capture.h"

namespace enjoin {

/// What a worker's jobs wrote, one behind the other in a file for each stream, until the supervisor
/// has read it (TeamSpec::keeps_output). The supervisor makes the files and gives their space back.
///
/// A write that fails ends what is kept of that job: it is then shorter than what the job wrote,
/// whose size the result says. Output itself does not depend on it.
class KeptLog {
 public:
  /// Throws Error.
  KeptLog(ipc::UniqueFd out, ipc::UniqueFd err);

  void begin_job();
  void append(int stream, std::string_view bytes);
  /// All of a file.
  void append_file(int stream, int fd);
  /// Where that of this job lies.
  ipc::KeptSpan span() const { return span_; }

 private:
  ipc::UniqueFd files_[2];
  ipc::KeptSpan span_{};
  bool failed_[2] = {false, false};
};

/// Copies [0, its end) of `from`, at most `most` bytes, behind `*end` in `to`, which it moves on.
/// Returns 0 or errno.
int append_file(int from, int to, std::int64_t* end,
                std::int64_t most = std::numeric_limits<std::int64_t>::max());

/// What a sink gets is kept, too.
class KeepingSink final : public OutputSink {
 public:
  KeepingSink(OutputSink& sink, KeptLog& log) : sink_(sink), log_(log) {}
  void take(int stream, std::string_view bytes) override {
    log_.append(stream, bytes);
    sink_.take(stream, bytes);
  }
  int take_error() override { return sink_.take_error(); }

 private:
  OutputSink& sink_;
  KeptLog& log_;
};

}  // namespace enjoin
