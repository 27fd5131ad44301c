// How the team ends: jobs that are stopped, workers that die, and the team itself.

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/epoll.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "ipc/check.h"
#include "runner/team/local_team.h"
#include "runner/team/with_lock.h"
#include "worker/job_watch.h"
#include "worker/process_tree.h"

namespace enjoin {
namespace {

constexpr std::uint64_t kLadderPatienceNs = 3'000'000'000;
constexpr std::uint64_t kNowPatienceNs = 2'000'000'000;
constexpr std::uint32_t kMostBarrenDeaths = 5;

}  // namespace

// ---- cancellation ------------------------------------------------------------------------------

void LocalTeam::withdraw() {
  for (const std::uint32_t handle : unpublished_) complete_canceled(handle);
  unpublished_.clear();
  const auto take = [this](std::uint32_t handle, std::uint64_t ticket) {
    if (find(handle, ticket) != nullptr) complete_canceled(handle);
  };
  if (condemned_) return;
  with_lock([&](auto limit) { return publisher_.withdraw_ready(limit, take); });
  reclaim();
}

void LocalTeam::withdraw_queued() {
  withdraw();
}

void LocalTeam::cancel_all(How how) {
  memory_.table().flags.fetch_or(ipc::kFlagStopClaims);
  if (!canceling_ || (how == How::kNow && !cancel_now_)) cancel_at_ns_ = monotonic_ns();
  canceling_ = true;
  if (how == How::kNow) cancel_now_ = true;
  press_cancellation();
}

// Tells each worker to stop the job that it runs now; called again until all have ended, because a
// worker may have been on its way between two jobs.
void LocalTeam::press_cancellation() {
  withdraw();
  const std::uint64_t waited = monotonic_ns() - cancel_at_ns_;
  if (!cancel_now_ && waited > kLadderPatienceNs) {
    cancel_now_ = true;
    cancel_at_ns_ = monotonic_ns();
  }
  const bool kill_workers = cancel_now_ && waited > kNowPatienceNs;
  for (const WorkerProcess& worker : workers_) {
    if (!worker.alive()) continue;
    ipc::WorkerOrders& orders = memory_.orders(worker.id.number);
    const std::uint64_t current = worker.results->current();
    const std::uint32_t hard = cancel_now_ ? 1 : 0;
    if (kill_workers && flights_in_use_ > 0) {
      worker.kill();  // it hangs in a write, perhaps; its job's tree is swept after it
    } else if (current != 0 &&
               (orders.cancel_ticket.load() != current || orders.cancel_hard.load() != hard)) {
      orders.cancel_drops.store(0);
      orders.cancel_hard.store(hard);
      orders.cancel_ticket.store(current);
      worker.wake();
    }
  }
}

// ---- deaths ------------------------------------------------------------------------------------

void LocalTeam::on_death(WorkerProcess& worker) {
  if (worker.end == WorkerEnd::kCondemned) condemn("a worker found it so");
  if (worker.end == WorkerEnd::kDied) ++counters_.worker_deaths;
  take_results(worker);
  if (!condemned_ && settle(worker)) forgive(worker);
}

// Puts right what it had in hand. False: memory is damaged, and condemned now; it is put right when
// that is made anew, so what it left is kept.
bool LocalTeam::settle(WorkerProcess& worker) {
  const auto note_started = [this](std::uint32_t handle, std::uint64_t ticket, std::uint64_t word) {
    if (Flight* flight = find(handle, ticket)) {
      flight->worker = ipc::SlotWord::worker(word);
      flight->generation = ipc::SlotWord::generation(word);
    }
  };
  reclaim();
  const bool taken_back = with_lock([&](auto limit) {
    return publisher_.take_back(worker.id, limit, note_started, &counters_.requeued);
  });
  if (!taken_back || !print_for_dead(worker)) return false;
  const std::size_t lost = lose_jobs_of(worker);
  // It may have died between handing in and printing, or between two entries.
  printer_->drain_if_ready();
  if (printer_->queue().damaged()) {
    condemn("output cannot be handed in");
    return false;
  }
  if (worker.end == WorkerEnd::kLeft || worker.jobs_recorded > 0 || lost > 0) {
    barren_deaths_ = 0;
    saw_barren_death_ = false;
  } else {
    saw_barren_death_ = true;
  }
  return true;
}

void LocalTeam::count_barren_deaths() {
  if (!std::exchange(saw_barren_death_, false)) return;
  if (++barren_deaths_ < kMostBarrenDeaths) return;
  throw Error("workers die before they do anything (" + executable_.path() + ")");
}

void LocalTeam::forgive(WorkerProcess& worker) {
  bells_.withdraw_idle(worker.id.number);
  worker.results.reset();
  worker.socket.reset();
  for (ipc::UniqueFd& file : worker.capture) file.reset();
}

// What it was printing is printed to its end; what had ended and was not handed in is handed in.
bool LocalTeam::print_for_dead(WorkerProcess& worker) {
  bool held = false;
  const bool taken_over =
      with_lock([&](auto limit) { return printer_->queue().take_over(worker.id, limit, &held); });
  if (!taken_over) return false;
  const int captures[2] = {worker.capture[0].get(), worker.capture[1].get()};
  if (held) printer_->finish_for_dead(captures);
  for (std::uint32_t handle = 0; handle < flights_.size(); ++handle) {
    const Flight& flight = flights_[handle];
    const bool waits = flight.in_use && flight.ended && !flight.printed &&
                       flight.worker == worker.id.number &&
                       flight.generation == worker.id.generation;
    if (!waits) continue;
    const std::uint64_t order = spec_.ordered ? flight.job.order : ipc::kNoOrder;
    if (order != ipc::kNoOrder && printer_->queue().next() > order) continue;
    if (printer_->queue().was_handed_in(flight.ticket, order)) continue;
    if (printer_->queue().usable()) emit_left_output(handle, worker);
  }
  if (printer_->queue().usable()) return true;
  condemn("output cannot be handed in");
  return false;
}

// Output that lies in a dead worker's capture, without decoration. It cannot stand in a table.
void LocalTeam::emit_left_output(std::uint32_t handle, WorkerProcess& worker) {
  Flight& flight = flights_[handle];
  const auto copy_of = [](const ipc::UniqueFd& file) {
    return ipc::UniqueFd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 3));
  };
  const CaptureFiles files(copy_of(worker.capture[0]), copy_of(worker.capture[1]));
  if (files.fd(kStdout) < 0 || files.fd(kStderr) < 0) {
    throw system_error("cannot print what a dead worker left", errno);
  }
  ipc::Output output{.ticket = flight.ticket,
                     .handle = handle,
                     .order = spec_.ordered ? flight.job.order : ipc::kNoOrder};
  const bool captured =
      spec_.worker.output != OutputMode::kUngroup && spec_.worker.results.table == Table::kNone;
  if (captured) {
    const std::int64_t most = most_output(flight);
    for (int stream : {kStdout, kStderr}) {
      const std::int64_t size = files.size(stream);
      flight.record.bytes[stream] = static_cast<std::uint64_t>(size);
      if (size > most) flight.record.flags |= ipc::kResultOutputCut;
      if (spec_.worker.prints) output.length[stream] = std::min(size, most);
    }
  }
  const bool empty = output.length[0] == 0 && output.length[1] == 0;
  if (empty && !spec_.ordered) {
    flight.printed = true;
    if (flight.ended) complete_ended(handle);
    return;
  }
  printer_->emit(output, files);
}

