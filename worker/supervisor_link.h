#pragma once

#include <csignal>
#include <functional>

#include "ipc/bells.h"
#include "ipc/stdin_ticket.h"
#include "ipc/unique_fd.h"

namespace enjoin {

/// A worker's connection to its supervisor: a socket, which the supervisor writes to wake a worker
/// that is busy with a job and whose hang-up says that it died, and an eventfd to tell it news.
/// An idle worker sleeps on its bell instead, and one that prints may be blocked in a write. Both
/// are woken by a signal, which comes from the kernel when the keeper dies, and from the keeper
/// when the supervisor does. One object a process (the signal handler needs to find it).
class SupervisorLink {
 public:
  static constexpr int kDeathSignal = SIGUSR1;

  /// Throws Error. `socket` and `event` are ours from here on.
  SupervisorLink(const ipc::TeamMemory& memory, std::uint32_t worker, ipc::UniqueFd socket,
                 ipc::UniqueFd event, std::uint32_t keeper_pid);

  int fd() const { return socket_.get(); }
  /// Takes in wake-ups. False: gone().
  bool read();
  /// The supervisor is gone, or the keeper: the worker is to leave.
  bool gone();
  /// Nobody is left who would remove what this run has made.
  bool supervisor_gone();
  /// The signal that our caller ignored and we use: jobs are to ignore it again. 0: none.
  int ignored_signal() const { return ignored_signal_; }

  /// Asks for the stdin of a job that stands in the queue with this ticket and handle, and waits.
  /// `stop` is asked whenever something comes; true ends the wait. False: stopped, or the
  /// supervisor is gone; else the answer is there.
  bool ask_stdin(std::uint64_t ticket, std::uint32_t handle, const std::function<bool()>& stop,
                 ipc::StdinAnswer* answer, std::span<ipc::UniqueFd> descriptors);

  /// A result was published. Tells the supervisor at once where `urgent`, else at most every
  /// 10 ms, so that floods of short jobs do not wake it for each.
  void news(bool urgent);
  /// Nanoseconds until news that were held back are due; 0: there are none.
  std::uint64_t news_due_in();
  void tell_now();

 private:
  ipc::Bells bells_;
  ipc::UniqueFd socket_;
  ipc::UniqueFd event_;
  std::uint32_t keeper_pid_;
  int ignored_signal_ = 0;
  bool held_back_ = false;
  bool gone_ = false;
  std::uint64_t last_told_ns_ = 0;
};

}  // namespace enjoin
