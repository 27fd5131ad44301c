#include "runner/pool/pool_processes.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/mman.h>

#include "enjoin/error.h"
#include "ipc/bells.h"
#include "ipc/results.h"
#include "ipc/shared/hooks.h"
#include "runner/pool/pool_size.h"
#include "worker/function/call_timer.h"
#include "worker/function/error_log.h"
#include "worker/function/function_start.h"
#include "worker/function/pool_keeper_process.h"
#include "worker/job_watch.h"

namespace enjoin {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kResultRecords = 1024;
constexpr std::uint32_t kMostAsked = 16;  // their descriptors are on their way, and count as ours
constexpr std::uint32_t kMostBarrenEnds = 3;
constexpr std::uint32_t kMostFailedStarts = 20;
constexpr std::uint64_t kStartPauseNs = 20'000'000;
constexpr std::uint64_t kHelloNs = 30'000'000'000;
constexpr milliseconds kEndLimit{5000};
constexpr milliseconds kWorkerEndLimit{2000};
constexpr std::size_t kMostForwarded = 4096;  // at once: what a pipe takes whole

ipc::Segment make_config(const PoolOptions& options) {
  FunctionConfig config{.jobs_per_worker = options.jobs_per_worker,
                        .growth_per_worker = options.growth_per_worker,
                        .worker_age_ns = static_cast<std::uint64_t>(options.worker_age.count()),
                        .has_shared = options.shared != nullptr,
                        .has_initializer = static_cast<bool>(options.initializer),
                        .initializer = 0,
                        .arguments = options.initializer.arguments};
  if (config.has_initializer) {
    if (options.initializer.function == nullptr) {
      throw Error("the initializer holds what cannot travel to another process");
    }
    config.initializer = options.initializer.function->id();
  }
  ArchiveWriter bytes;
  bytes(config);
  ipc::Segment segment = ipc::Segment::create(ipc::SegmentKind::kConfig,
                                              sizeof(ipc::SegmentHeader) + bytes.size_bytes(),
                                              ipc::SegmentRights::kCreatorWrites);
  segment.header().count[0] = static_cast<std::uint32_t>(bytes.size_bytes());
  std::memcpy(segment.at<char>(sizeof(ipc::SegmentHeader)), bytes.data(), bytes.size_bytes());
  return segment;
}

std::string own_name() {
  char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "the host's program";
}

// To the host's stderr, as far as that takes it without blocking.
void forward(std::string_view text) {
  while (!text.empty()) {
    pollfd watched{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&watched, 1, 0) != 1 || (watched.revents & POLLOUT) == 0) return;
    const ssize_t put = ::write(STDERR_FILENO, text.data(), std::min(text.size(), kMostForwarded));
    if (put <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string end_text(int signal, int status) {
  if (signal == 0) return "exit status " + std::to_string(status);
  const char* const name = ::strsignal(signal);
  return "signal " + std::to_string(signal) + (name ? std::string(" (") + name + ")" : "");
}

}  // namespace

std::unique_ptr<PoolWorkers> make_pool_processes(const PoolOptions& options, PoolMemory& memory,
                                                 WorkerEvents& events) {
  return std::make_unique<PoolProcesses>(options, memory, events);
}

PoolProcesses::PoolProcesses(const PoolOptions& options, PoolMemory& memory, WorkerEvents& events)
    : options_(options),
      memory_(memory),
      events_(events),
      config_(make_config(options)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      places_(memory.team.workers()) {
  leave_without_worker_main();
  if (!epoll_) throw system_error("cannot make an epoll descriptor", errno);
  const bool own = options.worker_program.empty();
  program_name_ = own ? own_name() : options.worker_program;
  program_.reset(::open(own ? "/proc/self/exe" : program_name_.c_str(), O_PATH | O_CLOEXEC));
  if (!program_) throw system_error("cannot open the workers' program " + program_name_, errno);
  if (options.start == Start::kFork) open_keeper();
}

PoolProcesses::~PoolProcesses() {
  drop_keeper();
}

// ---- starting ----------------------------------------------------------------------------------

void PoolProcesses::open_keeper() {
  keeper_ = options_.start == Start::kFork ? PoolKeeper::of_copy()
                                           : PoolKeeper::of_program(program_.get(), program_name_);
  hello_until_ns_ = monotonic_ns() + kHelloNs;
  asked_ = 0;
  watch(keeper_->socket());
  if (keeper_->pidfd() >= 0) watch(keeper_->pidfd());
}

// Descriptors leave the epoll with their last copy.
void PoolProcesses::drop_keeper() {
  if (keeper_) keeper_->end(kEndLimit);
  keeper_.reset();
}

void PoolProcesses::watch(int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw system_error("cannot watch a pool's workers", errno);
  }
}

bool PoolProcesses::try_start() {
  if (alive_ >= places_.size() || asked_ >= kMostAsked) return false;
  if (not_before_ns_ != 0 && monotonic_ns() < not_before_ns_) return false;
  if (!keeper_) open_keeper();
  const auto empty =
      std::find_if(places_.begin(), places_.end(), [](const Place& place) { return !place.taken; });
  int error = 0;
  try {
    error = start_in(*empty, static_cast<std::uint32_t>(empty - places_.begin()));
  } catch (const Error&) {
    *empty = Place{};
    if (alive_ == 0) throw;
    return false;  // out of descriptors or memory: fewer workers then
  }
  if (error == 0) return true;
  *empty = Place{};
  if (error == EPIPE || error == ECONNRESET) {  // it is dead; take_news() will know
    KeeperAnswer answer;
    while (keeper_->try_take(&answer)) take_answer(answer);
    if (!keeper_->said_hello()) throw Error(no_hello_text());
  } else if (alive_ == 0) {
    throw system_error("cannot ask for a worker", error);
  }
  return false;
}

std::string PoolProcesses::no_hello_text() const {
  return program_name_ +
         " does not come to enjoin::worker_main(argc, argv), which is to be called first in main: "
         "it is run again to be the workers of a pool";
}

int PoolProcesses::start_in(Place& place, std::uint32_t number) {
  place = Place{};
  place.id = {number, ++last_generation_};
  ipc::Segment ring = ipc::create_results(kResultRecords, place.id);
  ipc::UniqueFd log(::memfd_create("enjoin-results", MFD_CLOEXEC));
  if (!log) throw system_error("cannot make an unnamed file for results", errno);
  ErrorLogFiles errors = make_error_log();
  const FunctionStart start{
      .id = place.id,
      .table = memory_.team.table_fd(),
      .control = memory_.team.control_fd(),
      .results = ring.fd(),
      .config = config_.fd(),
      .event = memory_.event_fd.get(),
      .argument_log = memory_.argument_log.get(),
      .result_log = log.get(),
      .errors = errors.appended.get(),
      .errors_mark = errors.mark.get(),
      .shared = options_.shared != nullptr ? shared::memory_fd(*options_.shared) : config_.fd()};
  // The bell of a dead predecessor, its idle bit and its count of records mean nothing to this one.
  ipc::Bells(memory_.team).withdraw_idle(number);
  memory_.team.orders(number).results_taken.store(0, std::memory_order_relaxed);
  memory_.team.orders(number).cancel_ticket.store(0, std::memory_order_relaxed);
  memory_.team.block(number).generation.store(0, std::memory_order_relaxed);
  if (const int error = keeper_->start(start.packed()); error != 0) return error;
  place.taken = true;
  place.errors = std::move(errors.mark);
  place.ring = ring.at<ipc::ResultsHeader>(0);
  ++alive_;
  ++asked_;
  ring.close_fd();
  events_.worker_started(place.id, std::move(ring), std::move(log));
  return 0;
}

// ---- news --------------------------------------------------------------------------------------

PoolProcesses::Place* PoolProcesses::find(ipc::WorkerId id) {
  if (id.number >= places_.size()) return nullptr;
  Place& place = places_[id.number];
  return place.taken && place.id == id ? &place : nullptr;
}

void PoolProcesses::take_news() {
  if (not_before_ns_ != 0 && monotonic_ns() >= not_before_ns_) not_before_ns_ = 0;
  if (!keeper_) return;
  KeeperAnswer answer;
  while (keeper_->try_take(&answer)) take_answer(answer);
  if (!keeper_->said_hello() && monotonic_ns() > hello_until_ns_) {
    send_signal(keeper_->pidfd(), SIGKILL);
    has_ended(keeper_->pidfd(), kWorkerEndLimit);
    while (keeper_->try_take(&answer)) take_answer(answer);
  }
  if (keeper_->gone()) on_keeper_death();
}

void PoolProcesses::take_answer(const KeeperAnswer& answer) {
  if (answer.news == KeeperNews::kNotStarted && answer.code == kNoWorkerMain) return;
  Place* const place = find(answer.id);
  if (place == nullptr) return;
  if (answer.news != KeeperNews::kEnded && asked_ > 0) --asked_;
  if (answer.news == KeeperNews::kStarted) {
    failed_starts_ = 0;
    place->pid = answer.pid;
    place->pidfd = open_pidfd(answer.pid);
  } else if (answer.news == KeeperNews::kNotStarted) {
    ++failed_starts_;
    not_before_ns_ = monotonic_ns() + kStartPauseNs;
    PoolWorkerEnd end{.id = place->id};
    if (failed_starts_ > kMostFailedStarts && alive_ == 1) {
      end.hopeless = system_error("no worker of the pool can be started", answer.code).what();
    }
    *place = Place{};
    --alive_;
    events_.worker_ended(end);
  } else if (answer.news == KeeperNews::kEnded) {
    on_end(*place, answer.signaled != 0 ? answer.code : 0, answer.signaled != 0 ? 0 : answer.code);
  }
}

void PoolProcesses::on_end(Place& place, int signal, int status) {
  PoolWorkerEnd end{.id = place.id, .signal = signal, .status = status};
  end.canceled = place.canceled;
  end.timed_out = signal == SIGKILL && !place.canceled && CallTimer::ran_out(*place.ring);
  const std::string text = take_unforwarded(place.errors.get());
  end.last_lines = last_lines_of(text);
  end.hopeless = why_hopeless(place, signal, status, end.last_lines);
  if (end.hopeless.empty()) forward(text);
  if (options_.shared != nullptr && place.pid != 0) {
    shared::worker_died(*options_.shared, place.pid);
  }
  place = Place{};
  --alive_;
  events_.worker_ended(end);
}

std::string PoolProcesses::why_hopeless(const Place& place, int signal, int status,
                                        const std::string& text) {
  const bool through = memory_.team.block(place.id.number).generation.load() == place.id.generation;
  if (through || place.canceled) {
    barren_ends_ = 0;
    return {};
  }
  if (signal == 0 && status == kFunctionWorkerFailed) {
    return text.empty() ? "the pool's workers cannot begin" : text;
  }
  if (++barren_ends_ < kMostBarrenEnds) return {};
  std::string why = "the pool's workers die before they do anything (" + program_name_ + "): ";
  why += end_text(signal, status);
  return text.empty() ? why : why + ": " + text;
}

// The kernel kills its workers; until they are gone they may write.
void PoolProcesses::on_keeper_death() {
  const bool said_hello = keeper_->said_hello();
  keeper_.reset();
  asked_ = 0;
  for (Place& place : places_) {
    if (!place.taken || !place.pidfd) continue;
    send_signal(place.pidfd.get(), SIGKILL);
    has_ended(place.pidfd.get(), kWorkerEndLimit);
  }
  for (Place& place : places_) {
    if (!place.taken) continue;
    if (said_hello) {
      on_end(place, SIGKILL, 0);
      continue;
    }
    PoolWorkerEnd end{.id = place.id};
    end.hopeless = no_hello_text();
    place = Place{};
    --alive_;
    events_.worker_ended(end);
  }
}

std::uint64_t PoolProcesses::next_time_ns() const {
  if (not_before_ns_ != 0) return not_before_ns_;
  return keeper_ && !keeper_->said_hello() ? hello_until_ns_ : 0;
}

// ---- ending ------------------------------------------------------------------------------------

// It begins no other call while the order stands (FunctionWorker::announce_call), so what it says
// that it runs is what is hit.
bool PoolProcesses::kill_worker(ipc::WorkerId id, std::uint64_t ticket) {
  Place* const place = find(id);
  if (place == nullptr || !keeper_) return false;
  if (place->canceled) return true;
  std::atomic<std::uint64_t>& order = memory_.team.orders(id.number).cancel_ticket;
  order.store(ticket, std::memory_order_seq_cst);
  if (place->ring->current.load(std::memory_order_seq_cst) != ticket) {
    order.store(0, std::memory_order_release);
    return false;
  }
  place->canceled = true;
  keeper_->kill(id);
  return true;
}

void PoolProcesses::end_all() {
  drop_keeper();
  for (Place& place : places_) {
    if (!place.taken) continue;
    if (place.pidfd && !has_ended(place.pidfd.get(), milliseconds(0))) {
      send_signal(place.pidfd.get(), SIGKILL);
      has_ended(place.pidfd.get(), kWorkerEndLimit);
    }
    forward(take_unforwarded(place.errors.get()));
    if (options_.shared != nullptr && place.pid != 0) {
      shared::worker_died(*options_.shared, place.pid);
    }
    place = Place{};
  }
  alive_ = 0;
}

}  // namespace enjoin
