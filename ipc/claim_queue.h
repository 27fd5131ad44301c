#pragma once

// The queue of jobs that have not started.
//
// A ring of positions 0, 1, 2, …; position p lives in slot p modulo the number of slots. The
// supervisor fills slots and moves `tail`; workers take ready ones from `head` on, under one robust
// lock, one or many at a time. The slot's state word is the truth: `head` is only a hint that no
// ready slot lies below it, and it is moved so that this holds at every instruction:
//
//   claim       mark the slots kClaimed, then raise head
//   hand back   lower head, then mark the slots kReady
//
// so whoever finds the lock's owner dead has nothing to undo, and may die itself. What a dead
// worker had claimed is put right by the supervisor, from the state words alone (ClaimPublisher::
// take_back); doing so twice changes nothing.
//
//          publish            claim              start               release
//   kEmpty ------> kReady ----------> kClaimed ----------> kStarted ----------> kReleased
//      ^              ^   hand back /    |                     |                    |
//      |              +-----------------+                      | owner died: lost   |
//      +-----------------------------------reclaim, in order---+--------------------+

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/arena.h"
#include "ipc/robust_mutex.h"
#include "ipc/team_memory.h"

namespace enjoin::ipc {

/// A worker as its words in shared memory name it.
struct WorkerId {
  std::uint32_t number = 0;
  std::uint32_t generation = 0;

  bool operator==(const WorkerId&) const = default;
  std::uint64_t word(SlotState state) const { return SlotWord::pack(state, number, generation); }
  bool owns(std::uint64_t word) const {
    return SlotWord::worker(word) == number && SlotWord::generation(word) == generation;
  }
};

/// The workers' end. One object a worker process; not for several threads at once.
class ClaimQueue {
 public:
  ClaimQueue(const TeamMemory& memory, WorkerId self) noexcept
      : memory_(&memory), self_(self), lock_(memory.control().claim_lock) {}

  /// False: memory is condemned, or its lock is broken. Nothing can be claimed or handed back.
  bool usable() const noexcept {
    return !damaged_ &&
           (memory_->table().flags.load(std::memory_order_acquire) & kFlagCondemned) == 0;
  }
  bool damaged() const noexcept { return damaged_; }

  /// Takes up to `positions.size()` ready jobs, oldest first, and says how many. 0: none is ready,
  /// or claiming is stopped. Sets `*left` to about how many remain.
  std::size_t claim(std::span<std::uint64_t> positions, std::uint64_t* left) noexcept;

  /// Marks a claimed job started: from here on its death with us is a "lost" job. False where the
  /// claim was taken back in the meantime; the job is then none of ours.
  bool try_start(std::uint64_t position) noexcept;

  /// The slot and its payload are no longer read by us.
  void release(std::uint64_t position) noexcept;

  /// Gives claimed, unstarted jobs back to the others.
  void hand_back(std::span<const std::uint64_t> positions) noexcept;

  /// Whether a claim would find something; a hint, without the lock.
  bool looks_ready() const noexcept;
  /// How many jobs have been claimed, and published, since the queue was made, about.
  std::uint64_t claimed() const noexcept {
    return memory_->control().head.load(std::memory_order_acquire);
  }
  std::uint64_t published() const noexcept {
    return memory_->table().tail.load(std::memory_order_acquire);
  }

  const JobSlot& slot(std::uint64_t position) const noexcept { return memory_->slot(position); }

 private:
  bool enter() noexcept;

  const TeamMemory* memory_;
  WorkerId self_;
  RobustMutex lock_;
  bool damaged_ = false;
};

/// What a job needs to be published.
struct NewJob {
  std::uint64_t seq = 0;
  std::uint64_t order = kNoOrder;
  std::string_view payload;
  std::uint32_t values = 0;
  std::uint32_t columns = 1;
  std::uint32_t handle = 0;
  std::uint16_t attempt = 1;
  std::uint16_t flags = 0;
  std::uint64_t timeout_ns = 0;
};

enum class [[nodiscard]] PublishAnswer : std::uint8_t{kOk, kFull, kTooLarge};

/// The supervisor's end; there is one. It keeps, privately, what each position holds.
class ClaimPublisher {
 public:
  explicit ClaimPublisher(const TeamMemory& memory) noexcept;

