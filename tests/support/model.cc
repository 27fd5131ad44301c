// The steps of a worker, as in worker/worker.cc and ipc/claim_queue.cc.

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
    case Step::kWake:
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
      if (me.place < s_->tail && me.count < options_.claims) {
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

}  // namespace enjoin::test::model
