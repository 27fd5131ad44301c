// How the team comes to its workers, and hears of their ends: through the keeper.

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "runner/team/local_team.h"
#include "runner/team/own_helpers.h"
#include "worker/job_watch.h"
#include "worker/process_tree.h"
#include "worker/temp_names.h"

namespace enjoin {
namespace {

constexpr std::uint32_t kResultRecords = 64;
constexpr std::chrono::milliseconds kSweepLimit{2000};
// What workers may take to leave when their keeper died.
constexpr std::uint64_t kLeaveNs = 300'000'000;
constexpr std::uint32_t kMostBarrenKeepers = 3;

}  // namespace

// ---- starting ----------------------------------------------------------------------------------

void LocalTeam::open_keeper() {
  keeper_ = std::make_unique<KeeperLink>(
      KeeperLink::Setup{.executable = executable_.path(),
                        .output_fd = spec_.output_fd,
                        .worker_group = spec_.worker.terminal ? ::getpgrp() : 0,
                        .held_fd = spec_.held_fd,
                        .temp_names = spec_.temp_names});
  watch(keeper_->news_fd(), EPOLLIN, kKeeper);
  watch(keeper_->death_fd(), EPOLLIN, kKeeper);
}

void LocalTeam::summon_worker() {
  if (condemned_) return;
  if (bells_.ring_one_idle() || alive_ >= std::min(spec_.workers, most_running_)) return;
  for (std::uint32_t number = 0; number < spec_.workers; ++number) {
    if (!workers_[number].alive()) return spawn_worker(number);
  }
}

void LocalTeam::spawn_worker(std::uint32_t number) {
  try {
    start_one(number);
  } catch (const Error&) {
    workers_[number] = WorkerProcess{};  // its descriptors
    if (alive_ == 0) throw;
    spec_.workers = alive_;  // out of descriptors, memory or processes: fewer workers then
  }
}

void LocalTeam::start_one(std::uint32_t number) {
  if (!keeper_) open_keeper();
  WorkerProcess& worker = workers_[number];
  worker = WorkerProcess{};
  worker.id = {number, ++last_generation_};
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw system_error("cannot make a socket for a worker", errno);
  }
  worker.socket.reset(ends[0]);
  const ipc::UniqueFd far_end(ends[1]);
  for (ipc::UniqueFd& file : worker.capture) {
    file = open_scratch_file(spec_.worker.scratch_folder, true);
  }
  ipc::Segment results = ipc::create_results(kResultRecords, worker.id);
  WorkerStart start{.id = worker.id,
                    .table = memory_.table_fd(),
                    .control = memory_.control_fd(),
                    .results = results.fd(),
                    .config = config_.fd(),
                    .event = event_.get(),
                    .socket = far_end.get(),
                    .spool = {spools_[0].get(), spools_[1].get()},
                    .capture = {worker.capture[0].get(), worker.capture[1].get()}};
  for (int stream : {kStdout, kStderr}) {
    if (kept_logs_) start.kept[stream] = kept_logs_->open(number, stream);
  }
  // The bell of a dead predecessor, its idle bit and its orders mean nothing to this one.
  bells_.withdraw_idle(number);
  memory_.orders(number).cancel_ticket.store(0, std::memory_order_relaxed);
  memory_.orders(number).cancel_hard.store(0, std::memory_order_relaxed);
  memory_.orders(number).cancel_drops.store(0, std::memory_order_relaxed);
  memory_.orders(number).hold_ticket.store(0, std::memory_order_relaxed);
  memory_.orders(number).results_taken.store(0, std::memory_order_relaxed);
  memory_.block(number).generation.store(worker.id.generation, std::memory_order_relaxed);
  if (may_be_asked()) {
    watch(worker.socket.get(), EPOLLIN, number | kSocket);
  }
  // Last: what fails before it leaves nothing behind that lives.
  if (const int error = keeper_->start(start); error != 0) {
    throw system_error("cannot ask for a worker", error);
  }
  worker.keeper = keeper_.get();
  results.close_fd();
  worker.results =
      std::make_unique<ipc::ResultReader>(std::move(results), memory_.orders(number).results_taken);
  ++alive_;
  note_alive();
}

void LocalTeam::note_alive() {
  std::atomic<std::uint32_t>& flags = memory_.table().flags;
  const bool may = (flags.load(std::memory_order_relaxed) & ipc::kFlagMayShrink) != 0;
  if (may == (alive_ > 1)) return;
  flags.fetch_xor(ipc::kFlagMayShrink);  // only we write it
}

// A worker leaves so that the others' jobs find processes.
void LocalTeam::shrink() {
  ++counters_.shrunk;
  spec_.workers = std::max(std::min(spec_.workers, alive_), 2U) - 1;
}