  /// Fills a slot; `*ticket` names this publication from now on. Workers see it after announce().
  PublishAnswer try_fill(const NewJob& job, std::uint64_t now_ns, std::uint64_t* ticket) noexcept;
  /// Lets workers see all that was filled: once for many, because it costs a barrier.
  void announce() noexcept { memory_->table().tail.store(tail_, std::memory_order_seq_cst); }
  /// Both.
  PublishAnswer try_publish(const NewJob& job, std::uint64_t now_ns,
                            std::uint64_t* ticket) noexcept {
    const PublishAnswer answer = try_fill(job, now_ns, ticket);
    if (answer == PublishAnswer::kOk) announce();
    return answer;
  }

  /// Takes back slots that are done with, in order. Calls `released(handle, ticket, word)` for
  /// each: the word says who started it.
  template <typename Released>
  void reclaim(Released&& released) {
    reclaim(std::forward<Released>(released), [](std::uint64_t) { return true; });
  }
  /// With `known(word)`: whether the word names a worker that there is. A slot whose word does not
  /// is left alone, for the audit to find.
  template <typename Released, typename Known>
  void reclaim(Released&& released, Known&& known);

  /// After the death of `worker` (confirmed: it can write no more): its claimed jobs are ready
  /// again. Calls `started(handle, ticket, word)` for each job that it had started and that still
  /// has its slot, and adds how many are ready again to `*given_back`. kBusy, kBroken: the lock
  /// could not be had within `limit`, nothing was done.
  template <typename Started>
  LockAnswer take_back(WorkerId worker, std::chrono::nanoseconds limit, Started&& started,
                       std::uint64_t* given_back = nullptr);

  /// Takes all unclaimed jobs out of the queue; calls `withdrawn(handle, ticket)` for each, and for
  /// those that were taken out before and still have their slots.
  template <typename Withdrawn>
  LockAnswer withdraw_ready(std::chrono::nanoseconds limit, Withdrawn&& withdrawn) {
    return withdraw_ready(limit, std::forward<Withdrawn>(withdrawn),
                          [](std::uint64_t) { return true; });
  }
  /// The same for those whose ticket is `chosen(ticket)`.
  template <typename Withdrawn, typename Chosen>
  LockAnswer withdraw_ready(std::chrono::nanoseconds limit, Withdrawn&& withdrawn, Chosen&& chosen);

  /// Takes out of the queue those of the jobs at `positions` that no worker has started; calls
  /// `withdrawn(handle, ticket)` for each. A worker that has claimed one hears of it from
  /// try_start().
  template <typename Withdrawn>
  LockAnswer withdraw(std::span<const std::uint64_t> positions, std::chrono::nanoseconds limit,
                      Withdrawn&& withdrawn);

  /// Dead owners of the lock that were met.
  std::uint64_t locks_healed() const noexcept { return lock_.deaths_met(); }

  std::uint64_t room() const noexcept { return memory_->slots() - (tail_ - freed_); }
  /// Bytes of the arena that waiting jobs' inputs take.
  std::uint64_t waiting_bytes() const noexcept { return arena_.used_bytes(); }
  std::uint64_t waiting() const noexcept { return tail_ - freed_; }
  /// reclaim() would take back something.
  bool can_reclaim() const noexcept {
    if (freed_ == tail_) return false;
    const std::uint64_t word = memory_->state(freed_).load(std::memory_order_acquire);
    return SlotWord::state(word) == SlotState::kReleased;
  }
  /// Positions [freed, tail) hold jobs.
  std::uint64_t freed() const noexcept { return freed_; }
  std::uint64_t tail() const noexcept { return tail_; }
  std::uint64_t ticket_at(std::uint64_t position) const noexcept {
    return held_[position & (memory_->slots() - 1)].ticket;
  }
  std::uint64_t last_ticket() const noexcept { return last_ticket_; }
  /// For the successor of another: tickets are never used again.
  void count_tickets_from(std::uint64_t last) noexcept { last_ticket_ = last; }
  bool fits_ever(std::uint64_t payload_bytes) const noexcept {
    return payload_bytes <= kInlinePayload || arena_.fits_ever(payload_bytes);
  }

 private:
  struct Held {
    std::uint64_t ticket;
    std::uint64_t arena_mark;
    std::uint32_t handle;
  };
  Held& held(std::uint64_t position) { return held_[position & (memory_->slots() - 1)]; }

