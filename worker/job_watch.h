#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <poll.h>
#include <span>

#include <sys/resource.h>

#include "ipc/layout.h"
#include "worker/spawn.h"

namespace enjoin {

/// Nanoseconds on CLOCK_MONOTONIC / CLOCK_REALTIME.
std::uint64_t monotonic_ns();
std::uint64_t realtime_ns();

/// How a watched job ended.
struct JobEnd {
  ipc::EndKind kind = ipc::EndKind::kExited;
  int code = 0;              ///< exit status or signal, see flags
  std::uint16_t flags = 0;   ///< kResultCoreDumped, kResultExitedOnStop
  std::uint64_t end_ns = 0;  ///< monotonic
  rusage use{};
};

/// What the watch asks its worker while a job runs.
class WatchHost {
 public:
  virtual ~WatchHost() = default;
  /// The descriptor beside the job to poll: the socket to the supervisor.
  virtual int control_fd() const = 0;
  /// control_fd is readable or hung up. False: the supervisor is gone.
  virtual bool read_control() = 0;
  enum class Stop : std::uint8_t { kNo, kLadder, kNow };
  virtual Stop stop_wanted(std::uint64_t ticket) const = 0;  ///< cancelled?
  virtual bool suspended() const = 0;
  /// Nanoseconds that the job may run, 0 for no limit; asked again after every wake-up.
  virtual std::uint64_t timeout_ns(std::uint64_t own) const = 0;
  /// Called now and then while the job runs; returns when it wants to be called again, in
  /// nanoseconds from now (0: when something happens).
  virtual std::uint64_t tick() = 0;
  virtual int pipe_fd(int stream) const = 0;  ///< captured output to read, or -1
  virtual void pump(int stream) = 0;
  /// What has to be waited for before feed() can go on with the job's stdin; fd -1: nothing.
  virtual pollfd feed_wants() const { return {-1, 0, 0}; }
  virtual void feed() {}
};

/// Waits for one job while enforcing its timeout and cancellation, pumping its output and watching
/// the supervisor. Ends the job by the ladder: each step's signal to the job's whole group, then
/// its wait; KILL where the ladder is at its end.
class JobWatch {
 public:
  JobWatch(WatchHost& host, std::span<const StopStep> ladder) : host_(host), ladder_(ladder) {}

  /// Returns when the group's leader has ended and is reaped. Before that, where the job was
  /// stopped by us, its whole group was killed, while its number was still the job's own.
  JobEnd wait(Child& child, std::uint64_t ticket, std::uint64_t started_ns,
              std::uint64_t own_timeout_ns);

 private:
  bool poll_until_ended(std::uint64_t now);
  bool look_without_poll();
  void consider_stopping(std::uint64_t now);
  void climb(std::uint64_t now);
  void follow_suspension();
  void signal_group(int signal);
  void let_group_end();
  JobEnd reap();
  bool take_report(JobEnd* end);

  WatchHost& host_;
  std::span<const StopStep> ladder_;
  Child* child_ = nullptr;
  std::uint64_t ticket_ = 0;
  std::uint64_t started_ns_ = 0;
  std::uint64_t own_timeout_ns_ = 0;
  std::uint64_t suspended_since_ = 0;
  bool stopping_ = false;
  bool at_once_ = false;
  ipc::EndKind why_ = ipc::EndKind::kExited;
  std::size_t step_ = 0;
  std::uint64_t next_step_ns_ = 0;
  std::uint64_t next_tick_ns_ = 0;
};

}  // namespace enjoin
