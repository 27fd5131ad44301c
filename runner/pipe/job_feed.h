#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runner/cli/options.h"
#include "runner/input/batcher.h"
#include "runner/team/stdin_source.h"

namespace enjoin {

/// The jobs of a run with --pipe or --pipepart, and the data that each is to have on stdin. What
/// BatchRun asks instead of its batcher alone.
class JobFeed {
 public:
  virtual ~JobFeed() = default;

  /// kRecord: `*batch` holds the next job's inputs, and its data waits for keep(). kWouldBlock:
  /// wait as wait_fds() and deadline() say, or until a job has ended. Throws Error where reading
  /// fails.
  virtual Pull pull(Batch* batch) = 0;
  /// The job that was pulled last is to run under this number; without it, its data is dropped.
  virtual void keep(std::uint64_t seq) = 0;

  /// Descriptors to wait for, for reading; says how many. `more_jobs`: others may still be started.
  static constexpr std::size_t kMostWaits = 2;
  virtual std::size_t wait_fds(bool more_jobs, int* fds) const = 0;
  /// pull() again at this time at the latest.
  virtual std::optional<std::chrono::steady_clock::time_point> deadline() const { return {}; }
  /// Moves on data that goes through us, where some can go. Called in each turn of the loop. Throws
  /// Error where reading fails.
  virtual void turn() {}

  /// Nothing more is started, whatever comes: those that run are to come to their end.
  virtual void no_more_jobs() {}

  /// What a job that is about to start gets; it may be asked for again (another attempt).
  virtual StdinSource stdin_of(const Job& job) = 0;
  /// Turns a result into a failure where the job's data was not what it should have been.
  virtual void check(JobResult* /*result*/) {}
  /// Bytes given to the job by us, for the log.
  virtual std::uint64_t sent(std::uint64_t seq) const = 0;
  /// The job's result is final: its data is needed no more.
  virtual void finish(const JobResult& result) = 0;
};

/// What a feed is made with.
struct FeedSetup {
  std::uint32_t workers = 1;
  Batcher* arguments = nullptr;  ///< of `:::` and the like
  std::function<void(const std::string&)> warn;
};

/// Throws Error and UsageError as open_blocks() does.
std::unique_ptr<JobFeed> open_job_feed(const Options& options, FeedSetup setup);

// How a run's options are read with --pipe and --pipepart.

bool is_piped(const Options& options);
/// Where each job finds its data.
JobInput job_input(const Options& options);
/// The command: nothing is put behind it but, with --cat and --fifo, the file's name.
TemplateSpec command_spec(const Options& options);
/// How often a job may run in all: once, where what it has read cannot be given to it again.
std::uint32_t retries_of(const Options& options);
/// -j as given; where it was not, all jobs of --tee run at once.
std::string jobs_text(const Options& options);
/// The sources of the jobs' arguments, of data apart: with --pipe stdin is data and the sources
/// named are arguments; with --pipepart files are data.
InputSpec argument_spec(const Options& options);

}  // namespace enjoin
