#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "runner/plan.h"

using namespace std::chrono_literals;
using enjoin::Batch;
using enjoin::Canceled;
using enjoin::Exited;
using enjoin::HaltSpec;
using enjoin::Job;
using enjoin::JobResult;
using enjoin::Lost;
using enjoin::Outcome;
using enjoin::OutputFailed;
using enjoin::Plan;
using enjoin::PlanSpec;
using enjoin::RunningMedian;
using enjoin::Signaled;
using enjoin::SpawnFailed;
using enjoin::TimedOut;
using Verdict = enjoin::Plan::Verdict;

namespace {

// The plan reads no clock: this one stands still until it is moved.
const Plan::TimePoint kStart{};

Job make(Plan& plan, Plan::TimePoint now = kStart) {
  Batch batch{.bytes = std::string("x\0", 2), .values = 1};
  return plan.make_job(&batch, now);
}

JobResult ended(Job job, Outcome outcome, std::chrono::nanoseconds wall = 1s) {
  JobResult result;
  result.output_held_back = job.hold_output_if_failed && !succeeded(outcome);
  result.job = std::move(job);
  result.outcome = outcome;
  result.use.wall = wall;
  return result;
}

Verdict judge(Plan& plan, Job job, Outcome outcome, std::chrono::nanoseconds wall = 1s) {
  JobResult result = ended(std::move(job), outcome, wall);
  return plan.judge(result);
}

PlanSpec with_halt(HaltSpec::When when, HaltSpec::Why why, std::uint64_t count) {
  return {.retries = 1, .halt = {.when = when, .why = why, .count = count}, .timeout = {}};
}

}  // namespace

TEST_CASE("plan: jobs are numbered from 1 and ordered from 0, with their inputs") {
  Plan plan({});
  const Job first = make(plan);
  const Job second = make(plan);
  CHECK(first.id.seq == 1);
  CHECK(first.order == 0);
  CHECK(first.inputs == std::string("x\0", 2));
  CHECK(first.values == 1);
  CHECK(second.id.seq == 2);
  CHECK(second.order == 1);
  CHECK(plan.total() == 2);
}

TEST_CASE("plan: it is exhausted when the input has ended and nothing is to be tried again") {
  Plan plan({.retries = 2, .halt = {}, .timeout = {}});
  Job job = make(plan);
  CHECK_FALSE(plan.exhausted());
  plan.input_ended();
  CHECK(plan.exhausted());
  CHECK(judge(plan, std::move(job), Exited{1}) == Verdict::kRetry);
  CHECK_FALSE(plan.exhausted());
}

TEST_CASE("plan: inputs that were read and not made keep it from being exhausted") {
  Plan plan({});
  plan.input_ended(1);
  CHECK_FALSE(plan.exhausted());
  CHECK(plan.total() == 1);
  make(plan);
  CHECK(plan.exhausted());
  CHECK(plan.total() == 1);
}

TEST_CASE("plan: the exit status is the number of failed jobs, 101 for more than 100") {
  Plan plan({});
  CHECK(plan.exit_status() == 0);
  judge(plan, make(plan), Exited{0});
  CHECK(plan.exit_status() == 0);
  for (int i = 0; i < 100; ++i) judge(plan, make(plan), Exited{3});
  CHECK(plan.exit_status() == 100);
  judge(plan, make(plan), Signaled{9});
  judge(plan, make(plan), Lost{});
  CHECK(plan.exit_status() == 101);
  CHECK(plan.done() == 103);
  CHECK(plan.failed() == 102);
}

TEST_CASE("plan: a job that was never started is no failure") {
  Plan plan({});
  judge(plan, make(plan), Canceled{.started = false});
  CHECK(plan.exit_status() == 0);
  CHECK(plan.done() == 0);
  CHECK(plan.withdrawn() == 1);
  judge(plan, make(plan), Canceled{.started = true});
  CHECK(plan.exit_status() == 1);
}

// ---- retries
// -------------------------------------------------------------------------------------

TEST_CASE("plan: a failed job is tried again up to the total, in its place") {
  Plan plan({.retries = 3, .halt = {}, .timeout = {}});
  Job job = make(plan);
  for (std::uint32_t attempt = 1; attempt < 3; ++attempt) {
    CHECK(job.attempt == attempt);
    CHECK(job.hold_output_if_failed);
    REQUIRE(judge(plan, std::move(job), Exited{1}) == Verdict::kRetry);
    REQUIRE(plan.has_retry());
    job = plan.take_retry(kStart);
  }
  CHECK(job.attempt == 3);
  CHECK(job.id.seq == 1);
  CHECK(job.order == 0);
  CHECK(job.inputs == std::string("x\0", 2));
  CHECK_FALSE(job.hold_output_if_failed);
  CHECK(judge(plan, std::move(job), Exited{1}) == Verdict::kFinal);
  CHECK(plan.done() == 1);
  CHECK(plan.failed() == 1);
}

