// Workers' ends, cancellation, the end of all.

#include <algorithm>
#include <cstring>
#include <unistd.h>

#include "runner/pool/call_label.h"
#include "runner/pool/process_pool.h"

namespace enjoin {

using detail::Fate;
using detail::JobCell;
using ipc::LockAnswer;
using ipc::SlotState;
using ipc::SlotWord;

namespace {

// Longer than any holder needs, unless it was stopped.
constexpr auto kLockLimit = std::chrono::milliseconds(50);

std::string how_it_ended(const PoolWorkerEnd& end) {
  if (end.signal != 0) {
    const char* const name = ::strsignal(end.signal);
    return "signal " + std::to_string(end.signal) + (name ? std::string(" (") + name + ")" : "");
  }
  return "exit status " + std::to_string(end.status);
}

}  // namespace

void ProcessPool::worker_started(ipc::WorkerId id, ipc::Segment ring, ipc::UniqueFd result_log) {
  Seat& seat = seats_[id.number];
  seats_used_ = std::max(seats_used_, id.number + 1);
  seat.id = id;
  seat.log = std::move(result_log);
  auto* const made =
      new ipc::ResultReader(std::move(ring), memory_.team.orders(id.number).results_taken);
  delete seat.reader.exchange(made, std::memory_order_acq_rel);
}

void ProcessPool::worker_ended(const PoolWorkerEnd& end) {
  Seat& seat = seats_[end.id.number];
  if (seat.id == end.id) {
    take_records(seat);
    delete seat.reader.exchange(nullptr, std::memory_order_acq_rel);
    seat.log.reset();
  }
  if ((end.signal != 0 || end.status != 0) && !end.canceled) ++workers_lost_;
  settle(end);
  if (!end.hopeless.empty()) give_up(end.hopeless);
  if (closed_ && pending_ == 0) return;  // nothing waits; join() tells the rest of the end
  // A wake-up may have died with it.
  for (std::uint32_t number = 0; number < seats_used_; ++number) {
    if (seats_[number].reader.load() != nullptr) bells_.ring(number);
  }
}

// What it had claimed goes back, what it ran is lost. Later, while its lock cannot be had.
void ProcessPool::settle(const PoolWorkerEnd& end) {
  bells_.withdraw_idle(end.id.number);
  std::vector<std::pair<std::uint32_t, std::uint64_t>> started;
  const LockAnswer answer = publisher_.take_back(
      end.id, kLockLimit, [&](std::uint32_t handle, std::uint64_t ticket, std::uint64_t) {
        started.emplace_back(handle, ticket);
      });
  if (answer == LockAnswer::kBusy) return unsettled_.push_back(end);
  if (answer == LockAnswer::kBroken) return give_up("a job has overwritten the pool's memory");
  reclaim();
  for (const auto& [handle, ticket] : started) {
    CallCell* const cell = cells_.at(handle);
    if (cell != nullptr && cell->ticket == ticket && cell->place == CallPlace::kQueued) {
      lose(*cell, end);
    }
  }
  for (std::uint32_t handle = 0; handle < cells_.count(); ++handle) {
    CallCell& cell = *cells_.at(handle);
    if (cell.place == CallPlace::kQueued && cell.run_by != 0 && end.id.owns(cell.run_by)) {
      lose(cell, end);
    }
  }
}

void ProcessPool::settle_rest() {
  for (const PoolWorkerEnd& end : std::exchange(unsettled_, {})) settle(end);
}

// Its worker has died in it.
void ProcessPool::lose(CallCell& cell, const PoolWorkerEnd& end) {
  ++cell.deaths;
  cell.run_by = 0;
  cell.ticket = 0;
  if (end.timed_out) {
    return fail_cell(cell, Fate::kTimedOut,
                     {.text = call_label(cell) + " took longer than allowed: killed"});
  }
  if (options_.on_death == OnDeath::kRetry && cell.deaths < options_.most_attempts && !over_) {
    // First in the row, it has waited longest.
    cell.place = CallPlace::kBacklog;
    cell.next = backlog_;
    if (backlog_ == nullptr) backlog_last_ = &cell;
    backlog_ = &cell;
    return;
  }
  std::string text = call_label(cell) + ": its worker died by " + how_it_ended(end);
  if (cell.deaths > 1) text += ", the " + std::to_string(cell.deaths) + "th to die in it";
  if (!end.last_lines.empty()) text += ": " + end.last_lines;
  fail_cell(cell, Fate::kDied,
            {.text = std::move(text),
             .signal = end.signal,
             .status = end.status,
             .last_lines = end.last_lines});
}

// Nothing can be run any more.
void ProcessPool::give_up(const std::string& why) {
  if (!hopeless_.empty()) return;
  hopeless_ = why;
  backlog_ = backlog_last_ = nullptr;
  for (std::uint32_t handle = 0; handle < cells_.count(); ++handle) {
    CallCell& cell = *cells_.at(handle);
    if (cell.place != CallPlace::kEnded) fail_cell(cell, Fate::kImpossible, {.text = why});
  }
  changed_.notify_all();
}

// Who has it started, as far as is known.
std::optional<ipc::WorkerId> ProcessPool::runner_of(const CallCell& cell) const {
  std::uint64_t word = cell.run_by;
  if (word == 0 && cell.position >= publisher_.freed() &&
      publisher_.ticket_at(cell.position) == cell.ticket) {
    word = memory_.team.state(cell.position).load(std::memory_order_acquire);
    if (SlotWord::state(word) != SlotState::kStarted &&
        SlotWord::state(word) != SlotState::kReleased) {
      return std::nullopt;
    }
  }
  if (word == 0) return std::nullopt;
  return ipc::WorkerId{SlotWord::worker(word), SlotWord::generation(word)};
}

std::size_t ProcessPool::cancel(JobCell* const* cells, std::size_t count, detail::CancelHow how) {
  const Lock lock(mutex_);
  if (over_) return 0;
  std::size_t canceled = 0;
  std::vector<std::uint64_t> positions;
  std::vector<CallCell*> asked;
  bool in_backlog = false;
  for (std::size_t i = 0; i < count; ++i) {
    auto* const cell = static_cast<CallCell*>(cells[i]);
    if (cell == nullptr || cell->place == CallPlace::kEnded) continue;
    asked.push_back(cell);
    in_backlog = in_backlog || cell->place == CallPlace::kBacklog;
    if (cell->place == CallPlace::kQueued) positions.push_back(cell->position);
  }
  if (in_backlog) canceled += cancel_in_backlog(asked);
  if (!positions.empty()) {
    (void)publisher_.withdraw(positions, kLockLimit,
                              [&](std::uint32_t handle, std::uint64_t ticket) {
                                CallCell* const cell = cells_.at(handle);
                                if (cell == nullptr || cell->ticket != ticket) return;
                                if (cell->place != CallPlace::kQueued) return;
                                end_cell(*cell, Fate::kCanceled);
                                ++canceled;
                              });
  }
  if (how == detail::CancelHow::kRunningToo) {
    for (CallCell* const cell : asked) {
      if (cell->place != CallPlace::kQueued) continue;
      const std::optional<ipc::WorkerId> runner = runner_of(*cell);
      if (!runner || !workers_->kill_worker(*runner, cell->ticket)) continue;
      end_cell(*cell, Fate::kCanceled);
      ++canceled;
    }
  }
  if (canceled > 0 && waiters_ > 0) changed_.notify_all();
  return canceled;
}

std::size_t ProcessPool::cancel_in_backlog(std::vector<CallCell*> asked) {
  std::sort(asked.begin(), asked.end());
  std::size_t canceled = 0;
  JobCell** at = &backlog_;
  backlog_last_ = nullptr;
  while (*at != nullptr) {
    auto& cell = *static_cast<CallCell*>(*at);
    if (std::binary_search(asked.begin(), asked.end(), &cell)) {
      *at = cell.next;
      end_cell(cell, Fate::kCanceled);
      ++canceled;
    } else {
      backlog_last_ = &cell;
      at = &cell.next;
    }
  }
  return canceled;
}

void ProcessPool::cancel_all() {
  std::vector<JobCell*> all;
  {
    const Lock lock(mutex_);
    for (std::uint32_t handle = 0; handle < cells_.count(); ++handle) {
      CallCell& cell = *cells_.at(handle);
      if (cell.place == CallPlace::kEnded) continue;
      detail::hold(cell);
      all.push_back(&cell);
    }
  }
  cancel(all.data(), all.size(), detail::CancelHow::kRunningToo);
  for (JobCell* const cell : all) detail::release(*cell);
}

JobCell* ProcessPool::take_ended(detail::Batch& batch) {
  const Lock lock(mutex_);
  batch.any.store(0, std::memory_order_relaxed);
  batch.last = nullptr;
  return std::exchange(batch.first, nullptr);
}

void ProcessPool::forget(detail::Batch& batch, JobCell* const* cells, std::size_t count) {
  JobCell* ended = nullptr;
  {
    const Lock lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) {
      if (cells[i] != nullptr) cells[i]->batch = nullptr;
    }
    ended = std::exchange(batch.first, nullptr);
    batch.last = nullptr;
  }
  while (ended != nullptr) detail::release(*std::exchange(ended, ended->next));
}

void ProcessPool::end_workers() {
  if (std::exchange(workers_over_, true)) return;
  workers_->end_all();
}

void ProcessPool::shut_down() noexcept {
  // A forked copy of the host: the workers are not its own, and nothing may end them.
  if (::getpid() != owner_) return hold_core();
  const Lock lock(mutex_);
  if (over_) return;
  over_ = true;
  closed_ = true;
  end_workers();
  backlog_ = backlog_last_ = nullptr;
  for (std::uint32_t handle = 0; handle < cells_.count(); ++handle) {
    CallCell& cell = *cells_.at(handle);
    if (cell.place != CallPlace::kEnded) end_cell(cell, Fate::kCanceled);
  }
  const std::uint64_t one = 1;
  (void)!::write(memory_.event_fd.get(), &one, sizeof one);  // who drives in another thread
  changed_.notify_all();
}

}  // namespace enjoin
