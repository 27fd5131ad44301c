// The steps of a worker, and of whoever prints.

#include "support/model.h"

#include <algorithm>

namespace enjoin::test::model {

namespace {

constexpr std::uint8_t kOwnerDied = 4;
constexpr std::uint8_t kPrinted = 8;  // beside the ticket in a record

bool is_alive(Step step) {
  return step != Step::kNone && step != Step::kDead && step != Step::kLeft;
}

}  // namespace

State Machine::start(const Options& options) {
  State state{};
  for (unsigned job = options.jobs; job < kJobs; ++job) {
    state.flights[job].state = FlightState::kComplete;
    state.flights[job].lost = true;
  }
  state.supervisor.step = Step::kCollect;
  state.deaths_left = static_cast<std::uint8_t>(options.deaths);
  return state;
}

bool Machine::owns(const State::Slot& slot, unsigned number) const {
  return slot.worker == number && slot.generation == s_->workers[number].generation;
}

// A robust lock is had although its owner died in it.
bool Machine::acquire(std::uint8_t* lock, unsigned who) const {
  if (*lock != 0 && (*lock != kOwnerDied || is(Mutant::kPlainLocks))) return false;
  *lock = static_cast<std::uint8_t>(who + 1);
  return true;
}

bool Machine::may_die(const State& state, unsigned worker) const {
  return state.deaths_left > 0 && is_alive(state.workers[worker].step);
}

void Machine::die(State* state, unsigned worker) const {
  State::Worker& dead = state->workers[worker];
  const State::Worker before = dead;
  dead = State::Worker{};
  dead.step = Step::kDead;
  dead.generation = before.generation;
  dead.capture = before.capture;
  dead.idle = before.idle;
  std::copy(std::begin(before.record), std::end(before.record), std::begin(dead.record));
  dead.tail = before.tail;
  dead.read = before.read;
  for (std::uint8_t* lock : {&state->claim_lock, &state->print_lock}) {
    if (*lock == worker + 1) *lock = kOwnerDied;
  }
  --state->deaths_left;
}

bool Machine::goes_on(const State& state, unsigned who) const {
  if (options_.every_store) return false;
  if (state.claim_lock == who + 1 || state.print_lock == who + 1) return true;
  const bool supervisor = who == kWorkers;
  const Step step = supervisor ? state.supervisor.step : state.workers[who].step;
  switch (step) {
    case Step::kAnnounceIdle:
    case Step::kClaimLock:
    case Step::kRunOn:
    case Step::kRelease:
    case Step::kPublish:
    case Step::kFinishLock:
    case Step::kTakePrints:
    case Step::kMarkReady:
    case Step::kAnnounceTail:
    case Step::kRingBell:
    case Step::kAnnounceWait:
    case Step::kDeadResults:
    case Step::kDeadReclaim:
    case Step::kLoseJobs:
    case Step::kReplace:
    case Step::kClose:
      return options_.mutant == Mutant::kNothing || step != Step::kPublish;
    case Step::kStart:
      return state.workers[who].at > 0;
    case Step::kHandLock:
      return supervisor || state.workers[who].capture != 0;
    default:
      return false;
  }
}

bool Machine::step(State* state, unsigned who) {
  s_ = state;
  broken_ = nullptr;
  if (who == kWorkers) return supervisor_step();
  return is_alive(s_->workers[who].step) && worker_step(who);
}

// ---- a worker ----------------------------------------------------------------------------------

void Machine::run_ticket(unsigned ticket) {
  if (ticket == 0) return break_rule("a slot is started that was not filled");
  if ((s_->executed & (1U << ticket)) != 0) break_rule("a job is run twice");
  s_->executed = static_cast<std::uint8_t>(s_->executed | (1U << ticket));
}

void Machine::next_job(State::Worker* worker) {
  worker->ticket = worker->place = 0;
  worker->back = Step::kNone;
  if (++worker->at < worker->count) {
    worker->step = Step::kStart;
    return;
  }
  worker->count = worker->at = 0;
  std::fill(std::begin(worker->claimed), std::end(worker->claimed), std::uint8_t{0});
  worker->step = Step::kRunOn;
}

void Machine::begin_emit(State::Worker* worker) {
  worker->back = is(Mutant::kPrintBeforeRecord) ? Step::kFillRecord : Step::kClear;
  if (worker->capture != 0) {
    worker->step = Step::kDirectLock;
  } else {
    worker->step = options_.ordered ? Step::kHandLock : worker->back;
  }
}

bool Machine::worker_step(unsigned number) {
  State::Worker& me = s_->workers[number];
  const unsigned other = 1 - number;
  switch (me.step) {
    case Step::kRun:
    case Step::kRunOn:
      me.step = looks_ready() ? Step::kClaimLock : s_->closed ? Step::kLeft : Step::kSeen;
      return true;
    case Step::kSeen:
      me.bell = false;
      me.step = Step::kAnnounceIdle;
      return true;
    case Step::kAnnounceIdle:
      me.idle = true;
      me.step = is(Mutant::kSleepWithoutLook) ? Step::kTell : Step::kLookAgain;
      return true;
    case Step::kLookAgain:
      me.step = looks_ready() || s_->closed ? Step::kAwake : Step::kTell;
      return true;
    case Step::kTell:
    case Step::kFullTell: {
      const bool sleeps = me.step == Step::kTell;
      const Step write = sleeps ? Step::kTellWrite : Step::kFullWrite;
      me.step = s_->supervisor_waits ? write : sleeps ? Step::kSleep : Step::kFillRecord;
      s_->supervisor_waits = false;
      return true;
    }
    case Step::kTellWrite:
    case Step::kFullWrite:
      s_->event = true;
      me.step = me.step == Step::kTellWrite ? Step::kSleep : Step::kFillRecord;
      return true;
    case Step::kSleep:
      if (!me.bell) return false;
      [[fallthrough]];
    case Step::kAwake:
      me.idle = false;
      me.step = Step::kRun;
      return true;
    case Step::kStart: {
      State::Slot& mine = slot(me.claimed[me.at]);
      if (mine.state != SlotState::kClaimed || !owns(mine, number)) {
        next_job(&me);
        return true;
      }
      mine.state = SlotState::kStarted;
      me.ticket = mine.ticket;
      if (me.ticket != 0 && has_output(me.ticket)) {
        me.step = me.at + 1U < me.count ? Step::kBackLock : Step::kSpawn;
      } else {  // it needs no process
        run_ticket(me.ticket);
        me.step = Step::kRelease;
      }
      return true;
    }
    case Step::kBackRing:
      me.step = s_->workers[other].idle ? Step::kBackBell : Step::kSpawn;
      s_->workers[other].idle = false;
      return true;
    case Step::kBackBell:
      s_->workers[other].bell = true;
      me.step = Step::kSpawn;
      return true;
    case Step::kSpawn:
      run_ticket(me.ticket);
      me.capture = me.ticket;
      me.step = Step::kRelease;
      return true;
    case Step::kRelease:
      slot(me.claimed[me.at]).state = SlotState::kReleased;
      if (is(Mutant::kPrintBeforeRecord)) {
        begin_emit(&me);
      } else {
        me.step = is(Mutant::kRecordBeforeFill) ? Step::kPublish : Step::kFillRecord;
      }
      return true;
    case Step::kFillRecord:
      if (!is(Mutant::kRecordBeforeFill) && me.tail - me.taken >= int{kRecords}) {
        me.step = Step::kFullTell;
        return true;
      }
      {
        const bool wants = options_.ordered || me.capture != 0;
        const unsigned at = is(Mutant::kRecordBeforeFill) ? me.tail - 1U : me.tail;
        me.record[at % kRecords] = static_cast<std::uint8_t>(me.ticket | (wants ? kPrinted : 0));
      }
      me.step = Step::kPublish;
      if (is(Mutant::kRecordBeforeFill)) begin_emit(&me);
      return true;
    case Step::kPublish:
      ++me.tail;
      if (is(Mutant::kRecordBeforeFill)) {
        me.step = Step::kFillRecord;
      } else if (is(Mutant::kPrintBeforeRecord)) {
        me.step = Step::kClear;
      } else {
        begin_emit(&me);
      }
      return true;
    case Step::kClear:
      me.capture = 0;
      next_job(&me);
      return true;
    default:
      return claim_step(number) || print_step(&me, number);
  }
}

bool Machine::claim_step(unsigned number) {
  State::Worker& me = s_->workers[number];
  const auto is_ready = [&](unsigned at) { return slot(at).state == SlotState::kReady; };
  const auto skip = [&] {
    while (me.place < s_->tail && !is_ready(me.place)) ++me.place;
  };
  switch (me.step) {
    case Step::kClaimLock:
      if (!acquire(&s_->claim_lock, number)) return false;
      me.place = std::max<std::uint8_t>(
          s_->head, static_cast<std::uint8_t>(s_->tail > kSlots ? s_->tail - kSlots : 0));
      me.step = Step::kClaimMark;
      if (is(Mutant::kHeadBeforeMark)) s_->head = std::min<std::uint8_t>(s_->tail, me.place + 2);
      return true;
    case Step::kClaimMark:
      skip();
      if (me.place < s_->tail && me.count < kClaims) {
        slot(me.place).state = SlotState::kClaimed;
        slot(me.place).worker = static_cast<std::uint8_t>(number);
        slot(me.place).generation = me.generation;
        me.claimed[me.count++] = me.place++;
        return true;
      }
      me.step = Step::kClaimHead;
      [[fallthrough]];
    case Step::kClaimHead:
      s_->head = me.place;
      me.place = 0;
      s_->claim_lock = 0;
      me.step = me.count > 0 ? Step::kStart : Step::kRun;
      return true;
    case Step::kBackLock:
      if (!acquire(&s_->claim_lock, number)) return false;
      me.step = is(Mutant::kMarkBeforeHead) ? Step::kBackMark : Step::kBackHead;
      return true;
    case Step::kBackHead:
      if (!is(Mutant::kHandBackWithoutHead)) s_->head = std::min(s_->head, me.claimed[me.at + 1]);
      me.step = Step::kBackMark;
      if (!is(Mutant::kMarkBeforeHead)) return true;
      s_->claim_lock = 0;
      me.step = Step::kBackRing;
      me.count = me.at + 1;
      return true;
    case Step::kBackMark: {
      State::Slot& back = slot(me.claimed[me.at + 1]);
      if (back.state == SlotState::kClaimed && owns(back, number)) {
        back = {SlotState::kReady, 0, 0, back.ticket};
      }
      if (is(Mutant::kMarkBeforeHead)) {
        me.step = Step::kBackHead;
        return true;
      }
      s_->claim_lock = 0;
      me.step = Step::kBackRing;
      me.count = static_cast<std::uint8_t>(me.at + 1);
      me.claimed[me.count] = 0;
      return true;
    }
    default:
      return false;
  }
}

// ---- whoever prints ----------------------------------------------------------------------------

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
        actor->step = is(Mutant::kBatonBeforePrinting) ? Step::kDirectBaton : Step::kDirectRange;
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
      if (!is(Mutant::kBatonBeforePrinting)) return true;
      s_->print_lock = 0;
      actor->step = Step::kWrite;
      return true;
    case Step::kDirectBaton:
      s_->baton = word;
      if (is(Mutant::kBatonBeforePrinting)) {
        actor->step = Step::kDirectRange;
        return true;
      }
      s_->print_lock = 0;
      actor->step = Step::kWrite;
      return true;
    case Step::kSpool:
      s_->spooled = static_cast<std::uint8_t>(s_->spooled | (1U << actor->ticket));
      actor->step = is(Mutant::kHandInBeforeSpool) ? actor->back : Step::kHandLock;
      return true;
    case Step::kBeginLock:
      if (!acquire(&s_->print_lock, who)) return false;
      actor->place = 0;
      if (s_->printing == s_->print_next + 1) {
        s_->print_lock = 0;
        actor->step = Step::kWrite;
      } else if (is_spooled(s_->print_next)) {
        actor->step =
            is(Mutant::kPrintingBeforeRange) ? Step::kBeginPrinting : Step::kBeginRange;
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
      actor->step =
          is(Mutant::kPrintingClearedFirst) ? Step::kFinishPrinting : Step::kFinishNext;
      return true;
    case Step::kFinishNext:
      ++s_->print_next;
      actor->step =
          is(Mutant::kPrintingClearedFirst) ? Step::kFinishSkip : Step::kFinishPrinting;
      return true;
    case Step::kFinishPrinting:
      s_->printing = 0;
      actor->step =
          is(Mutant::kPrintingClearedFirst) ? Step::kFinishNext : Step::kFinishSkip;
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