TEST_CASE("plan: a job that succeeds at last has not failed") {
  Plan plan({.retries = 2, .halt = {}, .timeout = {}});
  REQUIRE(judge(plan, make(plan), Lost{}) == Verdict::kRetry);
  REQUIRE(judge(plan, plan.take_retry(kStart), Exited{0}) == Verdict::kFinal);
  CHECK(plan.exit_status() == 0);
}

TEST_CASE("plan: with 0 retries a job is tried for ever") {
  Plan plan({.retries = 0, .halt = {}, .timeout = {}});
  Job job = make(plan);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(judge(plan, std::move(job), Exited{1}) == Verdict::kRetry);
    job = plan.take_retry(kStart);
  }
  CHECK(job.attempt == 1001);
}

TEST_CASE("plan: what was stopped by us is not tried again") {
  Plan plan({.retries = 3, .halt = {}, .timeout = {}});
  CHECK(judge(plan, make(plan), Canceled{.started = true, .signal = SIGTERM}) == Verdict::kFinal);
}

TEST_CASE("plan: a job whose output was printed is not tried again") {
  Plan plan({.retries = 3, .halt = {}, .timeout = {}});
  JobResult result = ended(make(plan), Lost{});
  result.output_held_back = false;
  CHECK(plan.judge(result) == Verdict::kFinal);
}

TEST_CASE("plan: a stopped run gives up what was to be tried again, as failed") {
  Plan plan({.retries = 3, .halt = {}, .timeout = {}});
  REQUIRE(judge(plan, make(plan), Exited{7}) == Verdict::kRetry);
  Job late = make(plan);
  CHECK_FALSE(plan.take_abandoned());
  plan.stop();
  CHECK_FALSE(plan.exhausted());
  REQUIRE(judge(plan, std::move(late), Exited{8}) == Verdict::kRetry);
  const auto first = plan.take_abandoned();
  const auto second = plan.take_abandoned();
  REQUIRE((first && second));
  CHECK(first->job.id.seq == 1);
  CHECK(std::get<Exited>(first->outcome).status == 7);
  CHECK(second->job.id.seq == 2);
  CHECK_FALSE(plan.take_abandoned());
  CHECK(plan.failed() == 2);
  CHECK(plan.exhausted());
}

// ---- delay
// ---------------------------------------------------------------------------------------

TEST_CASE("plan: without a delay every moment will do") {
  Plan plan({});
  make(plan);
  CHECK(plan.may_start(kStart));
  CHECK_FALSE(plan.next_start(kStart));
}

TEST_CASE("plan: starts are the delay apart, the first at once") {
  Plan plan({.retries = 1, .halt = {}, .delay = 2s, .timeout = {}});
  CHECK(plan.may_start(kStart));
  CHECK_FALSE(plan.next_start(kStart));
  make(plan, kStart);
  CHECK_FALSE(plan.may_start(kStart + 1999ms));
  CHECK(plan.next_start(kStart + 1s) == kStart + 2s);
  CHECK(plan.may_start(kStart + 2s));
  CHECK_FALSE(plan.next_start(kStart + 2s));
}

TEST_CASE("plan: a retry counts as a start") {
  Plan plan({.retries = 2, .halt = {}, .delay = 2s, .timeout = {}});
  REQUIRE(judge(plan, make(plan, kStart), Exited{1}) == Verdict::kRetry);
  plan.take_retry(kStart + 5s);
  CHECK_FALSE(plan.may_start(kStart + 6s));
  CHECK(plan.may_start(kStart + 7s));
}

// ---- halting
// -------------------------------------------------------------------------------------

TEST_CASE("plan: the halt rule stops starting and is told once") {
  Plan plan(with_halt(HaltSpec::When::kSoon, HaltSpec::Why::kFail, 2));
  judge(plan, make(plan), Exited{1});
  CHECK(plan.take_halt() == HaltSpec::When::kNever);
  CHECK(plan.may_start(kStart));
  judge(plan, make(plan), Exited{1});
  CHECK(plan.take_halt() == HaltSpec::When::kSoon);
  CHECK(plan.take_halt() == HaltSpec::When::kNever);
  CHECK_FALSE(plan.may_start(kStart));
  judge(plan, make(plan), Exited{1});
  CHECK(plan.take_halt() == HaltSpec::When::kNever);
}

TEST_CASE("plan: one job that decides gives its own status") {
  Plan plan(with_halt(HaltSpec::When::kNow, HaltSpec::Why::kFail, 1));
  judge(plan, make(plan), Exited{0});
  judge(plan, make(plan), Exited{37});
  CHECK(plan.take_halt() == HaltSpec::When::kNow);
  judge(plan, make(plan), Canceled{.started = true, .signal = SIGTERM});
  CHECK(plan.exit_status() == 37);
}

