#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "enjoin/api.h"
#include "enjoin/command.h"
#include "enjoin/outcome.h"

namespace enjoin {

/// Ids are given by an Executor, from 1, and never used again by it. 0: none.
enum class JobId : std::uint64_t {};
enum class StageId : std::uint32_t {};
enum class LimitId : std::uint32_t {};

enum class Jobserver : std::uint8_t {
  kNone,
  kClient,  ///< take slots of the make that started the host, if there is one (MAKEFLAGS)
  kPipe,    ///< serve one to the jobs, of `cpus` slots, as a pipe
  kFifo,    ///< likewise as a fifo (GNU make 4.4)
};

struct ExecutorOptions {
  std::uint32_t cpus = 0;    ///< sum of JobOptions::cpus that run at once; 0: as the machine has
  std::uint64_t memory = 0;  ///< likewise of JobOptions::memory, bytes; 0: no limit
  bool keep_going = true;    ///< false: after a failure nothing new is started
  Jobserver jobserver = Jobserver::kNone;
  /// The folder that holds our helper programs; empty: $ENJOIN_LIBEXEC, else where they were
  /// installed.
  std::string helpers = {};
  std::string scratch_folder = {};  ///< for captured output; empty: $TMPDIR, else /tmp
};

/// A group of jobs that is joined: what needs the stage starts when all its jobs have succeeded.
struct StageOptions {
  std::string name = {};
  std::vector<StageId> needs = {};
  std::uint32_t most_running = 0;  ///< 0: no limit of its own
  bool allow_failure = false;      ///< its failed jobs hold nothing up
};

/// A limit that jobs of any stage share (a "pool" of ninja and of pipeline files).
struct LimitOptions {
  std::string name = {};
  std::uint32_t slots = 1;
};

/// What became of one job, told once.
struct JobReport {
  JobId id{};
  enum class Kind : std::uint8_t {
    kRan,      ///< `outcome` says how it ended
    kSkipped,  ///< skip(), or its needs were unchanged: counts as a success, was not run
    kDropped,  ///< never started: what it needed failed, or it was cancelled before
  };
  Kind kind = Kind::kRan;
  bool success = false;
  Outcome outcome = Canceled{};
  ResourceUse use = {};
  std::uint32_t attempt = 1;               ///< the last one
  std::uint32_t slot = 0;                  ///< the worker's number, from 1
  std::chrono::nanoseconds started_at{0};  ///< since the epoch; 0: never started
  std::string out = {};  ///< Output::kCapture, kMerge: what it wrote, of its last attempt
  std::string err = {};
  bool output_cut = false;  ///< Command::most_output was reached
  bool left_processes = false;
  bool processes_escaped = false;  ///< not all that it left could be killed
  std::string reason = {};         ///< for people, beside the outcome; may be empty
};

/// Called by step(), in its thread, never after the job's end was told. May call the Executor, but
/// not end it. What a handler throws leaves through step(); the next step() goes on.
struct JobHandlers {
  /// A worker has it, or is about to take it: the first attempt.
  std::function<void(JobId)> on_start = {};
  /// stream: 1 or 2. Without its newline; a last line without one is delivered as well. One longer
  /// than Command::most_output comes in pieces. Lines of all attempts.
  std::function<void(JobId, int stream, std::string_view line)> on_line = {};
  /// Without it the end is kept for try_take().
  std::function<void(const JobReport&)> on_end = {};
};

struct JobOptions {
  StageId stage{};                ///< 0: none
  std::vector<JobId> needs = {};  ///< starts when these have succeeded; ids of this executor
  std::uint32_t cpus = 1;         ///< more than there are: it runs alone
  std::uint64_t memory = 0;       ///< bytes
  std::vector<LimitId> limits = {};
  int priority = 0;            ///< higher first; equals: the longest chain of needs first
  std::uint32_t attempts = 1;  ///< in all; 0: without end
  std::chrono::nanoseconds retry_delay{0};
  double retry_backoff = 1;
  std::chrono::nanoseconds expected{0};  ///< how long it may take, for the order; 0: not known
  /// What needs it waits for answer(), once it has succeeded.
  bool asks = false;
  JobHandlers handlers = {};
};

/// What is to become of those that need a job which has succeeded and `asks`.
enum class Answer : std::uint8_t {
  kGoOn,
  /// It changed nothing: those whose needs all changed nothing (or were skipped) are skipped, and
  /// count as unchanged themselves. ninja's restat.
  kUnchanged,
};

enum class Stop : std::uint8_t {
  kLadder,  ///< TERM to the process group, patience, KILL to the whole tree
  kNow,     ///< KILL to the whole tree at once
};

/// Runs commands in worker processes, as needs, limits, CPUs and memory allow. The scheduler is a
/// helper process of ours, so that the graph goes on while the host is busy with something else.
///
/// Manners. In the host no child comes to be (no SIGCHLD, nothing that its waitpid(-1) could
/// take), no signal handler, no thread; its folder, umask, limits, stdin and stdout are left alone.
/// All descriptors are close-on-exec. If the host dies, by whatever signal, all jobs and their
/// trees are ended. Several executors may live in one process, each used by one thread at a time.
/// After a fork() without exec only the parent may use it. One that was moved away throws Error
/// from all but its destructor and assignment.
///
/// Errors. What the caller did wrong, and what the kernel refuses, throws Error; then nothing was
/// added. Should the helper die, jobs that had begun end as Lost, the others are dropped with the
/// same outcome, and further calls of add() throw.
///
/// What a call adds or cancels is with the helper when it returns: it may wait until the helper has
/// taken it, never for a job.
class ENJOIN_API Executor {
 public:
  explicit Executor(ExecutorOptions options = {});
  /// Ends all jobs at once and waits until nothing of them is left (two seconds at most).
  ~Executor();
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;

  JobId add(Command command, JobOptions options = {});
  /// Before `job` has started, as far as step() has told; has it just started, it runs on without.
  /// A ring of needs throws Error.
  void add_need(JobId job, JobId on);
  StageId add_stage(StageOptions options);
  /// All its jobs have been added: it can be joined.
  void close_stage(StageId stage);
  LimitId add_limit(LimitOptions options);

  /// Nothing happens where it has ended. One that has not started is dropped, with what needs it.
  void cancel(JobId job, Stop how = Stop::kLadder);
  void cancel_all(Stop how = Stop::kLadder);
  /// A job that has not started counts as done; one that has is not touched.
  void skip(JobId job);
  /// To a job that `asks`, from its on_end() or later.
  void answer(JobId job, Answer answer);
  void set_cpus(std::uint32_t cpus);

  /// Readable (POLLIN) when step() has something to do: for poll, epoll, libuv, ….
  int fd() const;
  /// Does what can be done without waiting; calls handlers. How many ends were told or kept.
  std::size_t step();
  /// Waits for something to do, at most `limit` (negative: without), then step(). Returns early
  /// when a signal was caught and, without a limit, when no job is unfinished.
  std::size_t wait(std::chrono::nanoseconds limit = std::chrono::nanoseconds(-1));
  /// Until all jobs have ended. False: one of those that ended since the last call did not succeed,
  /// and its stage does not allow that.
  bool wait_all();
  /// The next end that no handler was given for, in the order in which they happened.
  std::optional<JobReport> try_take();

  std::size_t unfinished() const;  ///< jobs added whose ends have not been told or kept yet
  std::size_t running() const;     ///< of these, begun

 private:
  class ENJOIN_HIDDEN Impl;
  ENJOIN_HIDDEN Impl& impl() const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace enjoin
