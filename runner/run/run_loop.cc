#include "runner/run/run_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "runner/run/graph_check.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

// So long at most we do not look at signals and results.
constexpr std::chrono::milliseconds kMostAtOnce{10};
// Looking at the clock costs as much as some of the steps that it measures.
constexpr unsigned kStepsBetweenLooks = 64;
// Short jobs wait with the workers, so many that these have something to do until we hear of the
// ends; but few, for what becomes startable meanwhile may be more urgent.
constexpr std::chrono::milliseconds kAheadTime{20};
constexpr double kNewestWeight = 1.0 / 16;

/// True when a piece of work has taken so long that the loop must go round.
class TimeSlice {
 public:
  bool is_over() {
    return ++steps_ % kStepsBetweenLooks == 0 && RunLoop::Clock::now() - began_ > kMostAtOnce;
  }

 private:
  RunLoop::Clock::time_point began_ = RunLoop::Clock::now();
  unsigned steps_ = 0;
};

JobIndex index_of(const Job& job) {
  return JobIndex{static_cast<std::uint32_t>(job.id.seq - 1)};
}

}  // namespace

RunLoop::RunLoop(RunParts parts)
    : parts_(std::move(parts)),
      source_(parts_.source),
      plan_(parts_.plan),
      team_(parts_.team),
      outputs_(parts_.output_files) {
  team_.expect_more(true);
  if (parts_.job_slots == nullptr) return;
  team_.watch_ends([this](const JobResult& end) { parts_.job_slots->ended(end.job.id.seq); });
}

int RunLoop::run() {
  begin();
  while (true) {
    take_signals();
    team_.collect([this](JobResult& result) { on_result(result); });
    pull_source();
    open_stages();
    start_jobs();
    if (parts_.auto_jobs != nullptr) turn_auto_jobs();
    if (parts_.job_slots != nullptr) parts_.job_slots->turn(Clock::now());
    take_dropped();
    check_output();
    turn_observers();
    if (plan_.finished() && team_.unfinished() == 0) break;
    check_stalled();
    if (parts_.messages.is_waiting()) parts_.messages.go_on();
    wait();
  }
  const int result = status();
  tell([&](RunObserver& observer) { observer.run_ended(result); });
  parts_.messages.wait_written(parts_.signals.fd());
  return status();
}

void RunLoop::begin() {
  source_.begin(plan_);
  if (parts_.reads_all_first) {
    do {
      take_signals();
      pull_source();
    } while (more_is_due_ && !plan_.stopped());
  }
  if (parts_.on_begun && !gave_up_) parts_.on_begun();
  began_ = true;
}

int RunLoop::status() const {
  if (interrupted_ || output_failed_ || gave_up_) return kOwnErrorStatus;
  const GraphPlan::Counts counts = plan_.counts();
  if (draining_ && counts.dropped > 0) return kOwnErrorStatus;
  return static_cast<int>(std::min<std::uint64_t>(counts.failed, 101));
}

/// An observer that fails is told nothing more by way of this call, but the others are.
template <typename Tell>
void RunLoop::tell(Tell call) {
  for (RunObserver* const observer : parts_.observers) {
    try {
      call(*observer);
    } catch (const Error& error) {
      give_up(error);
    }
  }
}

// What runs may end and is recorded.
void RunLoop::give_up(const Error& error) {
  if (!gave_up_) {
    say(fmt::format("{}: Error: {}{}\n", parts_.program, error.what(),
                    began_ ? "; no more jobs are started" : ""));
  }
  gave_up_ = true;
  more_is_due_ = true;  // what will not start now is to be dropped
  plan_.stop();
  team_.withdraw_queued();
}

void RunLoop::say(const std::string& text) {
  for (RunObserver* const observer : parts_.observers) observer->make_way();
  parts_.messages.say(term_safe_lines(text));
}

