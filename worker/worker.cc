#include "worker/worker.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>
#include <utility>

#include <sys/prctl.h>

#include "enjoin/error.h"
#include "ipc/check.h"
#include "worker/process_tree.h"
#include "worker/shell_words.h"
#include "worker/worker_job.h"

namespace enjoin {
namespace {

constexpr std::size_t kMostClaims = 256;
constexpr std::uint64_t kTinyJobNs = 20'000;
constexpr std::uint64_t kAnswerNs = 100'000;
constexpr std::chrono::milliseconds kSweepLimit{2000};
constexpr std::uint64_t kForkPatienceLeftNs = 500'000'000;  // once that was in vain
constexpr std::uint32_t kLongestForkPauseMs = 20;
constexpr std::uint64_t kShrinkStepNs = 30'000'000;
constexpr std::uint32_t kMostShrinkSteps = 30;
constexpr std::uint64_t kLongestTurnNs = 200'000'000;  // the one before us may have died

WorkerConfig read_config(int fd) {
  const ipc::Segment segment = ipc::Segment::attach(ipc::UniqueFd(fd), ipc::SegmentKind::kConfig,
                                                    ipc::SegmentRights::kCreatorWrites);
  const std::uint32_t size = segment.header().count[0];
  if (size > segment.size_bytes() - sizeof(ipc::SegmentHeader)) {
    throw Error("the workers' configuration is damaged");
  }
  return unpack_worker_config({segment.at<char>(sizeof(ipc::SegmentHeader)), size});
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

constexpr int kOurStreams[2] = {STDOUT_FILENO, STDERR_FILENO};

}  // namespace

Worker::Worker(WorkerStart start)
    : start_(start),
      memory_(ipc::TeamMemory::attach(ipc::UniqueFd(start.table), ipc::UniqueFd(start.control))),
      config_(read_config(start.config)),
      queue_(memory_, start.id),
      bells_(memory_),
      results_(ipc::Segment::attach(ipc::UniqueFd(start.results), ipc::SegmentKind::kResults,
                                    ipc::SegmentRights::kSharedWrite),
               memory_.orders(start.id.number).results_taken),
      link_(memory_, start.id.number, ipc::UniqueFd(start.socket), ipc::UniqueFd(start.event),
            start.parent_pid),
      command_(Template::parse(config_.command)),
      shell_name_(base_name(config_.shell)),
      files_(ipc::UniqueFd(start.capture[0]), ipc::UniqueFd(start.capture[1])),
      printer_(memory_, start.id, kOurStreams, start.spool, Patience::kWaits,
               [this] { return link_.gone(); }),
      environment_(
          environ, start.id.number + 1, config_.parallel_pid,
          config_.plain_environment ? JobEnvironment::Marks::kNone : JobEnvironment::Marks::kOurs),
      open_files_{config_.open_files_soft, config_.open_files_hard},
      claimed_(kMostClaims) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // As under GNU parallel, for what runs here: {sshlogin} and {host} of --plus show them.
  if (!config_.plain_environment) {
    environment_.set("PARALLEL_SSHLOGIN", ":");
    environment_.set("PARALLEL_SSHHOST", ":");
  }
  printer_.queue().announce_baton_in(results_.header().holds_baton);
  if (config_.wipes_status) printer_.share_terminal_with_status();
  if (config_.tag) tag_.emplace(Template::parse(*config_.tag));
  if (config_.results.keep != Keep::kNothing) {
    kept_ = std::make_unique<KeptOutput>(config_.results);
  }
  if (start.kept[0] >= 0) log_.emplace(ipc::UniqueFd(start.kept[0]), ipc::UniqueFd(start.kept[1]));
  make_capture();
  if (config_.work_folder) work_folder_template_.emplace(Template::parse(*config_.work_folder));
  if (!config_.slot_variable.empty()) {
    environment_.set(config_.slot_variable, std::to_string(start.id.number));
  }
  if (config_.recipes) {
    recipe_.emplace(environment_);
  } else if (config_.isolate == Isolate::kPid) {
    isolation_.emplace();
  }
  if (config_.terminal) terminal_.reset(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  may_skip_no_ops_ = !kept_ && config_.results.table == Table::kNone && !config_.work_folder &&
                     config_.verbose == Verbose::kNo && config_.compress_program.empty();
}

bool Worker::names_slot() const {
  const auto says_jobslot = [](const std::string& word) {
    return word.find("JOBSLOT") != word.npos;
  };
  return command_.needs_slot() || (tag_ && tag_->needs_slot()) ||
         std::any_of(config_.command.words.begin(), config_.command.words.end(), says_jobslot);
}

// Whoever prints {%} expects the first jobs to have the first slots, in order. Workers are started
// in their order, but a later one may be the first to be ready, and the first may have ended its
// job before the second is.
void Worker::wait_for_turn(std::uint64_t until) {
  const std::uint32_t number = start_.id.number;
  const auto is_turn = [&] {
    if (!has_claimed_) return queue_.claimed() >= number;
    const bool more_to_come = memory_.table().low_mark.load(std::memory_order_acquire) != 0;
    const std::uint64_t claimed = queue_.claimed();
    return claimed >= memory_.workers() || (!more_to_come && claimed >= queue_.published());
  };
  while (!is_turn() && monotonic_ns() < until && !link_.gone()) {
    bells_.wait_for_bell(number, bells_.bell_value(number), 1);
  }
}

WorkerExit Worker::run() {
  const std::uint64_t turns_until = names_slot() ? monotonic_ns() + kLongestTurnNs : 0;
  while (!retiring_) {
    if (link_.gone()) {
      leave_after_supervisor();
      return kWorkerLeft;
    }
    if (!memory_usable()) return leave_condemned();
    if (turns_until != 0) wait_for_turn(turns_until);
    const std::uint64_t began = monotonic_ns();
    claimed_end_ = queue_.claim({claimed_.data(), batch_}, &left_in_queue_);
    if (claimed_end_ == 0) {
      const std::uint32_t flags = memory_.table().flags.load(std::memory_order_acquire);
      if ((flags & ipc::kFlagClosed) != 0) break;
      sleep();
      continue;
    }
    if (left_in_queue_ < memory_.table().low_mark.load(std::memory_order_relaxed)) link_.news(true);
    const std::size_t claimed = claimed_end_;
    has_claimed_ = true;
    run_batch();
    const std::uint64_t each = (monotonic_ns() - began) / claimed;
    // Claim many at once only while jobs are so short that claiming matters, and leave the others
    // their share.
    const std::size_t share = left_in_queue_ / (2 * std::size_t{memory_.workers()}) + 1;
    batch_ = no_process_ && each < kTinyJobNs ? std::min({batch_ * 2, kMostClaims, share}) : 1;
  }
  if (!memory_usable()) return leave_condemned();
  link_.tell_now();
  return kWorkerLeft;
}

// What it had begun is recorded; what of its output is not printed was left (leave_output).
WorkerExit Worker::leave_condemned() {
  results_.header().printing = printer_.interrupted();
  link_.tell_now();
  return queue_.damaged() || printer_.queue().damaged() ? kWorkerSawDamage : kWorkerCondemned;
}

void Worker::run_batch() {
  no_process_ = true;
  for (claim_at_ = 0; claim_at_ < claimed_end_;) {
    run_job(claimed_[claim_at_++]);
    if (retiring_ || link_.news_due_in() == 1) link_.tell_now();
    if (retiring_) hand_back_rest();
  }
}

// Claimed jobs must not wait behind a command that may run for ever.
void Worker::hand_back_rest() {
  hand_back_from(claim_at_);
}

void Worker::hand_back_from(std::size_t first) {
  if (first >= claimed_end_) return;
  queue_.hand_back({claimed_.data() + first, claimed_end_ - first});
  claimed_end_ = first;
  bells_.ring_one_idle();
}

void Worker::run_job(std::uint64_t position) {
  Job job{.slot = queue_.slot(position), .position = position};
  // Before it counts as started: who dies while waiting loses nothing.
  if (!memory_usable() || !wait_for_print_room(job.slot.order)) {
    return hand_back_from(claim_at_ - 1);
  }
  if (!queue_.try_start(position)) return;
  results_.set_current(job.slot.ticket);
  job.started_ns = monotonic_ns();
  job.output.ticket = job.slot.ticket;
  job.output.handle = job.slot.handle;
  job.output.order = job.slot.order;

  const bool direct = recipe_ ? take_recipe(job) : expand(job);
  if (direct && may_skip_no_ops_ && (recipe_ ? recipe_->is_no_op() : is_no_op(argv_.words))) {
    job.end.end_ns = job.started_ns;
    queue_.release(position);
  } else {
    no_process_ = false;
    hand_back_rest();
    const int output_error = begin_output(job);
    int error = output_error;
    if (error == 0 && work_folder_template_) error = enter_work_folder(job);
    if (error == 0 && config_.job_input != JobInput::kNone) error = take_input(job);
    if (error == 0 && recipe_) error = recipe_->open_files();
    if (error == 0 && recipe_ && recipe_->descriptors_wanted() > 0) error = take_descriptors(job);
    if (error == 0 && config_.jobserver.style != JobserverStyle::kNone) error = offer_slots(job);
    const bool not_begun = error == 0 && !memory_usable();
    if (error == 0 && !not_begun) error = start_patiently(job);
    for (ipc::UniqueFd& end : job.slots_fd) end.reset();
    const bool leaves = error == EAGAIN && retiring_;
    // What is said of it lies in the slot.
    const bool failed = error != 0 && output_error == 0 && error != ECANCELED && !leaves;
    if (recipe_ && failed) explain_failure(job);
    queue_.release(position);
    // Room in the arena that others' inputs may wait for.
    if (job.slot.payload_size > memory_.arena_bytes() / 64) link_.tell_now();
    if (not_begun || leaves) {
      job.end.kind = ipc::EndKind::kNotBegun;
      job.end.code = error;
      job.end.end_ns = monotonic_ns();
    } else if (error == 0) {
      job.ran = job.wrote = true;
      finish_process(job);
    } else {
      if (recipe_) recipe_->close_files();
      foreground_.give_back(0);
      job.end.kind = output_error != 0 ? ipc::EndKind::kOutputFailed : ipc::EndKind::kSpawnFailed;
      job.end.code = error;
      job.end.end_ns = monotonic_ns();
      if (error == ECANCELED) {  // while it waited for its input
        job.end.kind = ipc::EndKind::kCanceled;
        job.end.code = 0;
        job.end.flags = job.flags = ipc::kResultExitedOnStop;
      }
    }
    if (config_.job_input != JobInput::kNone) end_input(job);
    if (config_.removes_work_folder) leave_work_folder();
  }
  if (kept_) mark_whole(job);
  publish(job);
  emit(job);
  const bool prompt = (job.slot.flags & ipc::kJobPrompt) != 0;
  if (prompt) link_.tell_now();  // before we clear up
  expects_answer_ = prompt;
  if (kept_) end_output(job);
  if (!memory_usable()) return;  // its output may be left in the files
  // Of -v and -t, the command itself may have waited there, though the job wrote nothing.
  if (capture_->bytes(kStdout) != 0 || capture_->bytes(kStderr) != 0 || job.shown_bytes != 0 ||
      job.line_waits) {
    capture_->reset();
    if (!files_.clear()) retiring_ = true;  // the next job's output would stand behind this one's
  }
  results_.set_current(0);
  if (!prompt) link_.news(job.failed());
}

// Fills argv_ (true) or, where a shell is needed, line_ (false).
bool Worker::expand(Job& job) {
  const std::span<const char> bytes = memory_.payload(job.slot);
  strings_.cut({bytes.data(), bytes.size()}, job.slot.values);
  job.inputs = strings_.inputs(job.slot.columns);
  job.leftovers = config_.leftovers;
  job.isolate = config_.isolate;
  job.numbers = {job.slot.seq, start_.id.number + 1};
  // Lines are needed besides where the command is shown.
  if (config_.verbose != Verbose::kNo) command_.expand_line(job.inputs, job.numbers, &line_);
  job.direct = command_.expand_argv(job.inputs, job.numbers, shell_name_, &argv_) &&
               may_exec_directly({argv_.words.data(), argv_.words.size() - 1}, shell_name_);
  return job.direct;
}

// Where the limit of processes is reached, others' ends may make room. Better than to wait for them
// is to be one process less: this worker retires, its job goes back. The last ones go first, one
// after the other, so that no more go than must. The only one waits.
int Worker::start_patiently(Job& job) {
  const std::uint32_t from_last = memory_.workers() - start_.id.number;
  const std::uint64_t shrink_after = std::min(from_last, kMostShrinkSteps) * kShrinkStepNs;
  for (std::uint32_t pause_ms = 1;; pause_ms = std::min(pause_ms * 2, kLongestForkPauseMs)) {
    const int error = recipe_ ? start_recipe(job) : start_process(job);
    const std::uint64_t waited = monotonic_ns() - job.started_ns;
    if (error == 0) fork_patience_ns_ = kForkPatienceNs;
    const bool may_wait = error == EAGAIN && waited < fork_patience_ns_ &&
                          stop_wanted(job.slot.ticket) == Stop::kNo && !link_.gone();
    if (error == EAGAIN && waited >= fork_patience_ns_) fork_patience_ns_ = kForkPatienceLeftNs;
    if (!may_wait) return error;
    const std::uint32_t flags = memory_.table().flags.load(std::memory_order_acquire);
    if (waited >= shrink_after && (flags & ipc::kFlagMayShrink) != 0) {
      retiring_ = true;
      return error;
    }
    bells_.wait_for_bell(start_.id.number, bells_.bell_value(start_.id.number), pause_ms);
  }
}

// All but what is executed, where, and with which environment.
SpawnRequest Worker::request_for(const Job& job) const {
  SpawnRequest request;
  request.stdio[0] = job.stdin_fd.get();
  if (terminal_) request.stdio[0] = terminal_.get();
  request.own_group = !config_.terminal;
  request.stdio[1] = capture_->job_fd(kStdout);
  request.stdio[2] = capture_->job_fd(kStderr);
  request.nice = config_.nice;
  request.limits = config_.limits;
  request.open_files = open_files_.rlim_max != 0 ? &open_files_ : nullptr;
  request.signal_mask = config_.signal_mask;
  request.ignored_signal = link_.ignored_signal();
  return request;
}

int Worker::start_process(Job& job) {
  SpawnRequest request = request_for(job);
  request.environment = environment_.for_job(job.slot.seq);
  if (work_folder_template_) request.folder = work_folder_.c_str();
  if (job.direct && argv_.words[0] != nullptr) {  // an empty command is the shell's to run
    request.path = programs_.find(argv_.words[0]);
    if (request.path != nullptr) {
      request.argv = const_cast<char* const*>(argv_.words.data());
      const int error = spawn_job(request, job);
      if (error == 0 || error == E2BIG || error == EAGAIN || error == ENOMEM) return error;
    }
    programs_.forget();
    // The shell says in its own words what is wrong, or runs a script that lacks its #! line.
  }
  command_.expand_line(job.inputs, job.numbers, &line_);
  const char* const words[] = {config_.shell.c_str(), "-c", line_.c_str(), nullptr};
  request.path = config_.shell.c_str();
  request.argv = const_cast<char* const*>(words);
  return spawn_job(request, job);
}

int Worker::spawn_job(const SpawnRequest& request, Job& job) {
  if (job.isolate == Isolate::kNone) return spawn(request, &job.child);
  if (recipe_) {
    view_.emplace(std::string(recipe_->recipe().folder), config_.input_folder);
  } else if (!view_ || work_folder_template_) {
    view_.emplace(work_folder_, config_.input_folder);
  }
  return isolation_->spawn(request, *view_, &job.child);
}

void Worker::finish_process(Job& job) {
  job.stdin_fd.reset();
  if (recipe_) recipe_->close_files();
  const pid_t group = job.child.pid;
  JobWatch watch(*this, config_.stop_ladder);
  job.end = watch.wait(job.child, job.slot.ticket, job.started_ns, job.slot.timeout_ns);
  job.flags |= job.end.flags;
  settle_leftovers(job);
  foreground_.give_back(group);
  if (link_.gone()) {
    leave_after_supervisor();
    ::_exit(1);
  }
  capture_->finish();
  if (kept_ && !is_table() && !config_.compress_program.empty()) {
    const int error = kept_->compress(
        config_.scratch_folder, [this](int from, int to) { return run_compressor(from, to); });
    if (error != 0 && job.end.kind == ipc::EndKind::kExited) {
      job.end.kind = ipc::EndKind::kOutputFailed;
      job.end.code = error;
    }
  }
  for (int stream : {kStdout, kStderr}) {
    if (capture_->cut(stream)) job.flags |= ipc::kResultOutputCut;
  }
  if (capture_->error() != 0 && job.end.kind == ipc::EndKind::kExited) {
    job.end.kind = ipc::EndKind::kOutputFailed;
    job.end.code = capture_->error();
  }
}

void Worker::settle_leftovers(Job& job) {
  const bool stopped =
      job.end.kind == ipc::EndKind::kTimedOut || job.end.kind == ipc::EndKind::kCanceled;
  const bool good = job.end.kind == ipc::EndKind::kExited && job.end.code == 0;
  if (job.isolate == Isolate::kPid) {  // they died with its namespace
    // No other job shall find itself in the user namespace that this one needed.
    if (recipe_ && isolation_->entered_user_namespace()) retiring_ = true;
    if (stopped) job.flags &= static_cast<std::uint16_t>(~ipc::kResultLeftovers);
    const bool left = (job.flags & ipc::kResultLeftovers) != 0;
    if (left && good && job.leftovers == Leftovers::kFail) job.end.code = 1;
    return;
  }
  if (!reap_ended_children()) return;
  if (stopped || job.leftovers == Leftovers::kKill || job.leftovers == Leftovers::kFail) {
    const SweepAnswer swept = kill_children(kSweepLimit);
    if (!stopped || swept == SweepAnswer::kEscaped) job.flags |= ipc::kResultLeftovers;
    if (swept == SweepAnswer::kEscaped) {
      job.flags |= ipc::kResultEscaped;
      retiring_ = true;
    }
    if (job.leftovers == Leftovers::kFail && good) job.end.code = 1;
  } else {
    job.flags |= ipc::kResultLeftovers;
    retiring_ = true;  // what lives on may also write on: neither its tree nor its files are ours
  }
}

// To fall asleep and be woken on another core costs more than the supervisor takes to answer the
// end of a job that others waited for. Who needs the core meanwhile gets it.
bool Worker::was_answered_soon() {
  const std::uint64_t until = monotonic_ns() + kAnswerNs;
  while (!queue_.looks_ready()) {
    if (monotonic_ns() >= until) return false;
    ::sched_yield();
  }
  return true;
}

void Worker::sleep() {
  if (std::exchange(expects_answer_, false) && was_answered_soon()) return;
  const std::uint32_t number = start_.id.number;
  const std::uint32_t seen = bells_.bell_value(number);
  bells_.announce_idle(number);
  const std::uint32_t flags = memory_.table().flags.load(std::memory_order_seq_cst);
  if (!queue_.looks_ready() && (flags & ipc::kFlagClosed) == 0 && !link_.gone()) {
    link_.tell_now();
    bells_.wait_for_bell(number, seen, 0);
  }
  bells_.withdraw_idle(number);
}

// Nobody will hear of the job any more: its whole tree dies before we do. The folder for input goes
// with the last of us, where there is no supervisor that other workers will need it for.
void Worker::leave_after_supervisor() {
  static_cast<void>(kill_children(kSweepLimit));
  if (kept_) kept_->discard();
  if (config_.removes_work_folder) leave_work_folder();
  drop_input_file();
  if (!config_.input_folder.empty() && link_.supervisor_gone()) {
    ::rmdir(config_.input_folder.c_str());
  }
}

// ---- WatchHost ---------------------------------------------------------------------------------

WatchHost::Stop Worker::stop_wanted(std::uint64_t ticket) const {
  const ipc::WorkerOrders& orders = memory_.orders(start_.id.number);
  if (orders.cancel_ticket.load(std::memory_order_acquire) != ticket) return Stop::kNo;
  return orders.cancel_hard.load(std::memory_order_acquire) != 0 ? Stop::kNow : Stop::kLadder;
}

bool Worker::suspended() const {
  if ((memory_.table().flags.load(std::memory_order_acquire) & ipc::kFlagSuspend) != 0) return true;
  const ipc::WorkerOrders& orders = memory_.orders(start_.id.number);
  const std::uint64_t held = orders.hold_ticket.load(std::memory_order_acquire);
  return held != 0 && held == results_.current();
}

// Whether a job that was stopped was stopped to be run again.
bool Worker::was_put_back(const Job& job) const {
  const ipc::WorkerOrders& orders = memory_.orders(start_.id.number);
  return job.end.kind == ipc::EndKind::kCanceled &&
         orders.cancel_ticket.load(std::memory_order_acquire) == job.slot.ticket &&
         orders.cancel_drops.load(std::memory_order_acquire) != 0;
}

std::uint64_t Worker::timeout_ns(std::uint64_t own) const {
  return own != 0 ? own : memory_.table().timeout_ns.load(std::memory_order_acquire);
}

std::uint64_t Worker::tick() {
  std::uint64_t again = link_.news_due_in();
  if (again == 1) {
    link_.tell_now();
    again = 0;
  }
  if (const std::uint64_t trim = capture_->trim(); trim != 0) {
    again = again == 0 ? trim : std::min(again, trim);
  }
  if (printer_.failed()) link_.tell_now();  // the reader is gone: the run is to be stopped
  if (lines_ && lines_->flush()) {
    constexpr std::uint64_t baton_retry_ns = 2'000'000;
    again = again == 0 ? baton_retry_ns : std::min(again, baton_retry_ns);
  }
  if (fifo_waits_) {
    open_fifo();
    const std::uint64_t retry_ns = fifo_tries_ < 50 ? 1'000'000 : 10'000'000;
    if (fifo_waits_) again = again == 0 ? retry_ns : std::min(again, retry_ns);
  }
  return again;
}

}  // namespace enjoin
