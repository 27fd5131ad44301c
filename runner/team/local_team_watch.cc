// What the team looks at about once a second while jobs are unfinished: memory (audit.h), locks,
// and workers that stand still.

#include <algorithm>
#include <csignal>
#include <cstring>
#include <unistd.h>

#include <linux/futex.h>

#include "ipc/seal.h"
#include "runner/team/local_team.h"
#include "runner/team/process_sight.h"
#include "runner/team/with_lock.h"
#include "worker/job_watch.h"

namespace enjoin {
namespace {

// How long the same holding of a lock may last. A critical section takes microseconds, and does not
// sleep; what is only kept from running may take long on a busy machine.
constexpr std::uint64_t kStoppedHolderNs = 500'000'000;
constexpr std::uint64_t kSleepingHolderNs = 2'000'000'000;
constexpr std::uint64_t kUnknownHolderNs = 500'000'000;
constexpr std::uint64_t kLongestHoldingNs = 20'000'000'000;
constexpr std::uint64_t kSpinningSeconds = 2;
constexpr std::uint64_t kStoppedWorkerNs = 2'000'000'000;
constexpr std::uint32_t kAskedAtOnce = 64;

}  // namespace

void LocalTeam::look() {
  const std::uint64_t now = monotonic_ns();
  if (condemned_) return press_condemned();
  const std::uint64_t since = now - watch_.last_look_ns;
  if (since < static_cast<std::uint64_t>(TeamWatch::kBetweenLooks.count())) return;
  const bool gap = since > TeamWatch::kGapNs;
  watch_.last_look_ns = now;
  if (gap || flights_in_use_ == 0) {
    watch_.findings.clear();
    watch_.stopped_since_ns.clear();
    for (TeamWatch::Holding& holding : watch_.holding) holding = {};
    if (gap) return;
  }
  if (keeper_) keeper_->look();
  if (flights_in_use_ == 0) return;
  if (printer_->queue().damaged()) return condemn("output cannot be handed in");
  if (!locks_are_sane()) return condemn("a lock is held by nobody");
  look_at_damage();
  if (condemned_) return;
  continue_stopped();
  ring_where_nothing_moves();
}

TeamRecord LocalTeam::record_for_audit() const {
  TeamRecord record;
  record.ordered = spec_.ordered;
  record.last_generation = last_generation_;
  record.header = header_;
  record.freed = publisher_.freed();
  record.tail = publisher_.tail();
  for (std::uint64_t at = record.freed; at < record.tail; ++at) {
    record.tickets.push_back(publisher_.ticket_at(at));
  }
  record.prints_seen = prints_seen_;
  record.print_window = memory_.print_window();
  for (int stream : {0, 1}) record.least_spool_end[stream] = watch_.least_spool_end[stream];
  for (const WorkerProcess& worker : workers_) {
    TeamRecord::Worker seen{.id = worker.id, .alive = worker.alive()};
    if (seen.alive) {
      seen.pid = static_cast<std::uint32_t>(worker.pid);
      seen.current = worker.results->current();
      seen.holds_baton = worker.results->holds_baton();
    }
    record.workers.push_back(seen);
  }
  for (const Flight& flight : flights_) {
    if (!flight.in_use || flight.ticket == 0 || flight.printed) continue;
    record.jobs.push_back({.ticket = flight.ticket,
                           .order = spec_.ordered ? flight.job.order : ipc::kNoOrder,
                           .worker = {flight.worker, flight.generation},
                           .ended = flight.ended});
  }
  return record;
}

// Asleep in the kernel, hence not between two instructions.
bool LocalTeam::sleeps(std::uint32_t worker) const {
  if (!workers_[worker].alive() || workers_[worker].pid == 0) return false;
  const std::optional<ProcessSight> sight = see_process(workers_[worker].pid);
  return sight && sight->state == 'S';
}

void LocalTeam::look_at_damage() {
  const TeamRecord record = record_for_audit();
  const ControlCopy copy = copy_control(memory_, record);
  std::vector<Finding> findings = audit(copy, record);
  std::erase_if(findings, [this](const Finding& finding) {
    return finding.suspect != kNoSuspect && !sleeps(finding.suspect);
  });
  const auto seen_before = [this](const Finding& finding) {
    return std::find(watch_.findings.begin(), watch_.findings.end(), finding) !=
           watch_.findings.end();
  };
  const auto damage = std::find_if(findings.begin(), findings.end(), seen_before);
  const std::string why = damage != findings.end() ? to_string(*damage) : "";
  watch_.findings = std::move(findings);
  for (int stream : {0, 1}) {
    if (const auto end = ipc::unseal(copy.spool_end[stream])) {
      std::uint64_t& least = watch_.least_spool_end[stream];
      least = std::max(least, *end);
    }
  }
  if (!why.empty()) condemn(why);
}

// ---- locks -------------------------------------------------------------------------------------

// Asked at each look, and while we wait for one. Kills a worker that holds one and does not move.
// False: it cannot be had.
bool LocalTeam::locks_are_sane() {
  return lock_is_sane(0) && lock_is_sane(1);
}

bool LocalTeam::lock_is_sane(int lock) {
  const ipc::ControlHeader& control = memory_.control();
  const ipc::LockStorage& storage = lock == 0 ? control.claim_lock : control.print_lock;
  const std::uint32_t word = storage.word.load(std::memory_order_relaxed);
  const std::uint32_t taken = storage.taken.load(std::memory_order_relaxed);
  const std::uint32_t owner = word & FUTEX_TID_MASK;
  TeamWatch::Holding& holding = watch_.holding[lock];
  if (owner == 0) {
    holding = {};
    return true;
  }
  const std::uint64_t now = monotonic_ns();
  bool unknown_pids = false;
  const WorkerProcess* holder = nullptr;
  for (const WorkerProcess& worker : workers_) {
    if (!worker.alive()) continue;
    if (worker.pid == 0) unknown_pids = true;
    if (static_cast<std::uint32_t>(worker.pid) == owner) holder = &worker;
  }
  const std::optional<ProcessSight> sight =
      holder != nullptr ? see_process(holder->pid) : std::nullopt;
  const std::uint64_t ticks = sight ? sight->cpu_ticks : 0;
  const char state = sight ? sight->state : '\0';
  // The bit that says who waits may come and go.
  const bool same = holding.since_ns != 0 && ((holding.word ^ word) & FUTEX_TID_MASK) == 0 &&
                    holding.taken == taken;
  if (!same) {
    holding = {.word = word, .taken = taken, .since_ns = now, .cpu_ticks = ticks};
    return true;
  }
  const std::uint64_t held_ns = now - holding.since_ns;
  const bool ended = sight ? state == 'Z' || state == 'X'
                           : see_process(::getpid()).has_value();  // else there is no /proc
  // What a dead worker really held the kernel has given on.
  if (holder != nullptr && ended) return held_ns < kUnknownHolderNs;
  if (holder == nullptr) return unknown_pids || held_ns < kUnknownHolderNs;
  bool stands = false;
  if (state == 'T') {
    stands = held_ns >= kStoppedHolderNs;
  } else if (state == 'S') {
    stands = held_ns >= kSleepingHolderNs;
  } else if (state == 'R') {  // it turns in a circle, or gets no time
    const auto second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    stands = ticks - holding.cpu_ticks >= kSpinningSeconds * second;
  } else {
    const bool may_run = sight && state != 't';  // a debugger's user is given time
    stands = !may_run && held_ns >= kLongestHoldingNs;
  }
  if (stands) {
    holding = {};
    ++counters_.stalled_killed;
    tell("a worker that held a lock and stood still was killed");
    holder->kill();  // the kernel gives its lock to the next
  }
  return true;
}

// ---- workers that were stopped, wake-ups that were lost ----------------------------------------

// Somebody sent it SIGSTOP. What it had claimed would wait for it for ever.
void LocalTeam::continue_stopped() {
  if ((memory_.table().flags.load(std::memory_order_relaxed) & ipc::kFlagSuspend) != 0) return;
  const std::uint64_t now = monotonic_ns();
  const auto count = static_cast<std::uint32_t>(workers_.size());
  watch_.stopped_since_ns.resize(count);
  for (std::uint32_t i = 0; i < std::min(count, kAskedAtOnce); ++i) {
    const std::uint32_t number = watch_.next_worker++ % count;
    const WorkerProcess& worker = workers_[number];
    std::uint64_t& since = watch_.stopped_since_ns[number];
    const std::optional<ProcessSight> sight =
        worker.alive() && worker.pid != 0 ? see_process(worker.pid) : std::nullopt;
    if (!sight || sight->state != 'T') {  // 't' is a debugger's
      since = 0;
    } else if (since == 0) {
      since = now;
    } else if (now - since >= kStoppedWorkerNs) {
      worker.signal(SIGCONT);
      since = 0;
      if (!std::exchange(watch_.told_of_stopped, true)) {
        tell("a worker had been stopped by a signal; it was continued");
      }
    }
  }
}

// A bell, an idle mark or the baton's release may have been lost by damage that is no state.
void LocalTeam::ring_where_nothing_moves() {
  const std::uint64_t head = memory_.control().head.load(std::memory_order_relaxed);
  const bool moved = head != watch_.head || publisher_.tail() != watch_.tail;
  watch_.head = head;
  watch_.tail = publisher_.tail();
  printer_->drain_if_ready();
  if (moved || publisher_.waiting() == 0 || head == publisher_.tail()) return;
  for (const WorkerProcess& worker : workers_) {
    if (!worker.alive() || worker.results->current() != 0) continue;
    if (bells_.is_idle(worker.id.number)) ++counters_.woken;
    bells_.ring(worker.id.number);
  }
  if (alive_ < std::min(spec_.workers, most_running_)) summon_worker();
}

}  // namespace enjoin
