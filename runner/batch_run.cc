#include "runner/batch_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "runner/results.h"
#include "worker/cpu_quota.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kMostEvaluated = 64;  // before the first of them starts

// A job that takes just as long as it may (`--timeout 2 sleep 2`) is let end, as by GNU parallel,
// which looks at the clock less often than we do.
std::chrono::nanoseconds with_slack(std::chrono::nanoseconds limit) {
  constexpr std::chrono::nanoseconds most = std::chrono::milliseconds(100);
  return limit + std::min(limit / 20, most);
}

}  // namespace

BatchRun::BatchRun(Options options, std::string program, const OpenFiles& open_files, Before before)
    : options_(std::move(options)),
      program_(std::move(program)),
      messages_(STDERR_FILENO),
      open_files_(open_files),
      workers_(workers_of(options_, open_files_)),
      slots_(most_slots(options_, workers_, open_files_)),
      selection_(Selection::open(options_)),
      source_(open_source(options_, selection_, &options_.command.names)),
      evaluator_(slots_),
      command_(Template::parse(evaluator_.adopt(command_spec(options_)))),
      retries_(retries_template(options_, &evaluator_)),
      batcher_(*source_, batch_spec(options_, workers_), command_),
      plan_({retries_of(options_), options_.halt, options_.delay, options_.timeout,
             options_.delay_adapts}),
      progress_(options_.progress, STDERR_FILENO),
      table_(open_table(options_)),
      input_folder_(input_parent(options_)),
      job_slots_(open_job_slots(options_, workers_)),
      team_(team_spec(options_, signals_, open_files_, slots_,
                      {.output_fd = table_ ? table_.get() : STDOUT_FILENO,
                       .input_folder = input_folder_.path(),
                       .evaluator = &evaluator_,
                       .held_fd = before.record != nullptr ? before.record->lease_fd() : -1,
                       .job_slots = job_slots_.get()})),
      record_(before.record),
      output_reader_(record_ != nullptr ? &record_->output_files() : nullptr),
      limit_(options_.admission.limit_command, signals_.caller_mask()),
      admission_(options_.admission, usable_cpus(options_.cpu_unit), Machine::of_linux(), &limit_) {
  selection_.number_from(before.last_number);
  team_.set_most_running(workers_);
  if (is_auto_jobs(options_.jobs_text)) {
    auto_jobs_.emplace(workers_, slots_, Machine::of_linux());
  }
  team_.report_trouble([this](const std::string& text) {
    say(fmt::format("{}: Warning: {}\n", program_, term_safe(text)));
  });
  evaluator_.correct_lengths(command_spec(options_), &batcher_);
  if (options_.interactive) {
    terminal_.reset(::open("/dev/tty", O_RDONLY | O_CLOEXEC));
    if (!terminal_)
      throw system_error("--interactive asks on the terminal, and there is none", errno);
  }
  selection_.look_at_results(options_);
  heading_is_due_ = !table_ || ::lseek(table_.get(), 0, SEEK_CUR) <= 0;
  if (!options_.joblog_path.empty()) {
    joblog_ = open_joblog(options_, selection_, before.is_later_stage);
  }
  if (options_.halt.when != HaltSpec::When::kNever || job_slots_) {
    team_.watch_ends([this](const JobResult& end) {
      if (job_slots_) job_slots_->ended(end.job.id.seq);
      if (options_.halt.when == HaltSpec::When::kNever) return;
      JobResult result = end;
      if (feed_) feed_->check(&result);
      plan_.foresee(result);
      note_halt(result);
    });
  }
  team_.expect_more(true);
  if (options_.is_one_job) {
    team_.give_stdin([](const Job&) {
      return StdinSource::file(ipc::UniqueFd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)));
    });
  }
  if (!is_piped(options_)) return;
  feed_ = open_job_feed(options_, feed_setup());
  team_.give_stdin([this](const Job& job) { return feed_->stdin_of(job); });
}

FeedSetup BatchRun::feed_setup() {
  return {.workers = workers_, .arguments = &batcher_, .warn = [this](const std::string& text) {
            if (!options_.quiet) say(fmt::format("{}: Warning: {}\n", program_, text));
          }};
}

// Data that goes through us goes on, whatever else happens.
void BatchRun::turn_feed() {
  if (!feed_) return;
  if (plan_.stopped()) feed_->no_more_jobs();
  try {
    feed_->turn();
  } catch (const Error& error) {
    say(fmt::format("{}: Error: {}\n", program_, error.what()));
    gave_up_ = true;
    feed_->no_more_jobs();
  }
}

