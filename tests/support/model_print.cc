// The steps of whoever prints, as in ipc/print_queue.cc.

#include <algorithm>

#include "support/model.h"

namespace enjoin::test::model {

bool Machine::is_spooled(unsigned order) const {
  return order < kOrders && s_->entries[order].state == PrintState::kSpooled;
}

unsigned Machine::place(unsigned ticket) {
  if (options_.ordered) return s_->job_of[ticket];
  unsigned end = std::max(s_->print_end, s_->print_next);
  if (s_->baton != 0) end = std::max<unsigned>(end, s_->printing);
  while (is_spooled(end)) ++end;
  if (end < kOrders) return end;
  break_rule("more print entries than outputs");
  return kOrders - 1;
}

// One call of sendfile: the byte is at its destination, and the offset says so.
void Machine::write(unsigned who) {
  const State::Entry& entry = s_->entries[s_->print_next % kOrders];
  if (s_->range != entry.ticket) break_rule("an output is printed with another's offsets");
  if (!entry.has_bytes || s_->printed) return;
  const unsigned owner = who == kWorkers ? s_->supervisor.dead : who;
  const bool there = entry.state == PrintState::kSpooled
                         ? (s_->spooled & (1U << entry.ticket)) != 0
                         : s_->workers[owner].capture == entry.ticket;
  if (!there) break_rule("an output is printed before its bytes are there");
  const unsigned job = s_->job_of[entry.ticket];
  for (unsigned later = job + 1; later < kJobs && options_.ordered; ++later) {
    if (s_->written[later] != 0) break_rule("-k: an output is printed after a later one");
  }
  if (++s_->written[job] > 1) break_rule("an output is printed twice");
  s_->printed = true;
}

bool Machine::print_step(Actor* actor, unsigned who) {
  State::Entry& mine = s_->entries[actor->place % kOrders];
  const auto word = static_cast<std::uint8_t>(who + 1);
  switch (actor->step) {
    case Step::kDirectLock: {
      if (!acquire(&s_->print_lock, who)) return false;
      const unsigned order = place(actor->ticket);
      if (s_->baton == 0 && s_->print_next == order) {
        actor->place = static_cast<std::uint8_t>(order);
        actor->step = Step::kDirectRange;
        return true;
      }
      s_->print_lock = 0;
      actor->step = is(Mutant::kHandInBeforeSpool) ? Step::kHandLock : Step::kSpool;
      return true;
    }
    case Step::kDirectRange:
      s_->range = actor->ticket;
      s_->printed = false;
      actor->step = Step::kDirectFree;
      return true;
    case Step::kDirectFree:
      mine.state = PrintState::kFree;
      actor->step = Step::kDirectFields;
      return true;
    case Step::kDirectFields:
      mine.ticket = actor->ticket;
      mine.has_bytes = true;
      actor->step = Step::kDirectState;
      return true;
    case Step::kDirectState:
      mine.state = PrintState::kDirect;
      actor->step = Step::kDirectPrinting;
      return true;
    case Step::kDirectPrinting:
      s_->printing = static_cast<std::uint8_t>(actor->place + 1);
      actor->step = Step::kDirectBaton;
      return true;
    case Step::kDirectBaton:
      s_->baton = word;
      s_->print_lock = 0;
      actor->step = Step::kWrite;
      return true;
    case Step::kSpool:
      s_->spooled = static_cast<std::uint8_t>(s_->spooled | (1U << actor->ticket));
      actor->step =
          is(Mutant::kHandInBeforeSpool) && who < kWorkers ? actor->back : Step::kHandLock;
      return true;
    case Step::kBeginLock:
      if (!acquire(&s_->print_lock, who)) return false;
      actor->place = 0;
      if (s_->printing == s_->print_next + 1) {
        s_->print_lock = 0;
        actor->step = Step::kWrite;
      } else if (is_spooled(s_->print_next)) {
        actor->step = is(Mutant::kPrintingBeforeRange) ? Step::kBeginPrinting : Step::kBeginRange;
      } else {
        s_->baton = 0;
        s_->print_lock = 0;
        actor->step = actor->back;
      }
      return true;
    case Step::kBeginRange:
      s_->range = s_->entries[s_->print_next].ticket;
      s_->printed = false;
      actor->step = Step::kBeginPrinting;
      if (!is(Mutant::kPrintingBeforeRange)) return true;
      s_->print_lock = 0;
      actor->step = Step::kWrite;
      return true;
    case Step::kBeginPrinting:
      s_->printing = static_cast<std::uint8_t>(s_->print_next + 1);
      actor->step = Step::kBeginRange;
      if (is(Mutant::kPrintingBeforeRange)) return true;
      s_->print_lock = 0;
      actor->step = Step::kWrite;
      return true;
    case Step::kWrite:
      write(who);
      actor->step = Step::kFinishLock;
      return true;
    case Step::kFinishLock:
      if (!acquire(&s_->print_lock, who)) return false;
      actor->step = is(Mutant::kPrintingClearedFirst) ? Step::kFinishPrinting : Step::kFinishNext;
      return true;
    case Step::kFinishNext:
      s_->spooled = static_cast<std::uint8_t>(
          s_->spooled & ~(1U << s_->entries[s_->print_next % kOrders].ticket));
      ++s_->print_next;
      actor->step = is(Mutant::kPrintingClearedFirst) ? Step::kFinishSkip : Step::kFinishPrinting;
      return true;
    case Step::kFinishPrinting:
      s_->printing = 0;
      s_->range = 0;  // it means nothing now
      s_->printed = false;
      actor->step = is(Mutant::kPrintingClearedFirst) ? Step::kFinishNext : Step::kFinishSkip;
      return true;
    case Step::kFinishSkip:
      if (is_spooled(s_->print_next) && !s_->entries[s_->print_next].has_bytes) {
        ++s_->print_next;
        return true;
      }
      s_->print_lock = 0;
      actor->step = Step::kBeginLock;
      return true;
    default:
      return hand_in_step(actor, who);
  }
}

bool Machine::hand_in_step(Actor* actor, unsigned who) {
  State::Entry& mine = s_->entries[actor->place % kOrders];
  const bool worker = who < kWorkers;
  switch (actor->step) {
    case Step::kHandLock:
      if (!acquire(&s_->print_lock, who)) return false;
      actor->place = static_cast<std::uint8_t>(place(actor->ticket));
      actor->step = is(Mutant::kStateBeforeFields) ? Step::kHandState : Step::kHandFree;
      return true;
    case Step::kHandFree:
      mine.state = PrintState::kFree;
      actor->step = Step::kHandFields;
      return true;
    case Step::kHandFields:
      mine.ticket = actor->ticket;
      mine.has_bytes = s_->workers[worker ? who : s_->supervisor.dead].capture != 0;
      actor->step = Step::kHandState;
      if (!is(Mutant::kStateBeforeFields)) return true;
      actor->step = options_.ordered ? Step::kHandSkip : Step::kHandEnd;
      return true;
    case Step::kHandState:
      mine.state = PrintState::kSpooled;
      actor->step = options_.ordered ? Step::kHandSkip : Step::kHandEnd;
      if (is(Mutant::kStateBeforeFields)) actor->step = Step::kHandFields;
      return true;
    case Step::kHandEnd:
      s_->print_end = static_cast<std::uint8_t>(actor->place + 1);
      actor->step = Step::kHandSkip;
      return true;
    case Step::kReadyLock:
      if (!acquire(&s_->print_lock, who)) return false;
      actor->step = Step::kHandSkip;
      return true;
    case Step::kHandSkip: {  // take_if_ready
      const bool ready = s_->baton == 0 && is_spooled(s_->print_next);
      if (ready && !s_->entries[s_->print_next].has_bytes) {
        ++s_->print_next;
      } else if (ready) {
        s_->printing = 0;
        actor->step = Step::kHandBaton;
      } else {
        s_->print_lock = 0;
        actor->step = actor->back;
        if (is(Mutant::kHandInBeforeSpool) && worker) actor->step = Step::kSpool;
      }
      return true;
    }
    case Step::kHandBaton:
      s_->baton = static_cast<std::uint8_t>(who + 1);
      s_->print_lock = 0;
      actor->step = Step::kBeginLock;
      return true;
    default:
      return false;
  }
}

}  // namespace enjoin::test::model
