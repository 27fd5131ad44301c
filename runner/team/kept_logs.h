#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/layout.h"
#include "ipc/unique_fd.h"
#include "runner/team/spool_space.h"

namespace enjoin {

/// The supervisor's side of the workers' kept logs (worker/kept_log.h): a pair of unlinked files
/// for each worker's number, whoever has it.
class KeptLogs {
 public:
  KeptLogs(std::string folder, std::uint32_t workers) : folder_(std::move(folder)), log_(workers) {}

  /// The file of one stream, made when it is first asked for. Throws Error.
  int open(std::uint32_t worker, int stream);
  int fd(std::uint32_t worker, int stream) const { return log_[worker].file[stream].get(); }
  /// False: such a place is not in that log.
  bool holds(std::uint32_t worker, const ipc::KeptSpan& span) const;
  /// What a dead worker left in its capture files goes behind what it kept: the first `most` bytes
  /// of each stream.
  ipc::KeptSpan take_left(std::uint32_t worker, const ipc::UniqueFd (&capture)[2],
                          std::int64_t most);
  /// Nobody will read it any more.
  void give_back(std::uint32_t worker, const ipc::KeptSpan& span);

 private:
  struct Log {
    ipc::UniqueFd file[2];
    SpoolSpace space[2];
  };
  std::string folder_;
  std::vector<Log> log_;
};

}  // namespace enjoin
