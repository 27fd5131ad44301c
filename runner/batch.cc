#include "runner/batch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>

#include "enjoin/error.h"
#include "runner/joblog.h"
#include "runner/plan.h"
#include "runner/progress_printer.h"
#include "runner/signals.h"
#include "runner/team/local_team.h"
#include "runner/term_safe.h"
#include "worker/shell_choice.h"

namespace enjoin {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kOwnErrorStatus = 255;
constexpr std::size_t kMostShownBytes = 2000;
// Descriptors of ours for each worker: pidfd, socket and two capture files.
constexpr std::uint64_t kDescriptorsPerWorker = 4;
constexpr std::uint64_t kOwnDescriptors = 32;

// Raises our own limit of open files as far as it may go; returns what our caller gave us.
rlimit raise_open_files() {
  rlimit given{};
  ::getrlimit(RLIMIT_NOFILE, &given);
  rlimit raised = given;
  raised.rlim_cur = raised.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return given;
}

std::uint32_t most_workers(const rlimit& open_files) {
  const std::uint64_t files = open_files.rlim_max == RLIM_INFINITY ? 1U << 20 : open_files.rlim_max;
  const std::uint64_t by_files =
      files > kOwnDescriptors ? (files - kOwnDescriptors) / kDescriptorsPerWorker : 1;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(by_files, 1, ipc::kMaxWorkers));
}

std::string scratch_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

WorkerConfig worker_config(const Options& options, const SignalEvents& signals,
                           const rlimit& open_files) {
  WorkerConfig config;
  config.command = options.command;
  config.shell = choose_shell();
  config.output = options.output;
  config.keep_order = options.keep_order;
  config.wipes_status = options.progress != ProgressKind::kNone && ::isatty(STDOUT_FILENO) == 1 &&
                        ::isatty(STDERR_FILENO) == 1;
  config.tag = tag_template(options);
  config.max_output_bytes = options.max_output_bytes;
  config.verbose = options.verbose;
  config.leftovers = options.leftovers;
  config.nice = options.nice;
  config.limits = options.limits;
  config.stop_ladder = default_stop_ladder();
  config.signal_mask = signals.caller_mask();
  if (open_files.rlim_cur != open_files.rlim_max) {  // else there was nothing to raise
    config.open_files_soft = open_files.rlim_cur;
    config.open_files_hard = open_files.rlim_max;
  }
  config.parallel_pid = static_cast<std::uint32_t>(::getpid());
  config.scratch_folder = scratch_folder();
  return config;
}

// Each start must wait for the ends before it where those decide whether it happens at all.
bool starts_depend_on_ends(const Options& options) {
  return options.halt.when != HaltSpec::When::kNever || options.delay.count() != 0 ||
         options.timeout.percent_of_median > 0;
}

class BatchRun {
 public:
  BatchRun(const Options& options, std::string program);
  int run();

 private:
  void fill();
  bool next_batch();
  bool pull(Batch* batch);
  bool next_of_all();
  void take_signals();
  void on_result(JobResult& result);
  void give_up_retries();
  void on_final(const JobResult& result);
  void check_output();
  void note_halt(const JobResult& result);
  void halt();
  void wait();
  void log(const JobResult& result);
  void flush_log();
  void give_up_log(const Error& error);
  void say(const std::string& text);
  std::string command_of(const JobResult& result);
  ProgressSnapshot snapshot() const;
  bool finished() const;

  const Options& options_;
  const std::string program_;
  const rlimit open_files_;
  const std::uint32_t workers_;
  SignalEvents signals_;
  Template command_;
  std::unique_ptr<InputSource> source_;
  Batcher batcher_;
  Plan plan_;
  std::optional<Joblog> joblog_;
  ProgressPrinter progress_;
  LocalTeam team_;
  std::deque<Batch> read_ahead_;
  Batch batch_;
  bool batch_ready_ = false;    // pulled, not yet started
  bool input_blocked_ = false;  // the last pull said "would block"
  bool input_ended_ = false;
  bool interrupted_ = false;  // INT or TERM
  bool draining_ = false;     // HUP
  bool output_failed_ = false;
  bool gave_up_ = false;  // the inputs could not be read on, or the joblog not be written
  HaltSpec::When halting_ = HaltSpec::When::kNever;
  int interrupts_ = 0;
  std::vector<std::string_view> values_;
  std::string line_;
  Clock::time_point began_ = Clock::now();
};

TeamSpec team_spec(const Options& options, const SignalEvents& signals, const rlimit& open_files,
                   std::uint32_t workers) {
  return {.worker = worker_config(options, signals, open_files),
          .workers = workers,
          .look_ahead = starts_depend_on_ends(options) ? 0U : 1024U,
          .ordered = options.keep_order && options.output != OutputMode::kUngroup,
          .worker_loss = options.worker_loss};
}