StageEnd BatchRun::run() {
  if (source_->wait_fd() == STDIN_FILENO && ::isatty(STDIN_FILENO) == 1 && !options_.quiet) {
    say(fmt::format("{}: Warning: the inputs are read from the terminal; end them with Ctrl-D\n",
                    program_));
  }
  if (const JoblogReading& log = selection_.reading(); log.cut_bytes != 0 && !options_.quiet) {
    say(fmt::format("{}: Warning: {}:{}: this row was cut off; its job runs again\n", program_,
                    term_safe(joblog_file(options_)), log.lines + 1));
  }
  team_.set_timeout(with_slack(plan_.timeout()));
  while (true) {
    take_signals();
    team_.collect([this](JobResult& result) { on_result(result); });
    halt();
    give_up_retries();
    check_output();
    if (auto_jobs_) turn_auto_jobs();
    fill();
    if (admission_.is_on() && !consulted_) consult(false);
    if (job_slots_) job_slots_->turn(Clock::now());
    turn_feed();
    if (record_ != nullptr) turn_record();
    if (finished()) break;
    if (messages_.is_waiting()) messages_.go_on();
    if (progress_.is_on()) progress_.update(snapshot(), Clock::now());
    wait();
  }
  flush_log();
  if (progress_.is_on()) progress_.finish(snapshot(), Clock::now());
  if (const std::uint64_t left = team_.counters().shrunk; left > 0 && !options_.quiet) {
    say(
        fmt::format("{}: Warning: no more processes could be started (ulimit -u): {} fewer jobs "
                    "ran at once\n",
                    program_, left));
  }
  messages_.wait_written(signals_.fd());
  return end();
}

StageEnd BatchRun::end() const {
  StageEnd end{.status = plan_.exit_status(),
               .ends_run = plan_.halted() || draining_,
               .failed = plan_.failed(),
               .failed_before = failed_before_,
               .last_number = selection_.last_number()};
  if (interrupted_ || output_failed_ || gave_up_ ||
      (draining_ && (!input_ended_ || plan_.withdrawn() > 0))) {
    end.status = kOwnErrorStatus;
    end.ends_run = true;
  } else if (const std::optional<int> status = evaluator_.exit_status()) {
    end.status = *status;
    end.ends_run = true;
  } else if (options_.is_one_job && !plan_.halted()) {
    end.status = plan_.latest_status();
  }
  return end;
}

bool BatchRun::finished() const {
  return plan_.exhausted() && !batch_ready_ && team_.unfinished() == 0;
}

// Starts what may be started, as far as the team has room.
void BatchRun::fill() {
  all_skipped_ = false;
  consulted_ = false;
  std::size_t room = team_.room();
  while (room > 0 && plan_.may_start(Clock::now())) {
    if (!plan_.has_retry() && !next_batch()) return;
    if (job_slots_ && !job_slots_->try_take()) break;
    if (admission_.is_on() && !admits()) {
      if (job_slots_) job_slots_->put_back();
      break;
    }
    if (plan_.has_retry()) {
      start(plan_.take_retry(Clock::now()));
    } else if (!start_next() && job_slots_) {
      job_slots_->put_back();
    }
    room = std::min(room - 1, team_.room());
  }
  if (plan_.stopped()) {
    batch_ready_ = false;
    evaluated_.clear();
  }
}

// Throws Error where the text does not become a number.
std::uint32_t BatchRun::attempts_of(const Batch& batch) {
  strings_.cut(batch.bytes, batch.values);
  retries_->expand_line(strings_.inputs(batch.columns), {batch.seq, 1}, &line_);
  return static_cast<std::uint32_t>(
      parse_count(line_, fmt::format("--retries of job {}:", batch.seq), 0, INT32_MAX));
}

void BatchRun::start(Job job) {
  if (job_slots_) job_slots_->began(job.id.seq);
  team_.start(std::move(job));
}

/// False: it turned out that none is to be started.
bool BatchRun::start_next() {
  batch_ready_ = false;
  try {
    if (retries_) batch_.attempts = attempts_of(batch_);
  } catch (const Error& error) {
    say(fmt::format("{}: Error: {}; no more jobs are started\n", program_, error.what()));
    gave_up_ = true;
    plan_.stop();
    return false;
  }
  Job job = plan_.make_job(&batch_, Clock::now());
  if (heading_is_due_) {
    const bool no_values = feed_ && job.values == 1 && job.inputs.size() == 1;  // "" alone
    write_heading(options_, no_values ? 0 : job.values, table_ ? table_.get() : STDOUT_FILENO);
    heading_is_due_ = false;
  }
  if (options_.interactive && !person_agrees(job)) {
    // As GNU parallel: it counts as failed.
    team_.skip_output(job.order);
    JobResult refused;
    refused.job = std::move(job);
    refused.outcome = Exited{1};
    static_cast<void>(plan_.judge(refused));
    if (feed_) feed_->finish(refused);
    all_skipped_ = true;  // nothing will wake us for the next
    return false;
  }
  start(std::move(job));
  return true;
}