void LocalTeam::watch(int fd, std::uint32_t events, std::uint32_t what) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = what;
  if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw system_error("cannot watch a descriptor", errno);
  }
}

// ---- news --------------------------------------------------------------------------------------

void LocalTeam::take_keeper_news() {
  const bool told = std::exchange(keeper_has_news_, false);
  if (!keeper_ || (!told && !keeper_->has_news())) return;
  const bool gone = keeper_->gone();
  std::uint64_t deaths = 0;
  KeeperAnswer answer;
  while (keeper_->try_take(&answer)) {
    if (answer.id.number >= workers_.size()) continue;
    WorkerProcess& worker = workers_[answer.id.number];
    if (!worker.alive() || worker.id != answer.id) continue;
    if (answer.news == KeeperNews::kStarted) {
      worker.pid = answer.pid;
    } else if (answer.news == KeeperNews::kNotStarted) {
      on_not_started(worker, answer.code);
    } else if (answer.news == KeeperNews::kEnded) {
      ++deaths;
      bury(worker, end_of(answer));
    }
  }
  if (gone) deaths += on_keeper_death();
  count_barren_deaths();
  if (deaths > 0) follow_deaths(deaths);
}

void LocalTeam::on_not_started(WorkerProcess& worker, int error) {
  forget(worker);
  bells_.withdraw_idle(worker.id.number);
  worker = WorkerProcess{};
  if (alive_ == 0) throw system_error("cannot start a worker (" + executable_.path() + ")", error);
  spec_.workers = alive_;
}

// It is no process any more.
void LocalTeam::forget(WorkerProcess& worker) {
  // By hand: a process on its way through exec may hold a copy of the descriptor, and then the set
  // keeps the event.
  if (may_be_asked()) {
    ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, worker.socket.get(), nullptr);
  }
  worker.keeper = nullptr;
  worker.pid = 0;
  --alive_;
  note_alive();
}

void LocalTeam::bury(WorkerProcess& worker, WorkerEnd end) {
  forget(worker);
  worker.end = end;
  on_death(worker);
}

// Wake-ups that the dead was to get or to give are lost: everybody looks again.
void LocalTeam::follow_deaths(std::uint64_t deaths) {
  for (const WorkerProcess& worker : workers_) {
    if (worker.alive()) bells_.ring(worker.id.number);
  }
  if (canceling_ || condemned_) return;
  // Those that live may be busy for ever: as long as jobs wait, the places of the dead are filled.
  for (; deaths > 0 && publisher_.waiting() > 0; --deaths) summon_worker();
}

void LocalTeam::kill_all_workers() {
  if (!keeper_) return;
  keeper_->kill_all_and_wait();
  keeper_has_news_ = true;
  take_keeper_news();
}

// ---- the keeper's own end ----------------------------------------------------------------------

// Its workers heard of it from the kernel, kill their jobs and leave; they and what they leave are
// our children now. Returns how many workers there were.
std::uint64_t LocalTeam::on_keeper_death() {
  if (keeper_->has_started_workers()) {
    barren_keepers_ = 0;
  } else if (++barren_keepers_ >= kMostBarrenKeepers) {
    throw Error("the workers' keeper dies before it does anything (" + executable_.path() + ")");
  }
  sweep_after_keeper();
  std::uint64_t deaths = 0;
  for (WorkerProcess& worker : workers_) {
    if (!worker.alive()) continue;
    ++deaths;
    bury(worker, WorkerEnd::kDied);
  }
  keeper_.reset();  // the next worker needs a new one
  return deaths;
}

void LocalTeam::sweep_after_keeper() {
  const auto is_left = [](const WorkerProcess& worker) {
    return worker.alive() && worker.pid > 0 && ::waitpid(worker.pid, nullptr, WNOHANG) == 0;
  };
  const std::uint64_t until = monotonic_ns() + kLeaveNs;
  while (monotonic_ns() < until && std::any_of(workers_.begin(), workers_.end(), is_left)) {
    const timespec pause{0, 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
  static_cast<void>(kill_children(kSweepLimit, [this](pid_t pid) {
    return is_own_helper(pid) || std::find(foreign_.begin(), foreign_.end(), pid) != foreign_.end();
  }));
}

// ---- the end -----------------------------------------------------------------------------------

LocalTeam::~LocalTeam() {
  memory_.table().flags.fetch_or(ipc::kFlagClosed | ipc::kFlagStopClaims);
  if (keeper_) {
    if (flights_in_use_ > 0) keeper_->kill_all_and_wait();
    for (const WorkerProcess& worker : workers_) {
      if (worker.alive()) bells_.ring(worker.id.number);
    }
    if (!keeper_->leave_and_wait()) sweep_after_keeper();
  }
  for (const std::string& prefix : spec_.temp_names) remove_temp_names(prefix);
}

}  // namespace enjoin
