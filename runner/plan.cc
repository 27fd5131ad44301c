#include "runner/plan.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <utility>

namespace enjoin {
namespace {

// With fewer, a median says little (GNU parallel waits for three as well).
constexpr std::uint64_t kFewestForMedian = 3;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>  // clang 14 needs it spelled out
Overloaded(Cases...)->Overloaded<Cases...>;

}  // namespace

void RunningMedian::add(std::chrono::nanoseconds value) {
  const double size = static_cast<double>(std::max<std::int64_t>(value.count(), 1));
  const auto bucket = static_cast<std::size_t>(std::log2(size) * kSteps);
  ++buckets_[std::min(bucket, buckets_.size() - 1)];
  ++count_;
}

std::chrono::nanoseconds RunningMedian::value() const {
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen * 2 >= count_ && seen > 0) {
      const double middle = (static_cast<double>(bucket) + 0.5) / kSteps;
      constexpr double most = 9.2e18;  // what 64 bits hold
      return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(std::exp2(middle), most)));
    }
  }
  return std::chrono::nanoseconds(0);
}

bool Plan::may_start(TimePoint now) const {
  if (stopped_) return false;
  return !last_start_ || spec_.delay.count() == 0 || now >= *last_start_ + spec_.delay;
}

std::optional<Plan::TimePoint> Plan::next_start(TimePoint now) const {
  if (stopped_ || !last_start_ || spec_.delay.count() == 0) return std::nullopt;
  const TimePoint next = *last_start_ + spec_.delay;
  return next > now ? std::optional(next) : std::nullopt;
}

void Plan::note_start(TimePoint now) {
  last_start_ = now;
}

void Plan::adapt_delay(bool good) {
  if (!spec_.delay_adapts) return;
  constexpr auto kMost = std::chrono::nanoseconds(std::chrono::hours(24 * 365));
  spec_.delay = std::min(spec_.delay * (good ? 9 : 13) / 10, kMost);
}

Job Plan::take_retry(TimePoint now) {
  Job job = std::move(retries_.front().job);
  retries_.pop_front();
  ++job.attempt;
  job.hold_output_if_failed = has_attempts_left(job);
  note_start(now);
  return job;
}

Job Plan::make_job(Batch* batch, TimePoint now) {
  Job job;
  job.order = made_++;
  job.id.seq = batch->seq != 0 ? batch->seq : made_;
  if (to_make_ > 0) --to_make_;
  job.values = batch->values;
  job.columns = batch->columns;
  job.inputs.swap(batch->bytes);
  job.most_attempts = batch->attempts.value_or(spec_.retries);
  job.hold_output_if_failed = job.most_attempts != 1;
  note_start(now);
  return job;
}

Plan::Verdict Plan::judge(JobResult& result) {
  const auto* canceled = std::get_if<Canceled>(&result.outcome);
  if (canceled != nullptr && !canceled->started) {
    ++withdrawn_;
    return Verdict::kFinal;
  }
  if (!succeeded(result.outcome) && canceled == nullptr && has_attempts_left(result.job) &&
      result.output_held_back) {
    adapt_delay(false);
    retries_.push_back(std::move(result));
    return Verdict::kRetry;
  }
  if (canceled == nullptr) adapt_delay(succeeded(result.outcome));
  count(result);
  return Verdict::kFinal;
}

void Plan::put_back(JobResult& result, bool counts) {
  if (!counts) --result.job.attempt;  // take_retry() adds one
  retries_.push_back(std::move(result));
}

std::optional<JobResult> Plan::take_abandoned() {
  if (!stopped_ || retries_.empty()) return std::nullopt;
  JobResult result = std::move(retries_.front());
  retries_.pop_front();
  count(result);
  return result;
}

void Plan::foresee(const JobResult& result) {
  if (std::holds_alternative<Canceled>(result.outcome)) return;
  ++(succeeded(result.outcome) ? foreseen_succeeded_ : foreseen_failed_);
  consider_halt(result.outcome);
}

void Plan::count(const JobResult& result) {
  const bool canceled = std::holds_alternative<Canceled>(result.outcome);
  const bool good = succeeded(result.outcome);
  if (result.announced && !canceled) --(good ? foreseen_succeeded_ : foreseen_failed_);
  ++done_;
  latest_status_ = exit_value(result.outcome) & 0xff;
  if (!good) ++failed_;
  if (!canceled) {
    total_runtime_ += result.use.wall;
    if (good) runtimes_.add(result.use.wall);
  }
  if (!canceled) consider_halt(result.outcome);
}

void Plan::consider_halt(const Outcome& outcome) {
  if (halted_ || !halt_is_due(spec_.halt, counts())) return;
  halted_ = true;
  stopped_ = true;
  halt_news_ = spec_.halt.when;
  // As of now, whatever ends later. -1 of a job that timed out becomes 255, as at exit(3).
  halt_status_ = halt_exit_status(spec_.halt, counts(), exit_value(outcome) & 0xff);
}

HaltSpec::When Plan::take_halt() {
  return std::exchange(halt_news_, HaltSpec::When::kNever);
}

HaltCounts Plan::counts() const {
  return {.failed = failed_ + foreseen_failed_,
          .succeeded = done_ - failed_ + foreseen_succeeded_,
          .total = total(),
          .total_is_final = input_ended_};
}

std::chrono::nanoseconds Plan::timeout() const {
  if (spec_.timeout.percent_of_median <= 0) return spec_.timeout.limit;
  if (runtimes_.count() < kFewestForMedian) return std::chrono::nanoseconds(0);
  const double median = static_cast<double>(runtimes_.value().count());
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(median * spec_.timeout.percent_of_median / 100));
}

std::chrono::nanoseconds Plan::average_runtime() const {
  return done_ == 0 ? std::chrono::nanoseconds(0)
                    : total_runtime_ / static_cast<std::int64_t>(done_);
}

int Plan::exit_status() const {
  return halted_ ? halt_status_ : halt_exit_status(spec_.halt, counts(), 0);
}

bool came_to_its_end(const Outcome& outcome) {
  return !std::holds_alternative<Canceled>(outcome) && !std::holds_alternative<Lost>(outcome) &&
         !std::holds_alternative<OutputFailed>(outcome);
}

int exit_value(const Outcome& outcome) {
  return std::visit(
      Overloaded{
          [](const Exited& end) { return end.status; },
          [](const Signaled& end) { return 128 + end.signal; }, [](const TimedOut&) { return -1; },
          [](const Canceled& end) { return 128 + end.signal; }, [](const Lost&) { return 255; },
          [](const SpawnFailed& end) { return end.error == ENOENT ? 127 : 126; },
          [](const OutputFailed&) { return 255; }, [](const InputShrank&) { return 255; }},
      outcome);
}

int signal_value(const Outcome& outcome) {
  return std::visit(
      Overloaded{[](const Signaled& end) { return end.signal; },
                 [](const TimedOut& end) { return end.signal == 0 ? SIGTERM : end.signal; },
                 [](const Canceled& end) { return end.signal; }, [](const auto&) { return 0; }},
      outcome);
}

}  // namespace enjoin
