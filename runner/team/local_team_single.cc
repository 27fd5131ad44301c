// What the team does with single running jobs: names, ends and holds them.

#include <algorithm>

#include "runner/team/local_team.h"
#include "runner/team/with_lock.h"

namespace enjoin {

std::vector<LocalTeam::RunningJob> LocalTeam::running_jobs() const {
  std::vector<RunningJob> running;
  for (const WorkerProcess& worker : workers_) {
    if (!worker.alive()) continue;
    const std::uint64_t ticket = worker.results->current();
    if (ticket != 0) running.push_back({nullptr, ticket, worker.id.number});
  }
  const auto older = [](const RunningJob& a, const RunningJob& b) { return a.ticket < b.ticket; };
  std::sort(running.begin(), running.end(), older);
  for (const Flight& flight : flights_) {
    if (!flight.in_use || flight.ended) continue;
    const auto found = std::lower_bound(running.begin(), running.end(),
                                        RunningJob{nullptr, flight.ticket, 0}, older);
    if (found != running.end() && found->ticket == flight.ticket) found->job = &flight.job;
  }
  std::erase_if(running, [](const RunningJob& entry) { return entry.job == nullptr; });
  return running;
}

void LocalTeam::end_job(const RunningJob& running, Written written) {
  ipc::WorkerOrders& orders = memory_.orders(running.worker);
  orders.cancel_hard.store(0);
  orders.cancel_drops.store(written == Written::kDropped ? 1 : 0);
  orders.cancel_ticket.store(running.ticket);
  workers_[running.worker].wake();
}

bool LocalTeam::cancel(JobSeq id, How how) {
  const auto wanted = [id](const Flight& flight) { return flight.in_use && flight.job.id == id; };
  const auto flight = std::find_if(flights_.begin(), flights_.end(), wanted);
  if (flight == flights_.end() || flight->ended) return false;
  const auto handle = static_cast<std::uint32_t>(flight - flights_.begin());
  if (take_out_of_queue(handle)) return true;
  if (flight->cancel == CancelWish::kNo) ++cancels_wanted_;
  if (how == How::kNow || flight->cancel == CancelWish::kNo) {
    flight->cancel = how == How::kNow ? CancelWish::kNow : CancelWish::kLadder;
  }
  press_cancels();
  return true;
}

// False: a worker has it.
bool LocalTeam::take_out_of_queue(std::uint32_t handle) {
  const auto waiting = std::find(unpublished_.begin(), unpublished_.end(), handle);
  if (waiting != unpublished_.end()) {
    unpublished_.erase(waiting);
    complete_canceled(handle);
    return true;
  }
  if (condemned_) return false;
  bool taken = false;
  const std::uint64_t ticket = flights_[handle].ticket;
  const auto take = [&](std::uint32_t, std::uint64_t withdrawn) {
    if (withdrawn != ticket || taken) return;
    taken = true;
    complete_canceled(handle);
  };
  with_lock([&](auto limit) {
    return publisher_.withdraw_ready(limit, take,
                                     [ticket](std::uint64_t other) { return other == ticket; });
  });
  if (taken) reclaim();
  return taken;
}

// Tells workers to stop jobs that are to be cancelled; called again until those have ended, because
// one may have been on its way from the queue to its worker, or back.
void LocalTeam::press_cancels() {
  for (std::uint32_t handle = 0; handle < flights_.size() && cancels_wanted_ > 0; ++handle) {
    const Flight& flight = flights_[handle];
    if (!flight.in_use || flight.ended || flight.cancel == CancelWish::kNo) continue;
    const auto runs_it = [&](const WorkerProcess& worker) {
      return worker.alive() && worker.results->current() == flight.ticket;
    };
    const auto worker = std::find_if(workers_.begin(), workers_.end(), runs_it);
    if (worker == workers_.end()) {
      take_out_of_queue(handle);
      continue;
    }
    ipc::WorkerOrders& orders = memory_.orders(worker->id.number);
    const std::uint32_t hard = flight.cancel == CancelWish::kNow ? 1 : 0;
    if (orders.cancel_ticket.load() == flight.ticket && orders.cancel_hard.load() >= hard) continue;
    orders.cancel_drops.store(0);
    orders.cancel_hard.store(hard);
    orders.cancel_ticket.store(flight.ticket);
    worker->wake();
  }
}

void LocalTeam::hold_all_but(std::size_t awake) {
  const std::vector<RunningJob> running = running_jobs();
  for (std::size_t at = 0; at < running.size(); ++at) {
    const RunningJob& entry = running[at];
    const std::uint64_t held = at < awake ? 0 : entry.ticket;
    if (memory_.orders(entry.worker).hold_ticket.exchange(held) != held) {
      workers_[entry.worker].wake();
    }
  }
}

}  // namespace enjoin
