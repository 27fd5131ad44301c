#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>

#include "runner/team/job.h"

namespace enjoin {

/// What becomes of a job that had started when its worker died.
enum class WorkerLoss : std::uint8_t {
  kFail,     ///< it is recorded as Lost
  kRequeue,  ///< it runs again, a few times at most
};

/// Workers that run jobs: all that the runner sees of them. The team of this machine is LocalTeam
/// (local_team.h); tests use one without processes.
///
/// A job that was started is answered by exactly one result, whatever happens to its worker. Its
/// output has then reached its destination (or was dropped, see JobResult). One thread at a time.
class Team {
 public:
  virtual ~Team() = default;

  /// How many more jobs start() takes now.
  virtual std::size_t room() const = 0;
  /// Queues a job; a worker begins it as soon as one is free. The caller keeps to room(); a job
  /// whose inputs can never fit throws Error.
  virtual void start(Job job) = 0;

  enum class How { kLadder, kNow };
  /// Stops all jobs: the queued ones come back as Canceled, the running ones are ended, whole
  /// trees, by the ladder or at once. May be called again with kNow.
  virtual void cancel_all(How how) = 0;
  /// Takes the jobs that no worker has claimed out of the queue; they come back as Canceled.
  virtual void withdraw_queued() = 0;
  /// The limit for jobs that have none of their own; 0: none. Counts for running ones too.
  virtual void set_timeout(std::chrono::nanoseconds limit) = 0;

  /// Delivers results that are there, without blocking.
  virtual void collect(const std::function<void(JobResult&)>& deliver) = 0;
  /// Has `observe` called, inside collect(), for each job that has ended while its output still
  /// waits for its turn: for decisions that must not wait for it. Its result follows. `observe`
  /// must not call the team.
  virtual void watch_ends(std::function<void(const JobResult&)> observe) = 0;
  /// Waits until there may be results, one of `readable` is so, or `limit` is over (negative: no
  /// limit). May return early. At most kMostWatched descriptors.
  virtual void wait(std::span<const int> readable, std::chrono::nanoseconds limit) = 0;
  static constexpr std::size_t kMostWatched = 5;
  /// Readable when wait() would return: for event loops of others.
  virtual int pollable_fd() const = 0;

  virtual std::size_t running() const = 0;     ///< jobs that workers have begun, about
  virtual std::size_t unfinished() const = 0;  ///< jobs started and not yet answered
  /// errno of a failed write to our stdout or stderr, else 0. From then on output is dropped.
  virtual int output_error() const = 0;
};

}  // namespace enjoin