// Jobs that it had begun and not recorded; says how many.
std::size_t LocalTeam::lose_jobs_of(WorkerProcess& worker) {
  std::size_t lost = 0;
  const std::uint64_t current = worker.results->current();
  for (std::uint32_t handle = 0; handle < flights_.size(); ++handle) {
    Flight& flight = flights_[handle];
    if (!flight.in_use || flight.ended) continue;
    const bool began =
        flight.worker == worker.id.number && flight.generation == worker.id.generation;
    // Its own word counts where the slot's was damaged.
    const bool says_so = current != 0 && flight.ticket == current;
    if (!began && !says_so) continue;
    flight.worker = worker.id.number;
    flight.generation = worker.id.generation;
    ++lost;
    lose_job(handle, &worker);
  }
  return lost;
}

// What the job did is not known. False: it runs again. `worker`: whose files hold what it wrote, if
// they are still there.
bool LocalTeam::lose_job(std::uint32_t handle, WorkerProcess* worker) {
  Flight& flight = flights_[handle];
  ++counters_.lost;
  const bool unwanted = canceling_ || flight.cancel != CancelWish::kNo;
  const bool again =
      spec_.worker_loss == WorkerLoss::kRequeue && !unwanted && ++flight.losses < kMostLosses;
  if (again) {
    ++counters_.rerun;
    flight.worker = 0;
    flight.generation = 0;
    flight.ticket = 0;
    unpublished_.push_back(handle);
    return false;
  }
  // Its end is known now: nobody saw it. What it wrote is printed like any job's.
  flight.ended = true;
  ++flights_ended_;
  flight.record = ipc::ResultRecord{};
  flight.record.start_ns = realtime_ns();
  if (worker != nullptr && kept_logs_) keep_left_output(flight, *worker);
  if (flight.job.hold_output_if_failed && !canceling_) {
    flight.record.flags = ipc::kResultHeldBack;
    complete_ended(handle);
    return true;
  }
  flight.record.flags = ipc::kResultPrinted;
  if (worker != nullptr) {
    emit_left_output(handle, *worker);
  } else if (spec_.ordered) {
    emit_nothing({.ticket = flight.ticket, .handle = handle, .order = flight.job.order});
  } else {
    complete_ended(handle);
  }
  return true;
}

}  // namespace enjoin
