// What the team does with single running jobs: names, ends and holds them.

#include <algorithm>

#include "runner/team/local_team.h"

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
