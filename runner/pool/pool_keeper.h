#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>

#include "ipc/unique_fd.h"
#include "worker/keeper_protocol.h"

namespace enjoin {

/// The host's end of a pool's keeper (worker/keeper.h): a process that is no child of ours, from
/// which the pool's workers are forked. Nothing here waits for it but end().
class PoolKeeper {
 public:
  /// The host's program executed again, or another one: `program` is a descriptor of its file, and
  /// `name` what it is called. Throws Error.
  static PoolKeeper of_program(int program, const std::string& name);
  /// A fork of the host. Throws Error.
  static PoolKeeper of_copy();

  /// Asks for a worker. Returns 0 or errno.
  int start(const WorkerStart& worker);
  void kill(ipc::WorkerId worker);
  /// The next news, if there is one.
  bool try_take(KeeperAnswer* answer);
  /// It has ended, and what it had said was taken: what it has forked gets SIGKILL from the kernel.
  bool gone();

  /// Ends it and everything below it; returns when they are gone. A keeper that does not manage
  /// that within `limit` is killed. False: that, or it was dead before.
  bool end(std::chrono::milliseconds limit);

  bool said_hello() const { return said_hello_; }
  int socket() const { return socket_.get(); }  ///< readable: news, or its end
  int pidfd() const { return pidfd_.get(); }    ///< readable: its end. -1: not known
  std::int32_t pid() const { return pid_; }

 private:
  PoolKeeper() = default;
  void reap() const;

  std::int32_t pid_ = 0;
  ipc::UniqueFd pidfd_;
  ipc::UniqueFd socket_;
  bool said_hello_ = false;
  bool hung_up_ = false;
};

/// A pidfd; {} where there is no such process, or the kernel has none.
ipc::UniqueFd open_pidfd(std::int32_t pid);
/// Whether the process of a pidfd has ended. `limit`: waits for it so long.
bool has_ended(int pidfd, std::chrono::milliseconds limit);
void send_signal(int pidfd, int signal);

}  // namespace enjoin