void RunLoop::take_signals() {
  while (const std::optional<int> signal = parts_.signals.take()) {
    if (*signal == SIGTSTP) {
      team_.set_suspended(true);
      for (RunObserver* const observer : parts_.observers) observer->make_way();
      SignalEvents::stop_self();
      team_.set_suspended(false);
    } else if (*signal == SIGHUP) {
      draining_ = true;
      plan_.stop();
      team_.withdraw_queued();
    } else if (*signal == SIGINT || *signal == SIGTERM) {
      interrupted_ = true;
      plan_.stop();
      team_.cancel_all(++interrupts_ == 1 ? Team::How::kLadder : Team::How::kNow);
    }
  }
}

void RunLoop::pull_source() {
  source_blocked_ = false;
  more_is_due_ = false;
  if (source_ended_) return;
  if (plan_.stopped()) {  // what it still has is not wanted
    source_ended_ = true;
    return plan_.close();
  }
  try {
    for (TimeSlice slice; !slice.is_over();) {
      const Pull pulled = source_.pull(plan_);
      if (pulled == Pull::kEnd) return end_source();
      source_blocked_ = pulled == Pull::kWouldBlock;
      if (source_blocked_) return;
    }
    more_is_due_ = true;
  } catch (const Error& error) {
    give_up(error);
  }
}

void RunLoop::end_source() {
  source_ended_ = true;
  plan_.close();
  check_graph(plan_, source_);
  note_queued();
  for (std::size_t stage = 0; stage < plan_.stages(); ++stage) {
    note_stage(StageIndex{static_cast<std::uint32_t>(stage)});
  }
}

void RunLoop::open_stages() {
  while (const std::optional<StageIndex> stage = plan_.take_opened()) {
    tell([&](RunObserver& observer) { observer.stage_opened(*stage); });
    try {
      source_.open(plan_, *stage);
    } catch (const Error& error) {
      return give_up(error);
    }
    note_queued();
    note_stage(*stage);
  }
  note_queued();
}

// Jobs are named to the observers in order, but for those that were only promised so far.
void RunLoop::note_queued() {
  const std::uint64_t added = plan_.counts().added;
  for (std::uint64_t job = queued_.size(); job < added; ++job) {
    queued_.push_back(false);
    const JobIndex index{static_cast<std::uint32_t>(job)};
    if (plan_.is_defined(index)) ensure_queued(index);
  }
}

void RunLoop::ensure_queued(JobIndex job) {
  if (queued_[at(job)]) return;
  queued_[at(job)] = true;
  tell([&](RunObserver& observer) { observer.queued(job); });
}

void RunLoop::start_jobs() {
  TimeSlice slice;
  while (team_.room() > 0) {
    if (slice.is_over()) {
      more_is_due_ = true;
      return;
    }
    SlotTaken slot(parts_.job_slots);
    if (!slot) return;
    const std::optional<GraphPlan::Start> next = plan_.next(Clock::now());
    if (!next) return;
    ensure_queued(next->job);
    try {
      if (next->attempt == 1 && parts_.is_up_to_date && parts_.is_up_to_date(next->job)) {
        plan_.mark_done(next->job);
        tell([&](RunObserver& observer) { observer.up_to_date(next->job); });
        note_stage(plan_.stage_of(next->job));
        open_stages();
        continue;
      }
      start(*next);
      slot.keep();
    } catch (const Error& error) {
      give_up(error);
      static_cast<void>(plan_.on_end(next->job, GraphPlan::End::kCanceled, {}, Clock::now()));
      return;
    }
  }
}

void RunLoop::turn_auto_jobs() {
  const std::size_t running = team_.active();
  const bool waiting = running >= parts_.auto_jobs->jobs() && !plan_.stopped();
  const std::uint32_t jobs = parts_.auto_jobs->consult(Clock::now(), running, waiting);
  more_is_due_ = more_is_due_ || jobs > plan_cpus_;
  plan_cpus_ = jobs;
  plan_.set_cpus(jobs);
  team_.set_most_running(jobs);
}