TEST_CASE("plan: a retry does not meet the rule, its last attempt does") {
  PlanSpec spec = with_halt(HaltSpec::When::kSoon, HaltSpec::Why::kFail, 1);
  spec.retries = 2;
  Plan plan(spec);
  judge(plan, make(plan), Exited{1});
  CHECK(plan.take_halt() == HaltSpec::When::kNever);
  judge(plan, plan.take_retry(kStart), Exited{1});
  CHECK(plan.take_halt() == HaltSpec::When::kSoon);
}

TEST_CASE("plan: enough successes are a success, whatever failed before") {
  Plan plan(with_halt(HaltSpec::When::kNow, HaltSpec::Why::kSuccess, 1));
  judge(plan, make(plan), Exited{5});
  judge(plan, make(plan), Exited{0});
  CHECK(plan.take_halt() == HaltSpec::When::kNow);
  CHECK(plan.exit_status() == 0);
}

// ---- timeout by the median
// -----------------------------------------------------------------------

TEST_CASE("median: it is exact to 2 percent and needs no order") {
  RunningMedian median;
  CHECK(median.value() == 0ns);
  for (const auto value : {30s, 1s, 10s, 2s, 20s}) median.add(value);
  const double error = static_cast<double>(median.value().count()) / 1e10 - 1;
  CHECK(error < 0.02);
  CHECK(error > -0.02);
}

TEST_CASE("median: the smallest and largest durations are taken") {
  RunningMedian median;
  median.add(0ns);
  CHECK(median.value() < 10ns);
  median.add(std::chrono::nanoseconds::max());
  median.add(std::chrono::nanoseconds::max());
  CHECK(median.value() > std::chrono::hours(24 * 365));
}

TEST_CASE("plan: the median's timeout begins with the third success and ignores failures") {
  Plan plan({.retries = 1, .halt = {}, .timeout = {.limit = 0ns, .percent_of_median = 200}});
  for (int i = 0; i < 2; ++i) judge(plan, make(plan), Exited{0}, 10s);
  for (int i = 0; i < 9; ++i) judge(plan, make(plan), Exited{1}, 1ms);
  CHECK(plan.timeout() == 0ns);
  judge(plan, make(plan), Exited{0}, 10s);
  CHECK(plan.timeout() > 19s);
  CHECK(plan.timeout() < 21s);
}

TEST_CASE("plan: a fixed timeout counts from the first job on") {
  const Plan plan({.retries = 1, .halt = {}, .timeout = {.limit = 5s}});
  CHECK(plan.timeout() == 5s);
}

TEST_CASE("plan: stopped jobs do not count for the average run time") {
  Plan plan({});
  CHECK(plan.average_runtime() == 0ns);
  judge(plan, make(plan), Exited{0}, 2s);
  judge(plan, make(plan), Exited{1}, 4s);
  CHECK(plan.average_runtime() == 3s);
}

// ---- the joblog's columns
// ------------------------------------------------------------------------

TEST_CASE("plan: exit value and signal of each outcome") {
  struct Row {
    Outcome outcome;
    int value, signal;
  };
  const Row rows[] = {{Exited{0}, 0, 0},
                      {Exited{255}, 255, 0},
                      {Signaled{SIGSEGV}, 139, SIGSEGV},
                      {TimedOut{SIGTERM}, -1, SIGTERM},
                      {TimedOut{0}, -1, SIGTERM},
                      {Canceled{true, SIGKILL}, 137, SIGKILL},
                      {Lost{}, 255, 0},
                      {SpawnFailed{ENOENT}, 127, 0},
                      {SpawnFailed{EACCES}, 126, 0},
                      {OutputFailed{ENOSPC}, 255, 0}};
  for (const Row& row : rows) {
    CAPTURE(to_string(row.outcome));
    CHECK(exit_value(row.outcome) == row.value);
    CHECK(signal_value(row.outcome) == row.signal);
  }
}

TEST_CASE("plan: a job that made room runs again, as an attempt or not") {
  Plan plan({.retries = 3, .halt = {}, .timeout = {}});
  JobResult first = ended(make(plan), Canceled{true, SIGTERM});
  plan.put_back(first, false);
  Job again = plan.take_retry(kStart);
  CHECK(again.id.seq == 1);
  CHECK(again.attempt == 1);
  JobResult second = ended(std::move(again), Canceled{true, SIGTERM});
  plan.put_back(second, true);
  Job last = plan.take_retry(kStart);
  CHECK(last.attempt == 2);
  CHECK(plan.may_retry(last));
  CHECK(judge(plan, std::move(last), Exited{0}) == Verdict::kFinal);
  CHECK(plan.done() == 1);
  CHECK(plan.latest_status() == 0);
}
