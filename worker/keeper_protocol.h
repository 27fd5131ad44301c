#pragma once

// What supervisor and keeper say to each other, over one SOCK_SEQPACKET socket. Whoever of them
// dies lets it hang up. The supervisor asks and does not wait; the keeper answers when it comes to
// it.

#include <cstdint>

#include "worker/worker_start.h"

namespace enjoin {

enum class KeeperOrder : std::uint32_t {
  kStart = 1,  ///< a worker with this id; its descriptors come along
  kKill,       ///< the worker with this id, if it still lives
  kSignal,     ///< the same, with `signal`
  kKillAll,    ///< all workers and what is below them; kAllKilled is said when none is left
  kPing,       ///< kHere is to be said
  kLeave,      ///< once the workers have ended, which the supervisor has told them to do
};

struct KeeperRequest {
  KeeperOrder order = KeeperOrder::kStart;
  ipc::WorkerId id;
  std::int32_t signal = 0;
  std::uint32_t descriptors = 0;  ///< how many come along; filled in by send_keeper_request()
};

enum class KeeperNews : std::uint32_t {
  kStarted = 1,  ///< `pid` says as what
  kNotStarted,   ///< `code` is the errno
  kEnded,        ///< the worker, and what is not to outlive it
  kAllKilled,
  kHere,
};

struct KeeperAnswer {
  KeeperNews news = KeeperNews::kStarted;
  ipc::WorkerId id;
  std::int32_t pid = 0;
  std::int32_t code = 0;       ///< kEnded: the exit status, or the number of the signal
  std::uint32_t signaled = 0;  ///< kEnded: 1: a signal ended it
  std::uint32_t escaped = 0;   ///< kEnded: 1: something below it could not be killed in time

  /// It left because its work was done, or to leave its jobs' leftovers behind.
  bool ended_well() const { return signaled == 0 && code == 0; }
};

/// Sends a request, with the descriptors of `start` where that is not nullptr; they stay the
/// caller's. Does not block. Returns 0 or errno.
int send_keeper_request(int socket, const KeeperRequest& request, const WorkerStart* start);

enum class [[nodiscard]] KeeperRead : std::uint8_t{kTaken, kNothing, kClosed};

/// Takes one request in, does not wait for it. With kStart `start` gets descriptors that are the
/// caller's from here on, close-on-exec; any of them is -1 where there was no room for it.
KeeperRead try_read_keeper_request(int socket, KeeperRequest* request, WorkerStart* start);

/// Waits for room where there is none. False: the supervisor is gone.
bool send_keeper_answer(int socket, const KeeperAnswer& answer);
KeeperRead try_read_keeper_answer(int socket, KeeperAnswer* answer);

}  // namespace enjoin
