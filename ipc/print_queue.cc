#include "ipc/print_queue.h"

#include <algorithm>

#include "ipc/seal.h"

namespace enjoin::ipc {

// print_lock
//   guards      print_next, print_end, baton, printing, spool_end and the entries
//   held over   nothing but these fields
//   order       taken alone, never with claim_lock
//   invariant   an entry counts only while it carries its own order and is not kFree; `printing`
//               counts only while the baton is held; print_end may lag: place() finds the real end
//   repair      none: every prefix of every section below leaves the invariant true
//   damage      whoever finds some (an entry that is not whole, a word that is not sealed, a lock
//   that
//               is broken) notes it and does nothing more here; memory is then made anew

bool PrintQueue::try_take_direct(const Output& output) noexcept {
  ControlHeader& control = memory_->control();
  if (!enter()) return false;
  const std::uint64_t order = place(output);
  const std::uint64_t seen = memory_->table().prints_seen.load(std::memory_order_acquire);
  const bool mine = control.baton.load(std::memory_order_relaxed) == 0 &&
                    control.print_next.load(std::memory_order_relaxed) == order &&
                    order < seen + memory_->print_window();
  if (mine) {
    for (int stream : {0, 1}) {
      control.printed[stream] = output.begin[stream];
      control.print_limit[stream] = output.begin[stream] + output.length[stream];
    }
    store_entry(output, order, PrintState::kDirect);
    control.printing = order + 1;
    control.baton.store(self_, std::memory_order_release);
    say_holding(true);
  }
  lock_.unlock();
  return mine;
}

bool PrintQueue::reserve_spool(const std::int64_t length[2], std::int64_t begin[2]) noexcept {
  ControlHeader& control = memory_->control();
  if (!enter()) return false;
  for (int stream : {0, 1}) {
    AtomicU64& word = control.spool_end[stream];
    const std::optional<std::uint64_t> end = unseal(word.load(std::memory_order_relaxed));
    if (!end) {  // to guess could be to write over what waits there
      damaged_ = true;
      break;
    }
    begin[stream] = static_cast<std::int64_t>(*end);
    word.store(seal(*end + static_cast<std::uint64_t>(length[stream])), std::memory_order_relaxed);
  }
  lock_.unlock();
  return !damaged_;
}

bool PrintQueue::hand_in(const Output& output, bool* handed_in) noexcept {
  ControlHeader& control = memory_->control();
  const bool entered = enter();
  if (handed_in != nullptr) *handed_in = entered;
  if (!entered) return false;
  const std::uint64_t order = place(output);
  store_entry(output, order, PrintState::kSpooled);
  if (output.order == kNoOrder) control.print_end.store(order + 1, std::memory_order_relaxed);
  const bool mine = take_if_ready();
  lock_.unlock();
  return mine;
}

bool PrintQueue::has_room(std::uint64_t order) const noexcept {
  const ControlHeader& control = memory_->control();
  // A hint, as the answer is old once it is given: all workers may get the same yes at once, and
  // print_end may lag by the entry that is printed directly and by one that a dead worker stored.
  const std::uint64_t end = control.print_end.load(std::memory_order_relaxed);
  const std::uint64_t place = order == kNoOrder ? std::max(end, next()) : order;
  const std::uint64_t seen = memory_->table().prints_seen.load(std::memory_order_acquire);
  const std::uint64_t window = memory_->print_window();
  return place < seen + window - std::min<std::uint64_t>(memory_->workers() + 2, window / 2);
}

std::optional<PrintEntry> PrintQueue::begin() noexcept {
  ControlHeader& control = memory_->control();
  if (!enter()) return std::nullopt;
  const std::uint64_t next = control.print_next.load(std::memory_order_relaxed);
  const PrintEntry entry = memory_->entry(next);
  if (control.printing == next + 1) {  // taken over in the middle
    if (!is_whole(entry, next)) damaged_ = true;
    lock_.unlock();
    return damaged_ ? std::nullopt : std::optional<PrintEntry>(entry);
  }
  if (!is_ready(next) || !is_whole(entry, next)) {
    if (!damaged_) give_baton();
    lock_.unlock();
    return std::nullopt;
  }
  for (int stream : {0, 1}) {
    control.printed[stream] = entry.begin[stream];
    control.print_limit[stream] = entry.begin[stream] + entry.length[stream];
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);  // `printing` vouches for `printed`
  control.printing = next + 1;
  lock_.unlock();
  return entry;
}

bool PrintQueue::finish() noexcept {
  ControlHeader& control = memory_->control();
  if (!enter()) return false;
  const std::uint64_t next = control.print_next.load(std::memory_order_relaxed);
  PrintEntry& entry = memory_->entry(next);
  // `next` may have been scribbled on: then it is another entry that would be marked and passed.
  if (control.printing != next + 1) {
    damaged_ = true;
    lock_.unlock();
    return false;
  }
  if (!is_whole(PrintEntry(entry), next)) damaged_ = true;
  entry.printed = entry.sum ^ kPrintedMark;  // who sees that `next` has passed it looks for this
  std::atomic_signal_fence(std::memory_order_seq_cst);
  control.print_next.store(next + 1, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // the other way round it is printed twice
  control.printing = 0;
  skip_empty();
  lock_.unlock();
  return true;
}

bool PrintQueue::try_take(std::uint64_t order) noexcept {
  ControlHeader& control = memory_->control();
  if (!enter()) return false;
  const bool mine =
      control.baton.load(std::memory_order_relaxed) == 0 &&
      (order == kNoOrder || control.print_next.load(std::memory_order_relaxed) == order);
  if (mine) take_baton();
  lock_.unlock();
  return mine;
}

bool PrintQueue::release() noexcept {
  if (!enter()) return false;
  give_baton();
  const bool again = take_if_ready();
  lock_.unlock();
  return again;
}

bool PrintQueue::try_take_ready() noexcept {
  if (!enter()) return false;
  const bool mine = take_if_ready();
  lock_.unlock();
  return mine;
}

LockAnswer PrintQueue::take_over(WorkerId dead, std::chrono::nanoseconds limit,
                                 bool* held) noexcept {
  *held = false;
  const LockAnswer got = lock_.acquire_for(limit);
  if (got == LockAnswer::kBusy || got == LockAnswer::kBroken) return got;
  AtomicU64& baton = memory_->control().baton;
  if (baton.load(std::memory_order_relaxed) == dead.word(SlotState::kClaimed)) {
    baton.store(self_, std::memory_order_release);
    *held = true;
  }
  lock_.unlock();
  return LockAnswer::kOk;
}

// Under the lock, all below.

// A worker waits as long as memory is believed in; the supervisor never without a limit.
bool PrintQueue::enter() noexcept {
  if (!usable()) return false;
  int steps_left = 100;
  const LockAnswer got = lock_.acquire_while([&] {
    if (patient_) return patient_();
    return SlotWord::worker(self_) != kSupervisorNumber ? usable() : --steps_left > 0;
  });
  if (got == LockAnswer::kOk || got == LockAnswer::kOwnerDied) return true;
  if (got == LockAnswer::kBroken || SlotWord::worker(self_) == kSupervisorNumber) damaged_ = true;
  return false;
}

void PrintQueue::take_baton() noexcept {
  memory_->control().printing = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  memory_->control().baton.store(self_, std::memory_order_release);
  say_holding(true);
}

void PrintQueue::give_baton() noexcept {
  memory_->control().baton.store(0, std::memory_order_release);
  say_holding(false);
}

bool PrintQueue::is_spooled(std::uint64_t order) const noexcept {
  const PrintEntry& entry = memory_->entry(order);
  return entry.state == PrintState::kSpooled && entry.order == order;
}

// Whether it may be printed from the spools; notes one that says so and is not whole.
bool PrintQueue::is_ready(std::uint64_t order) noexcept {
  if (!is_spooled(order)) return false;
  if (!is_whole(PrintEntry(memory_->entry(order)), order)) damaged_ = true;
  return !damaged_;
}

// Where the output goes. Without an order of its own that is behind all that was given out: what
// print_end says, what has been printed, what the baton's holder prints, and what was stored by
// somebody who died before raising print_end.
std::uint64_t PrintQueue::place(const Output& output) noexcept {
  if (output.order != kNoOrder) return output.order;
  const ControlHeader& control = memory_->control();
  std::uint64_t end = std::max(control.print_end.load(std::memory_order_relaxed),
                               control.print_next.load(std::memory_order_relaxed));
  if (control.baton.load(std::memory_order_relaxed) != 0) end = std::max(end, control.printing);
  for (std::uint32_t i = 0; i < memory_->print_window() && is_spooled(end); ++i) ++end;
  return end;
}

bool PrintQueue::was_handed_in(std::uint64_t ticket, std::uint64_t order) noexcept {
  if (!enter()) return false;
  const ControlHeader& control = memory_->control();
  const std::uint64_t next = control.print_next.load(std::memory_order_relaxed);
  // An ordered entry that `next` has passed may be overwritten already.
  bool found = order != kNoOrder && order < next;
  std::uint64_t begin = order;
  std::uint64_t end = order + 1;
  if (order == kNoOrder) {
    begin = memory_->table().prints_seen.load(std::memory_order_relaxed);
    end = std::max(place(Output{}), control.printing);
    end = std::min(end, begin + memory_->print_window());
  }
  const std::uint64_t held =
      control.baton.load(std::memory_order_relaxed) != 0 ? control.printing : 0;
  for (std::uint64_t at = begin; at < end && !found; ++at) {
    const PrintEntry& entry = memory_->entry(at);
    // A direct entry counts if it was printed, or if the baton's holder, who may have it from the
    // dead, is printing it; else its owner died before it had the baton.
    const bool given_up = entry.state == PrintState::kDirect && at >= next && held != at + 1;
    found = entry.order == at && entry.ticket == ticket && entry.state != PrintState::kFree &&
            !given_up;
  }
  lock_.unlock();
  return found;
}

void PrintQueue::store_entry(const Output& output, std::uint64_t order, PrintState state) noexcept {
  PrintEntry& entry = memory_->entry(order);
  entry.state = PrintState::kFree;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  entry.order = order;
  entry.ticket = output.ticket;
  entry.printed = 0;
  entry.handle = output.handle;
  for (int stream : {0, 1}) {
    entry.begin[stream] = output.begin[stream];
    entry.length[stream] = output.length[stream];
  }
  entry.sum = sum_of({.order = order,
                      .ticket = output.ticket,
                      .sum = 0,
                      .printed = 0,
                      .handle = output.handle,
                      .state = state,
                      .begin = {output.begin[0], output.begin[1]},
                      .length = {output.length[0], output.length[1]}});
  std::atomic_signal_fence(std::memory_order_seq_cst);
  entry.state = state;
}

void PrintQueue::skip_empty() noexcept {
  ControlHeader& control = memory_->control();
  std::uint64_t next = control.print_next.load(std::memory_order_relaxed);
  const std::uint64_t window = memory_->print_window();
  for (std::uint64_t skipped = 0; skipped < window; ++skipped) {
    const PrintEntry& entry = memory_->entry(next);
    if (!is_ready(next)) break;
    if (entry.length[0] != 0 || entry.length[1] != 0) break;
    control.print_next.store(++next, std::memory_order_release);
  }
}

bool PrintQueue::take_if_ready() noexcept {
  ControlHeader& control = memory_->control();
  if (control.baton.load(std::memory_order_relaxed) != 0) return false;
  skip_empty();
  const std::uint64_t next = control.print_next.load(std::memory_order_relaxed);
  if (!is_ready(next)) return false;
  take_baton();
  return true;
}

}  // namespace enjoin::ipc
