#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "ipc/unique_fd.h"
#include "worker/keeper_protocol.h"

namespace enjoin {

/// What a keeper is started with, on its command line.
struct KeeperStart {
  int socket = -1;         ///< to the supervisor
  pid_t worker_group = 0;  ///< the process group that workers join; 0: the keeper's
  int held = -1;           ///< open in keeper and workers, in no job: a lease; -1: none
  /// A pidfd of the supervisor, where others may have copies of its end of the socket; -1: none.
  int supervisor = -1;
  /// What workers get when the supervisor has died. SIGKILL where they have nothing to tidy up.
  int death_signal = SIGUSR1;  // SupervisorLink::kDeathSignal
  /// Beginnings of the paths of the jobs' temporary files, which are removed where nobody else is
  /// left to do it.
  std::vector<std::string> temp_names;
};

/// The process between the supervisor and its workers. It has one thread, a process group of its
/// own, blocks all signals, and lets no process be lost:
///
/// - Workers are forked from it (it is what a worker is before it has learned which one), so a
///   worker costs no exec.
/// - It is a child subreaper: what a killed worker's job leaves behind becomes its child, and is
///   killed before the supervisor hears of the end. What a worker that retired left behind may live
///   on, until it ends by itself: when the keeper leaves, it goes to whoever adopts orphans.
/// - When the supervisor dies, it tells its workers, who bring their jobs to an end and tidy up;
///   after half a second all that is still there is killed, until nothing is left.
///
/// When the keeper itself dies, workers hear of it by a signal, and the supervisor inherits and
/// sweeps all that was below it.
class Keeper {
 public:
  explicit Keeper(KeeperStart start);
  /// Returns in the keeper when it is to leave, and in each worker that it forked: that one then
  /// has a WorkerStart. Both leave with an exit status.
  enum class Role : std::uint8_t { kKeeper, kWorker };
  Role run(WorkerStart* worker);

 private:
  struct Kept {
    pid_t pid;
    ipc::WorkerId id;
  };
  struct Reaped {
    bool any = false;  ///< a process, worker or not
    std::vector<KeeperAnswer> workers;
  };

  Role serve(WorkerStart* worker);
  void wait_for_news();
  bool start_worker(WorkerStart* start, std::size_t descriptors);
  void signal_worker(ipc::WorkerId id, int signal) const;
  void kill_all();
  void say(KeeperNews news);
  void tell(const KeeperAnswer& answer);
  void take_ends();
  void spare(std::vector<pid_t> children);
  Reaped reap();
  void report(std::vector<KeeperAnswer>* ended);
  bool sweep();
  bool lives_on(pid_t pid) const;
  bool is_worker(pid_t pid) const;
  void outlive_supervisor();

  KeeperStart start_;
  ipc::UniqueFd socket_;
  ipc::UniqueFd supervisor_;
  std::vector<Kept> workers_;
  std::vector<pid_t> spared_;   ///< leftovers of workers that retired
  bool spared_is_old_ = false;  ///< there may be more of them
  bool supervisor_gone_ = false;
  bool leaving_ = false;
  std::uint64_t leave_until_ns_ = 0;
};

}  // namespace enjoin
