#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "ipc/results.h"
#include "ipc/unique_fd.h"
#include "runner/team/keeper_link.h"

namespace enjoin {

/// The executable that keeper and workers run: $ENJOIN_WORKER, else enjoin-worker in libexec beside
/// where we are installed, else beside us, else ourselves (one static file). Found once.
class WorkerExecutable {
 public:
  WorkerExecutable();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// How a worker ended.
enum class WorkerEnd : std::uint8_t {
  kLeft,       ///< its work was done, or its leftovers may live on
  kCondemned,  ///< it was told that memory is damaged, or found it so; its record is complete
  kDied,
};
WorkerEnd end_of(const KeeperAnswer& answer);

/// One worker, as its supervisor holds it. It is the keeper's child.
struct WorkerProcess {
  ipc::WorkerId id;
  KeeperLink* keeper = nullptr;  ///< nullptr: there is no such worker now
  pid_t pid = 0;                 ///< 0 until the keeper has said it; only to be shown or compared
  ipc::UniqueFd socket;          ///< write a byte to wake it out of a job's poll
  ipc::UniqueFd capture[2];  ///< what its jobs write to; ours too, so that its death loses nothing
  std::unique_ptr<ipc::ResultReader> results;
  std::uint64_t jobs_recorded = 0;
  std::uint64_t last_recorded = 0;   ///< ticket
  WorkerEnd end = WorkerEnd::kLeft;  ///< where it is not alive

  /// It was asked for, and its end has not been told.
  bool alive() const { return keeper != nullptr; }
  void wake() const;
  void kill() const { keeper->kill(id); }
  void signal(int signal) const { keeper->signal(id, signal); }
};

}  // namespace enjoin
