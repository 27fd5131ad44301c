#pragma once

#include <cstdint>
#include <string>

#include "enjoin/pool.h"
#include "ipc/claim_queue.h"
#include "ipc/segment.h"
#include "ipc/team_memory.h"
#include "ipc/unique_fd.h"

namespace enjoin {

/// What host and workers of one pool share; the ProcessPool owns it.
struct PoolMemory {
  ipc::TeamMemory team;
  ipc::UniqueFd event_fd;      ///< workers tell the host by it (ipc::Bells)
  ipc::UniqueFd argument_log;  ///< see worker/function/function_protocol.h
};

/// How a worker ended.
struct PoolWorkerEnd {
  ipc::WorkerId id;
  int signal = 0;               ///< 0: it exited
  int status = 0;               ///< its exit status, where it exited
  bool timed_out = false;       ///< it was killed because its call took longer than allowed
  bool canceled = false;        ///< we killed it for kill_worker()
  std::string last_lines = {};  ///< the end of what it wrote to stderr
  /// Not empty: no worker can be made at all (the program has no worker_main(), its initialiser
  /// threw, …); what to tell who waits. Every call of the pool fails with it.
  std::string hopeless = {};
};

/// What the ProcessPool does when its processes have news. Called by PoolWorkers, from inside its
/// own functions only, under the pool's mutex.
class WorkerEvents {
 public:
  /// It is there, or will be soon. `ring` is our mapping of its results, `result_log` ours to read
  /// and to punch holes into.
  virtual void worker_started(ipc::WorkerId id, ipc::Segment ring, ipc::UniqueFd result_log) = 0;
  /// It can write no more; nothing of it is left. Its records are settled here, what it had claimed
  /// goes back into the queue, and the call that it ran fails or is queued again.
  virtual void worker_ended(const PoolWorkerEnd& end) = 0;

 protected:
  ~WorkerEvents() = default;
};

/// The worker processes of one pool: starting, watching and ending them. Nothing here blocks, and
/// all is called under the pool's mutex, by whoever drives the pool.
class PoolWorkers {
 public:
  virtual ~PoolWorkers() = default;

  /// Readable (poll, epoll) when take_news() has something to do; the same one for ever.
  virtual int fd() const = 0;
  virtual void take_news() = 0;

  /// Workers that are there or on their way, those that are about to leave not counted.
  virtual std::uint32_t alive() const = 0;
  /// Starts one more, unless there are `size` already, or it is too early after a death. Throws
  /// Error where that can never succeed.
  virtual bool try_start() = 0;

  /// Kills it where it runs the call with this ticket (cancellation). False: it has made that call,
  /// whose record is there or will be at once; no other call is hit.
  virtual bool kill_worker(ipc::WorkerId id, std::uint64_t ticket) = 0;

  /// The queue is closed (ipc::kFlagClosed): workers leave by themselves when it is empty, and are
  /// not replaced unless try_start() is called. True: all have left.
  virtual bool all_left() const = 0;
  /// Ends all of them and what they started, at once, and returns when they are gone (within some
  /// seconds). No events come from it.
  virtual void end_all() = 0;
  /// When take_news() is to be called next whether fd() is readable or not; 0: never.
  /// CLOCK_MONOTONIC.
  virtual std::uint64_t next_time_ns() const { return 0; }
};

}  // namespace enjoin
