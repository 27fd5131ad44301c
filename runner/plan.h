#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "runner/halt.h"
#include "runner/input/batcher.h"
#include "runner/team/job.h"
#include "runner/units.h"

namespace enjoin {

/// The middle of a growing set of durations, exact to about 1.5 %, in constant memory.
class RunningMedian {
 public:
  void add(std::chrono::nanoseconds value);
  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds value() const;

 private:
  static constexpr int kSteps = 32;  // buckets for each doubling
  std::array<std::uint64_t, 64 * kSteps> buckets_{};
  std::uint64_t count_ = 0;
};

struct PlanSpec {
  std::uint32_t retries = 1;  ///< total runs of a job; 0: without end
  HaltSpec halt;
  std::chrono::nanoseconds delay{0};
  TimeoutSpec timeout;
  bool delay_adapts = false;  ///< a failed job makes it 30 % longer, a good one 10 % shorter
};

/// What is to happen next, and what came of it: numbers jobs, counts ends, decides on retries,
/// delays, halting and the exit status. A pure state machine: it starts nothing and reads no clock.
class Plan {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit Plan(PlanSpec spec) : spec_(spec) {}

  // Before a start.
  /// Whether a job may be started now, by halting and delay.
  bool may_start(TimePoint now) const;
  /// When that may change by the clock alone; nullopt: never.
  std::optional<TimePoint> next_start(TimePoint now) const;
  bool has_retry() const { return !retries_.empty(); }
  /// The job to start next: a retry where there is one, else one made of `batch` (taken from). Its
  /// number is the batch's, its place in ordered output the next, whatever numbers were left out.
  Job take_retry(TimePoint now);
  Job make_job(Batch* batch, TimePoint now);
  /// The inputs have ended; `still_to_make` jobs of them have not been made yet.
  void input_ended(std::uint64_t still_to_make = 0) {
    input_ended_ = true;
    to_make_ = still_to_make;
  }
  /// No more is started, whatever comes.
  void stop() { stopped_ = true; }

  // After an end.
  enum class Verdict : std::uint8_t { kFinal, kRetry };
  /// Counts a result; for kRetry it was taken, for take_retry().
  Verdict judge(JobResult& result);
  /// Whether a failure of this attempt would be followed by another.
  bool may_retry(const Job& job) const { return !stopped_ && has_attempts_left(job); }
  /// A job that we stopped, for take_retry(): it is to run again. `counts` says whether this was
  /// an attempt.
  void put_back(JobResult& result, bool counts);
  /// Counts towards the halt rule a job that has ended while its output waits for its turn. Its
  /// result, `announced`, comes to judge() later.
  void foresee(const JobResult& result);
  /// Once stopped: a job that was to be tried again, counted as failed; nullopt: there is none.
  std::optional<JobResult> take_abandoned();
  /// The halt rule was met by the last judged job: what is to be done. kNever: nothing new.
  HaltSpec::When take_halt();
  /// The limit for running jobs by the median rule; 0: none yet.
  std::chrono::nanoseconds timeout() const;

  bool stopped() const { return stopped_; }
  /// Nothing is left to start.
  bool exhausted() const {
    return retries_.empty() && (stopped_ || (input_ended_ && to_make_ == 0));
  }
  /// Jobs known so far.
  std::uint64_t total() const { return made_ + to_make_; }
  std::uint64_t done() const { return done_; }
  std::uint64_t failed() const { return failed_; }
  /// Jobs that were made and then not started.
  std::uint64_t withdrawn() const { return withdrawn_; }
  bool total_is_final() const { return input_ended_; }
  std::chrono::nanoseconds average_runtime() const;
  int exit_status() const;
  bool halted() const { return halted_; }
  /// Of the job that was judged last: its exit value, 255 where that is none.
  int latest_status() const { return latest_status_; }

 private:
  HaltCounts counts() const;
  static bool has_attempts_left(const Job& job) {
    return job.most_attempts == 0 || job.attempt < job.most_attempts;
  }
  void note_start(TimePoint now);
  void adapt_delay(bool good);
  void count(const JobResult& result);
  void consider_halt(const Outcome& outcome);

  PlanSpec spec_;
  std::deque<JobResult> retries_;
  RunningMedian runtimes_;
  std::chrono::nanoseconds total_runtime_{0};
  std::uint64_t made_ = 0;
  std::uint64_t to_make_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t withdrawn_ = 0;
  int latest_status_ = 0;
  std::uint64_t foreseen_failed_ = 0;
  std::uint64_t foreseen_succeeded_ = 0;
  std::optional<TimePoint> last_start_;
  bool input_ended_ = false;
  bool stopped_ = false;
  bool halted_ = false;
  HaltSpec::When halt_news_ = HaltSpec::When::kNever;
  int halt_status_ = 0;
};

/// Whether the job's end is its own: by itself, by a signal that is not ours, by its own timeout,
/// or at once, because it cannot be started. Not so for one that was stopped, lost, or whose output
/// could not be kept.
bool came_to_its_end(const Outcome& outcome);
/// The exit value of the joblog: the status, 128+n for signal n, -1 for a timeout, 126 or 127 where
/// it could not be started.
int exit_value(const Outcome& outcome);
/// The signal column of the joblog.
int signal_value(const Outcome& outcome);

}  // namespace enjoin