BatchRun::BatchRun(const Options& options, std::string program)
    : options_(options),
      program_(std::move(program)),
      open_files_(raise_open_files()),
      workers_(parse_jobs(options.jobs_text, usable_cpus(), most_workers(open_files_))),
      command_(Template::parse(options.command)),
      source_(open_input(options.input)),
      batcher_(*source_, batch_spec(options, workers_), command_),
      plan_({options.retries, options.halt, options.delay, options.timeout}),
      progress_(options.progress, STDERR_FILENO),
      team_(team_spec(options, signals_, open_files_, workers_)) {
  if (const std::string& path = options.joblog_path; path.starts_with('+')) {
    joblog_.emplace(path.substr(1), Joblog::Start::kAppend);
  } else if (!path.empty()) {
    joblog_.emplace(path);
  }
  if (options.halt.when != HaltSpec::When::kNever) {
    team_.watch_ends([this](const JobResult& result) {
      plan_.foresee(result);
      note_halt(result);
    });
  }
  team_.expect_more(true);
}

int BatchRun::run() {
  if (source_->wait_fd() == STDIN_FILENO && ::isatty(STDIN_FILENO) == 1 && !options_.quiet) {
    say(fmt::format("{}: Warning: the inputs are read from the terminal; end them with Ctrl-D\n",
                    program_));
  }
  team_.set_timeout(plan_.timeout());
  while (true) {
    take_signals();
    team_.collect([this](JobResult& result) { on_result(result); });
    halt();
    give_up_retries();
    check_output();
    fill();
    if (finished()) break;
    if (progress_.is_on()) progress_.update(snapshot(), Clock::now());
    wait();
  }
  flush_log();
  if (progress_.is_on()) progress_.finish(snapshot(), Clock::now());
  if (interrupted_ || output_failed_ || gave_up_ ||
      (draining_ && (!input_ended_ || plan_.withdrawn() > 0)))
    return kOwnErrorStatus;
  return plan_.exit_status();
}

bool BatchRun::finished() const {
  return plan_.exhausted() && !batch_ready_ && team_.unfinished() == 0;
}

// Starts what may be started, as far as the team has room.
void BatchRun::fill() {
  std::size_t room = team_.room();
  while (room > 0 && plan_.may_start(Clock::now())) {
    if (plan_.has_retry()) {
      team_.start(plan_.take_retry(Clock::now()));
    } else if (next_batch()) {
      batch_ready_ = false;
      team_.start(plan_.make_job(&batch_, Clock::now()));
    } else {
      return;
    }
    room = std::min(room - 1, team_.room());
  }
  if (plan_.stopped()) batch_ready_ = false;
}

bool BatchRun::next_batch() {
  if (batch_ready_) return true;
  if (options_.halt.percent > 0) return next_of_all();
  batch_ready_ = pull(&batch_);
  return batch_ready_;
}

bool BatchRun::pull(Batch* batch) {
  if (input_ended_) return false;
  Pull pulled = Pull::kEnd;
  try {
    pulled = batcher_.pull(batch);
  } catch (const Error& error) {
    // What was started still runs to its end and is recorded.
    say(fmt::format("{}: Error: {}\n", program_, error.what()));
    gave_up_ = true;
  }
  input_blocked_ = pulled == Pull::kWouldBlock;
  if (pulled == Pull::kEnd) {
    input_ended_ = true;
    plan_.input_ended(read_ahead_.size());
    team_.expect_more(false);
  }
  return pulled == Pull::kRecord;
}

// A percentage of all jobs means nothing before their number is known: the inputs are read first.
bool BatchRun::next_of_all() {
  for (Batch batch; pull(&batch);) read_ahead_.push_back(std::move(batch));
  if (!input_ended_ || read_ahead_.empty()) return false;
  batch_ = std::move(read_ahead_.front());
  read_ahead_.pop_front();
  return batch_ready_ = true;
}

void BatchRun::wait() {
  std::array<int, 2> readable{signals_.fd(), -1};
  std::size_t count = 1;
  const bool wants_input = input_blocked_ && !plan_.stopped() && team_.room() > 0;
  if (wants_input) readable[count++] = batcher_.wait_fd();
  const Clock::time_point now = Clock::now();
  std::chrono::nanoseconds limit(-1);
  const auto consider = [&limit](std::chrono::nanoseconds other) {
    if (limit.count() < 0 || other < limit) limit = std::max(other, std::chrono::nanoseconds(0));
  };
  if (const auto next = plan_.next_start(now)) consider(*next - now);
  if (progress_.is_on()) consider(progress_.until_due(now));
  if (interrupted_ || output_failed_) consider(std::chrono::milliseconds(20));
  flush_log();
  team_.wait({readable.data(), count}, limit);
}