void RunLoop::start(const GraphPlan::Start& start) {
  const JobRecipe recipe = source_.recipe(start);
  make_place(start.job);
  Job job;
  job.id = {at(start.job) + 1};
  job.attempt = start.attempt;
  job.inputs = pack(recipe);
  job.timeout = source_.timeout(start.job);
  job.prompt = start.prompt;
  job.hold_output_if_failed = plan_.may_retry(start.job, start.attempt);
  if (parts_.keep_order) job.order = order_of(start.job);
  if (parts_.job_slots != nullptr) parts_.job_slots->began(job.id.seq);
  team_.start(std::move(job));
  tell([&](RunObserver& observer) { observer.started(start.job, start.attempt); });
}

// An attempt begins without what an earlier one, killed with us maybe, left of its outputs.
void RunLoop::make_place(JobIndex job) {
  const std::vector<std::string> outputs = source_.outputs(job);
  if (outputs.empty()) return;
  files_.make_parents(outputs);
  std::vector<std::string> old = source_.failed_outputs(job);
  const std::vector<std::string> inputs = source_.inputs(job);
  std::erase_if(old, [&](const std::string& path) {
    return std::find(inputs.begin(), inputs.end(), path) != inputs.end();
  });
  RunFiles::remove(old);
}

// Output is printed in the order of first starts: further attempts keep their place.
std::uint64_t RunLoop::order_of(JobIndex job) {
  const auto kept = orders_.find(static_cast<std::uint32_t>(job));
  if (kept == orders_.end()) return next_order_++;
  const std::uint64_t order = kept->second;
  orders_.erase(kept);
  return order;
}

void RunLoop::note_wall(std::chrono::nanoseconds wall) {
  const auto seconds = std::chrono::duration<double>(wall).count();
  average_wall_ += (seconds - average_wall_) * kNewestWeight;
  const double jobs = std::chrono::duration<double>(kAheadTime).count() /
                      std::max(average_wall_, 1e-6) * static_cast<double>(team_.worker_count());
  const double most = RunParts::kLookAhead;
  if (parts_.job_slots != nullptr) return;  // who waits with the workers would hold one
  plan_.set_look_ahead(jobs < 1 ? 0 : static_cast<std::uint32_t>(std::min(jobs, most)));
}

void RunLoop::on_result(JobResult& result) {
  const JobIndex job = index_of(result.job);
  if (parts_.job_slots != nullptr) parts_.job_slots->ended(result.job.id.seq);
  std::string reason;
  GraphPlan::End end = GraphPlan::End::kFailure;
  if (std::holds_alternative<Canceled>(result.outcome)) {
    end = GraphPlan::End::kCanceled;
  } else if (succeeded(result.outcome)) {
    note_wall(result.use.wall);
    reason = check_success(job);
    if (reason.empty()) end = GraphPlan::End::kSuccess;
  }
  const auto* const canceled = std::get_if<Canceled>(&result.outcome);
  if (end != GraphPlan::End::kSuccess && (canceled == nullptr || canceled->started)) {
    RunFiles::remove(source_.failed_outputs(job));
  }
  const GraphPlan::Verdict verdict = plan_.on_end(job, end, result.use.wall, Clock::now());
  if (parts_.keep_order) {
    if (verdict == GraphPlan::Verdict::kRetry) {
      orders_[static_cast<std::uint32_t>(job)] = result.job.order;
    } else if (result.output_held_back) {
      team_.skip_output(result.job.order);
    }
  }
  tell_of_end(job, end, verdict, result, reason);
  note_stage(plan_.stage_of(job));
}

/// Why a job that ended well has failed all the same; empty: it has not.
std::string RunLoop::check_success(JobIndex job) {
  const std::vector<std::string> outputs = source_.outputs(job);
  const std::string* const missing = RunFiles::find_missing(outputs);
  return missing == nullptr ? "" : fmt::format("the output {} is missing", *missing);
}

void RunLoop::tell_of_end(JobIndex job, GraphPlan::End end, GraphPlan::Verdict verdict,
                          const JobResult& result, const std::string& reason) {
  const bool is_final = verdict == GraphPlan::Verdict::kFinal;
  CapturedOutput output;
  try {
    if (parts_.keeps_output) output = outputs_.read(team_, result, source_.text(job).seq);
  } catch (const Error& error) {
    give_up(error);
  }
  const AttemptEnd attempt{.job = job,
                           .attempt = result.job.attempt,
                           .end = end,
                           .is_final = is_final,
                           .result = result,
                           .output = output,
                           .reason = reason};
  tell([&](RunObserver& observer) { observer.ended(attempt); });
  // After the first failure nothing more is to start: neither what waits for a worker.
  if (is_final && plan_.stopped() && !std::exchange(stops_waiting_, true)) team_.withdraw_queued();
}

