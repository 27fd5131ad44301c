#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "ipc/results.h"
#include "ipc/unique_fd.h"
#include "worker/worker_start.h"

namespace enjoin {

/// The executable that workers run: $ENJOIN_WORKER, else enjoin-worker in libexec beside where we
/// are installed, else beside us, else ourselves (one static file). Found once.
class WorkerExecutable {
 public:
  WorkerExecutable();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// One running worker, as its supervisor holds it. The pid is reaped once, by wait_ended(); until
/// then the number is the worker's own.
struct WorkerProcess {
  ipc::WorkerId id;
  pid_t pid = -1;
  ipc::UniqueFd pidfd;
  ipc::UniqueFd socket;      ///< write a byte to wake it out of a job's poll
  ipc::UniqueFd capture[2];  ///< what its jobs write to; ours too, so that its death loses nothing
  std::unique_ptr<ipc::ResultReader> results;
  std::uint64_t jobs_recorded = 0;

  bool alive() const { return pid > 0; }
  void wake() const;
  void kill() const;
};

/// Starts a worker with the descriptors that `start` names; all others close at its exec, but for
/// those our caller left open; its stdout is `output_fd`. Returns 0 or errno; sets pid and pidfd.
int start_worker(const std::string& executable, const WorkerStart& start, int output_fd,
                 WorkerProcess* worker);

}  // namespace enjoin