// Asks on the terminal. A signal is a no, and is dealt with next.
bool BatchRun::person_agrees(const Job& job) {
  expand_command(job.inputs, job.values, job.columns, {job.id.seq, 1});
  say(line_ + " ?...");
  std::string answer;
  while (answer.empty() || answer.back() != '\n') {
    pollfd watched[2] = {{terminal_.get(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) return false;
    if (watched[1].revents != 0) return false;
    if (watched[0].revents == 0) continue;
    char letter = 0;
    if (::read(terminal_.get(), &letter, 1) != 1) return false;
    answer += letter;
  }
  return answer.front() == 'y' || answer.front() == 'Y';
}

bool BatchRun::next_batch() {
  if (batch_ready_) return true;
  if (evaluator_.is_needed()) {
    batch_ready_ = next_evaluated();
  } else if (options_.halt.percent > 0 && !feed_) {
    batch_ready_ = next_of_all(&batch_);
  } else {
    batch_ready_ = pull(&batch_);
  }
  return batch_ready_;
}

// Perl answers for many jobs nearly as fast as for one, so as many are asked for as are at hand.
// With data for each there is no reading ahead.
bool BatchRun::next_evaluated() {
  const std::size_t most = feed_ ? 1 : kMostEvaluated;
  const bool reads_all = !feed_ && (options_.halt.percent > 0 || evaluator_.needs_total());
  if (evaluated_.empty()) {
    std::vector<Evaluator::Candidate> jobs;
    for (Evaluator::Candidate job;
         jobs.size() < most && (reads_all ? next_of_all(&job.batch) : pull(&job.batch));) {
      jobs.push_back(std::move(job));
    }
    if (jobs.empty() || !evaluate(&jobs)) return false;
    all_skipped_ = evaluated_.empty();
  }
  if (evaluated_.empty()) return false;
  batch_ = std::move(evaluated_.front());
  evaluated_.pop_front();
  return true;
}

bool BatchRun::evaluate(std::vector<Evaluator::Candidate>* jobs) {
  try {
    evaluator_.evaluate(*jobs, selection_.numbered());
  } catch (const Error& error) {
    say(fmt::format("{}: Error: {}\n", program_, error.what()));
    gave_up_ = true;
    plan_.stop();
    return false;
  }
  for (Evaluator::Candidate& job : *jobs) {
    if (!job.skip) evaluated_.push_back(std::move(job.batch));
  }
  if (evaluator_.exit_status()) {  // as if the input had ended here
    input_ended_ = true;
    input_blocked_ = false;
    skipping_ = false;
    read_ahead_.clear();
    team_.expect_more(false);
    if (feed_) feed_->no_more_jobs();
  }
  if (input_ended_) plan_.input_ended(read_ahead_.size() + evaluated_.size());
  return true;
}

bool BatchRun::pull(Batch* batch) {
  if (input_ended_) return false;
  Pull pulled = Pull::kEnd;
  try {
    pulled = pull_selected(batch);
  } catch (const Error& error) {
    // What was started still runs to its end and is recorded.
    say(fmt::format("{}: Error: {}\n", program_, error.what()));
    gave_up_ = true;
    if (feed_) feed_->no_more_jobs();  // and no more data for those that run
  }
  input_blocked_ = pulled == Pull::kWouldBlock && !skipping_;
  if (pulled == Pull::kEnd) {
    input_ended_ = true;
    plan_.input_ended(read_ahead_.size());
    team_.expect_more(false);
  }
  return pulled == Pull::kRecord;
}

// The next job that is to run. With a long log there may be millions before it: from time to time
// the loop must see to signals, so kWouldBlock with skipping_ set asks to be called again.
Pull BatchRun::pull_selected(Batch* batch) {
  constexpr int kMostAtOnce = 1 << 16;
  skipping_ = false;
  for (int left = kMostAtOnce; left > 0; --left) {
    const Pull pulled = feed_ ? feed_->pull(batch) : batcher_.pull(batch);
    if (pulled != Pull::kRecord) return pulled;
    batch->seq = selection_.next_number();
    if (selection_.is_all() || selection_.wants(*batch)) {
      if (feed_) feed_->keep(batch->seq);
      return pulled;
    }
    if (selection_.failed_before(batch->seq)) ++failed_before_;
    compare_with_log(*batch);
  }
  skipping_ = true;
  return Pull::kWouldBlock;
}

// A percentage of all jobs means nothing before their number is known: the inputs are read first.
bool BatchRun::next_of_all(Batch* batch) {
  for (Batch next; pull(&next);) read_ahead_.push_back(std::move(next));
  if (!input_ended_ || read_ahead_.empty()) return false;
  *batch = std::move(read_ahead_.front());
  read_ahead_.pop_front();
  return true;
}

void BatchRun::wait() {
  std::array<int, Team::kMostWatched> readable{signals_.fd()};
  std::size_t count = 1;
  const bool wants_input = input_blocked_ && !plan_.stopped() && team_.room() > 0;
  if (feed_) {
    count += feed_->wait_fds(wants_input, readable.data() + count);
  } else if (wants_input) {
    readable[count++] = batcher_.wait_fd();
  }
  if (limit_.is_running()) readable[count++] = limit_.wait_fd();
  const Clock::time_point now = Clock::now();
  std::chrono::nanoseconds limit(-1);
  const auto consider = [&limit](std::chrono::nanoseconds other) {
    if (limit.count() < 0 || other < limit) limit = std::max(other, std::chrono::nanoseconds(0));
  };
  if (const auto next = plan_.next_start(now)) consider(*next - now);
  if (feed_) {
    if (const auto due = feed_->deadline()) consider(*due - now);
  }
  if (job_slots_) {
    if (const int fd = job_slots_->wait_fd(); fd >= 0) readable[count++] = fd;
    if (const auto due = job_slots_->until_due(now); due.count() >= 0) consider(due);
  }
  if (advice_.ask_again) consider(*advice_.ask_again - now);
  if (auto_jobs_ && !plan_.exhausted()) consider(auto_jobs_->ask_again() - now);
  if (progress_.is_on()) consider(progress_.until_due(now));
  if (record_ != nullptr) {
    const std::chrono::nanoseconds due = record_->until_due(now);
    if (due.count() >= 0) consider(due);
  }
  if ((skipping_ || all_skipped_) && !plan_.stopped()) consider(std::chrono::nanoseconds(0));
  if (interrupted_ || output_failed_ || messages_.is_waiting())
    consider(std::chrono::milliseconds(20));
  flush_log();
  team_.wait({readable.data(), count}, limit);
}

void BatchRun::take_signals() {
  while (const std::optional<int> signal = signals_.take()) {
    if (*signal == SIGTSTP) {
      team_.set_suspended(true);
      SignalEvents::stop_self();
      team_.set_suspended(false);
    } else if (*signal == SIGUSR1) {
      name_running();
    } else if (*signal == SIGUSR2) {
      progress_.toggle();
    } else if (*signal == SIGHUP) {
      draining_ = true;
      plan_.stop();
      team_.withdraw_queued();
    } else {
      interrupted_ = true;
      plan_.stop();
      team_.cancel_all(++interrupts_ == 1 ? Team::How::kLadder : Team::How::kNow);
    }
  }
}

void BatchRun::on_result(JobResult& result) {
  if (feed_) feed_->check(&result);
  if (job_slots_) job_slots_->ended(result.job.id.seq);
  if (admission_.is_on()) admission_.note_end();
  if (!ending_.empty() && take_put_back(result)) return;
  const auto ended = record_ != nullptr ? std::optional(result) : std::nullopt;
  const bool is_final = plan_.judge(result) == Plan::Verdict::kFinal;
  if (ended) record(*ended, is_final);
  if (!is_final) return;
  on_final(result);
  if (feed_) feed_->finish(result);
  if (options_.timeout.percent_of_median > 0) team_.set_timeout(with_slack(plan_.timeout()));
  if (slots_ != workers_ && !auto_jobs_) read_jobs_file();
  note_halt(result);
}

void BatchRun::halt() {
  switch (std::exchange(halting_, HaltSpec::When::kNever)) {
    case HaltSpec::When::kNever:
      break;
    case HaltSpec::When::kSoon:
      team_.withdraw_queued();
      break;
    case HaltSpec::When::kNow:
      team_.cancel_all(Team::How::kLadder);
  }
}

// A stopped run tries nothing again: what had failed so far has failed for good.
void BatchRun::give_up_retries() {
  while (const std::optional<JobResult> result = plan_.take_abandoned()) {
    team_.skip_output(result->job.order);
    on_final(*result);
    if (feed_) feed_->finish(*result);
  }
}

void BatchRun::check_output() {
  const int error = team_.output_error();
  if (error == 0 || output_failed_) return;
  output_failed_ = true;
  plan_.stop();
  team_.cancel_all(Team::How::kLadder);
  // A reader that has had enough (`| head`) is nothing to speak of.
  if (error != EPIPE) {
    say(fmt::format("{}: Error: cannot write the output: {}; the jobs are stopped\n", program_,
                    std::strerror(error)));
  }
}

}  // namespace enjoin