void RunLoop::take_dropped() {
  TimeSlice slice;
  while (const std::optional<JobIndex> job = plan_.take_dropped()) {
    if (!plan_.is_defined(*job)) continue;
    ensure_queued(*job);
    tell([&](RunObserver& observer) { observer.dropped(*job); });
    if (const auto kept = orders_.find(static_cast<std::uint32_t>(*job)); kept != orders_.end()) {
      team_.skip_output(kept->second);
      orders_.erase(kept);
    }
    note_stage(plan_.stage_of(*job));
    if (slice.is_over()) {
      more_is_due_ = true;
      return;
    }
  }
}

void RunLoop::note_stage(StageIndex stage) {
  if (stage_ended_.size() <= at(stage)) stage_ended_.resize(plan_.stages());
  if (stage_ended_[at(stage)] || !plan_.is_closed(stage)) return;
  const GraphPlan::Counts counts = plan_.counts(stage);
  if (counts.succeeded + counts.up_to_date + counts.failed + counts.allowed + counts.dropped <
      counts.added)
    return;
  stage_ended_[at(stage)] = true;
  tell([&](RunObserver& observer) { observer.stage_ended(stage); });
}

void RunLoop::check_output() {
  const int error = team_.output_error();
  if (error == 0 || output_failed_) return;
  output_failed_ = true;
  plan_.stop();
  team_.cancel_all(Team::How::kLadder);
  // A reader that has had enough (`| head`) is nothing to speak of.
  if (error != EPIPE) {
    say(fmt::format("{}: Error: cannot write the output: {}; the jobs are stopped\n",
                    parts_.program, std::strerror(error)));
  }
}

// A graph that can neither go on nor end would wait for ever.
void RunLoop::check_stalled() {
  if (!source_ended_ || more_is_due_ || team_.unfinished() > 0 || plan_.finished() ||
      plan_.next_start(Clock::now()) || plan_.counts().running > 0)
    return;
  if (plan_.stopped()) return;
  give_up(Error("the jobs that are left wait for each other"));
}

void RunLoop::turn_observers() {
  const Clock::time_point now = Clock::now();
  tell([&](RunObserver& observer) { observer.turn(now); });
}

void RunLoop::wait() {
  std::array<int, 3> readable{parts_.signals.fd()};
  std::size_t count = 1;
  if (source_blocked_ && !plan_.stopped()) {
    if (const int fd = source_.wait_fd(); fd >= 0) readable[count++] = fd;
  }
  const Clock::time_point now = Clock::now();
  std::chrono::nanoseconds limit(-1);
  const auto consider = [&limit](std::chrono::nanoseconds other) {
    if (limit.count() < 0 || other < limit) limit = std::max(other, std::chrono::nanoseconds(0));
  };
  // Without room, a time that has come changes nothing.
  if (const auto next = plan_.next_start(now); next && team_.room() > 0) consider(*next - now);
  for (RunObserver* const observer : parts_.observers) {
    if (const auto due = observer->until_due(now); due.count() >= 0) consider(due);
  }
  if (parts_.job_slots != nullptr) {
    if (const int fd = parts_.job_slots->wait_fd(); fd >= 0) readable[count++] = fd;
    if (const auto due = parts_.job_slots->until_due(now); due.count() >= 0) consider(due);
  }
  if (parts_.auto_jobs != nullptr) consider(parts_.auto_jobs->ask_again() - now);
  if (more_is_due_) consider(std::chrono::nanoseconds(0));
  if (interrupted_ || output_failed_ || parts_.messages.is_waiting())
    consider(std::chrono::milliseconds(20));
  team_.wait({readable.data(), count}, limit);
}

}  // namespace enjoin