  const TeamMemory* memory_;
  RobustMutex lock_;
  Arena arena_;
  std::vector<Held> held_;
  std::uint64_t tail_ = 0;   // next position to fill
  std::uint64_t freed_ = 0;  // positions below are empty again
  std::uint64_t last_ticket_ = 0;
};

// ---- templates -------------------------------------------------------------------------------

template <typename Released, typename Known>
void ClaimPublisher::reclaim(Released&& released, Known&& known) {
  while (freed_ < tail_) {
    AtomicU64& state = memory_->state(freed_);
    const std::uint64_t word = state.load(std::memory_order_acquire);
    if (SlotWord::state(word) != SlotState::kReleased || !known(word)) break;
    const Held done = held(freed_);
    state.store(0, std::memory_order_relaxed);
    arena_.free_up_to(done.arena_mark);
    ++freed_;
    released(done.handle, done.ticket, word);
  }
}

template <typename Started>
LockAnswer ClaimPublisher::take_back(WorkerId worker, std::chrono::nanoseconds limit,
                                     Started&& started, std::uint64_t* given_back) {
  const LockAnswer got = lock_.acquire_for(limit);
  if (got == LockAnswer::kBusy || got == LockAnswer::kBroken) return got;
  // All the way, and not only to what is given back: the dead may have damaged it.
  memory_->control().head.store(freed_, std::memory_order_relaxed);
  for (std::uint64_t position = freed_; position < tail_; ++position) {
    AtomicU64& state = memory_->state(position);
    const std::uint64_t word = state.load(std::memory_order_acquire);
    if (!worker.owns(word)) continue;
    if (SlotWord::state(word) == SlotState::kClaimed) {
      state.store(SlotWord::pack(SlotState::kReady, 0, 0), std::memory_order_release);
      if (given_back != nullptr) ++*given_back;
    } else if (SlotWord::state(word) == SlotState::kStarted) {
      state.store(worker.word(SlotState::kReleased), std::memory_order_release);
    }
  }
  lock_.unlock();
  for (std::uint64_t position = freed_; position < tail_; ++position) {
    const std::uint64_t word = memory_->state(position).load(std::memory_order_acquire);
    if (word == worker.word(SlotState::kReleased)) {
      started(held(position).handle, held(position).ticket, word);
    }
  }
  return LockAnswer::kOk;
}

template <typename Withdrawn>
LockAnswer ClaimPublisher::withdraw(std::span<const std::uint64_t> positions,
                                    std::chrono::nanoseconds limit, Withdrawn&& withdrawn) {
  const LockAnswer got = lock_.acquire_for(limit);
  if (got == LockAnswer::kBusy || got == LockAnswer::kBroken) return got;
  for (const std::uint64_t position : positions) {
    if (position < freed_ || position >= tail_) continue;
    AtomicU64& state = memory_->state(position);
    std::uint64_t word = state.load(std::memory_order_acquire);
    const SlotState is = SlotWord::state(word);
    if (is != SlotState::kReady && is != SlotState::kClaimed) continue;
    // A claimed one may be started at this moment: one of the two exchanges fails.
    if (state.compare_exchange_strong(word, SlotWord::pack(SlotState::kReleased, 0, 0),
                                      std::memory_order_acq_rel)) {
      withdrawn(held(position).handle, held(position).ticket);
    }
  }
  lock_.unlock();
  return LockAnswer::kOk;
}

template <typename Withdrawn, typename Chosen>
LockAnswer ClaimPublisher::withdraw_ready(std::chrono::nanoseconds limit, Withdrawn&& withdrawn,
                                          Chosen&& chosen) {
  const LockAnswer got = lock_.acquire_for(limit);
  if (got == LockAnswer::kBusy || got == LockAnswer::kBroken) return got;
  for (std::uint64_t position = freed_; position < tail_; ++position) {
    if (!chosen(ticket_at(position))) continue;
    AtomicU64& state = memory_->state(position);
    std::uint64_t word = SlotWord::pack(SlotState::kReady, 0, 0);
    // Worker number 0 with generation 0 is nobody: generations start at 1.
    state.compare_exchange_strong(word, SlotWord::pack(SlotState::kReleased, 0, 0),
                                  std::memory_order_acq_rel);
  }
  lock_.unlock();
  for (std::uint64_t position = freed_; position < tail_; ++position) {
    const std::uint64_t word = memory_->state(position).load(std::memory_order_acquire);
    if (word == SlotWord::pack(SlotState::kReleased, 0, 0)) {
      withdrawn(held(position).handle, held(position).ticket);
    }
  }
  return LockAnswer::kOk;
}

}  // namespace enjoin::ipc