void BatchRun::take_signals() {
  while (const std::optional<int> signal = signals_.take()) {
    if (*signal == SIGTSTP) {
      team_.set_suspended(true);
      SignalEvents::stop_self();
      team_.set_suspended(false);
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
  if (plan_.judge(result) == Plan::Verdict::kRetry) return;
  on_final(result);
  if (options_.timeout.percent_of_median > 0) team_.set_timeout(plan_.timeout());
  note_halt(result);
}

void BatchRun::note_halt(const JobResult& result) {
  const HaltSpec::When when = plan_.take_halt();
  if (when == HaltSpec::When::kNever) return;
  halting_ = when;
  if (options_.quiet) return;
  const char* const ends[] = {"failed", "succeeded", "finished"};
  say(fmt::format("{}: This job {}:\n{}\n", program_, ends[static_cast<int>(options_.halt.why)],
                  term_safe(command_of(result))));
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
  }
}

void BatchRun::on_final(const JobResult& result) {
  const auto* canceled = std::get_if<Canceled>(&result.outcome);
  if (canceled == nullptr) {
    log(result);
  } else if (!canceled->started) {
    return;
  }
  if (options_.quiet || output_failed_) return;
  const auto name = [&](const char* what) {
    std::string command = term_safe(command_of(result));
    if (command.size() > kMostShownBytes) command.replace(kMostShownBytes, std::string::npos, "…");
    say(fmt::format("{}: {}:\n{}: {}\n", program_, what, program_, command));
  };
  if (canceled != nullptr) {
    name("Warning: This job was stopped before it ended");
  } else if (std::holds_alternative<TimedOut>(result.outcome)) {
    name("Warning: This job was killed because it timed out");
  } else if (!std::holds_alternative<Exited>(result.outcome) &&
             !std::holds_alternative<Signaled>(result.outcome)) {
    name(("Error: This job failed: " + to_string(result.outcome)).c_str());
  }
  if (result.left_processes && options_.leftovers != Leftovers::kKeep) {
    name(options_.leftovers == Leftovers::kReport ? "Warning: This job left processes running"
                                                  : "Warning: This job left processes, now killed");
  }
}

void BatchRun::log(const JobResult& result) {
  if (!joblog_) return;
  try {
    joblog_->add({.seq = result.job.id.seq,
                  .start_ns = result.started_at.count(),
                  .runtime_ns = result.use.wall.count(),
                  .send = 0,
                  .receive = result.use.bytes_out,
                  .exit_value = exit_value(result.outcome),
                  .signal = signal_value(result.outcome),
                  .command = command_of(result)});
  } catch (const Error& error) {
    give_up_log(error);
  }
}

void BatchRun::flush_log() {
  try {
    if (joblog_) joblog_->flush();
  } catch (const Error& error) {
    give_up_log(error);
  }
}

// Without its log a run cannot be gone on with, so nothing more is started; what runs may end.
void BatchRun::give_up_log(const Error& error) {
  say(fmt::format("{}: Error: {}; no more jobs are started\n", program_, error.what()));
  joblog_.reset();
  gave_up_ = true;
  plan_.stop();
  halting_ = HaltSpec::When::kSoon;
}

std::string BatchRun::command_of(const JobResult& result) {
  values_.clear();
  const char* at = result.job.inputs.data();
  for (std::uint32_t i = 0; i < result.job.values; ++i) {
    values_.emplace_back(at);
    at += values_.back().size() + 1;
  }
  const JobNumbers numbers{result.job.id.seq, std::max(result.slot, 1U)};
  command_.expand_line({values_, result.job.columns}, numbers, &line_);
  return line_;
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

void BatchRun::say(const std::string& text) {
  progress_.clear();
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t done = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (done <= 0 && errno != EINTR) return;
    if (done > 0) rest.remove_prefix(static_cast<std::size_t>(done));
  }
}

ProgressSnapshot BatchRun::snapshot() const {
  return {.total = plan_.total(),
          .total_is_final = input_ended_,
          .done = plan_.done(),
          .failed = plan_.failed(),
          .running = team_.running(),
          .elapsed = Clock::now() - began_,
          .average_runtime = plan_.average_runtime(),
          .recent_rate = 0,
          .latest = {}};
}

}  // namespace

BatchSpec batch_spec(const Options& options, std::uint32_t workers) {
  BatchSpec spec = options.batch;
  if (options.spread_batches) spec.spread_over = workers;
  return spec;
}

std::optional<TemplateSpec> tag_template(const Options& options) {
  if (!options.tag) return std::nullopt;
  TemplateSpec tag;
  tag.words = {options.tag_string.value_or("{}")};
  tag.replace_string = options.command.replace_string;
  tag.quote_values = false;  // as GNU parallel: a tag is text, not a command
  tag.append_if_absent = false;
  return tag;
}

int run_batch(const Options& options, const std::string& program) {
  return BatchRun(options, program).run();
}

}  // namespace enjoin
