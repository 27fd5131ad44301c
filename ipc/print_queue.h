#pragma once

// Whose output is printed next, and by whom.
//
// Every piece of output has an order: the job's place in the input (-k), or the place in which jobs
// ended. `next` is the order that may be printed now. Whoever prints holds the baton: a word, not a
// lock, because a write to the terminal or to a pager may take for ever and nobody may wait for
// it. A worker with output either
//
//   - finds the baton free and its output next: it takes the baton and prints from its own capture,
//   - or copies the output to the spool (two files, one for each stream, that all share), hands in
//     the entry and goes on with its work; the baton's holder prints it when its turn comes.
//
// The holder copies with sendfile(2), whose offset variable lies in shared memory (`printed`): the
// kernel stores how far it came in the same call, so that a holder killed at any instruction leaves
// exactly how much has been printed, and the supervisor goes on from there.
//
//   hand_in     --> kSpooled --(baton) begin, finish--> printed: next moves past it
//   take_direct --> kDirect ---(baton) finish-----------^
//
// An order is printed exactly when `next` has passed it. The supervisor reads off the entries that
// `next` passed and only then lets them be used again (TableHeader::prints_seen).

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "ipc/claim_queue.h"
#include "ipc/robust_mutex.h"
#include "ipc/team_memory.h"

namespace enjoin::ipc {

/// One job's output as it is handed in.
struct Output {
  std::uint64_t ticket = 0;
  std::uint32_t handle = 0;
  std::uint64_t order = kNoOrder;  ///< kNoOrder: the next free one, by time of handing in
  std::int64_t begin[2] = {0, 0};  ///< in the spool, or in the own capture for take_direct
  std::int64_t length[2] = {0, 0};
};

/// One end of the print queue, for a worker or (worker number kSupervisorNumber) the supervisor.
/// Not for several threads at once.
class PrintQueue {
 public:
  static constexpr std::uint32_t kSupervisorNumber = 0xffffff;

  PrintQueue(const TeamMemory& memory, WorkerId self) noexcept
      : memory_(&memory),
        self_(self.word(SlotState::kClaimed)),
        lock_(memory.control().print_lock) {}

  /// Asked ten times a second while the lock cannot be had: false gives it up, and then this end is
  /// not usable any more. Without it, the supervisor waits for ten seconds.
  void wait_while(std::function<bool()> patient) { patient_ = std::move(patient); }
  /// Where to say that the baton is held: in the worker's own results.
  void announce_baton_in(AtomicU32& word) { holds_ = &word; }
  /// False: memory is condemned, or damage was found. Nothing below does anything any more, each
  /// function gives its "no", and what is handed in is not kept.
  bool usable() const noexcept {
    return !damaged_ &&
           (memory_->table().flags.load(std::memory_order_acquire) & kFlagCondemned) == 0;
  }
  /// Damage was found here.
  bool damaged() const noexcept { return damaged_; }
  void note_damage() noexcept { damaged_ = true; }

  /// Takes the baton for `output`, which lies in the caller's own capture, if its turn is now and
  /// nobody prints. True: print it (printed/limit are set), then finish(). False: spool it.
  bool try_take_direct(const Output& output) noexcept;

  /// Gives out a part of the spools; the caller alone fills it. False: not usable.
  bool reserve_spool(const std::int64_t length[2], std::int64_t begin[2]) noexcept;

  /// Hands in output that lies in the spools, or that is empty (both lengths 0). True: the caller
  /// has got the baton, and entries are ready: go on with begin(). `handed_in`: whether it was.
  bool hand_in(const Output& output, bool* handed_in = nullptr) noexcept;

  /// True where hand_in of one more entry has a place, even if all workers are told so at once;
  /// false: wait until older ones are printed.
  bool has_room(std::uint64_t order) const noexcept;

  /// With the baton: the entry whose turn it is, ready to be printed from the spools (or, after
  /// adopt(), from the dead holder's capture). nullopt: nothing is ready, the baton was released.
  std::optional<PrintEntry> begin() noexcept;

  /// With the baton: the entry at `next` is printed. Moves on, past empty ones. False: not usable,
  /// and it is not known to be printed.
  bool finish() noexcept;

  /// Takes the baton for printing outside the order of entries (--line-buffer), if it is free and,
  /// where `order` is given, its turn is now. Give it back by release().
  bool try_take(std::uint64_t order = kNoOrder) noexcept;
  /// Gives the baton back, unless entries have become ready: true, then go on with begin().
  bool release() noexcept;

  /// If entries are ready and nobody prints: takes the baton. True: go on with begin().
  bool try_take_ready() noexcept;

  /// Supervisor, after the death of `dead`: takes its baton over. False: it did not hold it.
  /// begin() then returns the interrupted entry first; printed/limit say what is left of it.
  /// Where it held none, call try_take_ready(): it may have died before it took or after it gave
  /// the baton back, with entries ready that nobody prints.
  LockAnswer take_over(WorkerId dead, std::chrono::nanoseconds limit, bool* held) noexcept;

  /// Supervisor, after take_over: whether the job's output was handed in, or was being printed by
  /// the holder that died. False: it must be handed in from what its capture holds.
  bool was_handed_in(std::uint64_t ticket, std::uint64_t order) noexcept;

  /// Dead owners of the lock that this end met.
  std::uint64_t locks_healed() const noexcept { return lock_.deaths_met(); }

  bool holds_baton() const noexcept {
    return memory_->control().baton.load(std::memory_order_relaxed) == self_;
  }
  std::uint64_t next() const noexcept {
    return memory_->control().print_next.load(std::memory_order_acquire);
  }
  /// The kernel's offset variable and its end, by stream (0: stdout, 1: stderr).
  std::int64_t* printed(int stream) const noexcept { return &memory_->control().printed[stream]; }
  std::int64_t limit(int stream) const noexcept { return memory_->control().print_limit[stream]; }

 private:
  bool enter() noexcept;
  void take_baton() noexcept;
  void give_baton() noexcept;
  void say_holding(bool holds) noexcept {
    if (holds_ != nullptr) holds_->store(holds ? 1 : 0, std::memory_order_relaxed);
  }
  bool is_spooled(std::uint64_t order) const noexcept;
  bool is_ready(std::uint64_t order) noexcept;
  void store_entry(const Output& output, std::uint64_t order, PrintState state) noexcept;
  std::uint64_t place(const Output& output) noexcept;
  void skip_empty() noexcept;
  bool take_if_ready() noexcept;

  const TeamMemory* memory_;
  std::uint64_t self_;
  RobustMutex lock_;
  std::function<bool()> patient_;
  AtomicU32* holds_ = nullptr;
  bool damaged_ = false;
};

}  // namespace enjoin::ipc
