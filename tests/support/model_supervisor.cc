// The supervisor's steps, and what must hold in every state.

#include <algorithm>
#include <utility>

#include "support/model.h"

namespace enjoin::test::model {

namespace {

constexpr std::uint8_t kPrinted = 8;

bool is_known_alive(Step step) {
  return step != Step::kNone;  // a death counts from when the supervisor deals with it
}

}  // namespace

void Machine::complete(State::Flight* flight) {
  if (flight->state == FlightState::kComplete) break_rule("a job is recorded twice");
  const bool lost = flight->lost;
  *flight = State::Flight{};
  flight->state = FlightState::kComplete;
  flight->lost = lost;
}

// The oldest record of a worker's ring.
void Machine::on_record(unsigned number) {
  State::Worker& worker = s_->workers[number];
  const std::uint8_t record = std::exchange(worker.record[worker.read++ % kRecords], 0);
  const unsigned ticket = record & 7U;
  for (State::Flight& flight : s_->flights) {
    if (flight.ticket != ticket || ticket == 0) continue;
    if (flight.state != FlightState::kPublished) break;
    flight.state = FlightState::kEnded;
    flight.worker = static_cast<std::uint8_t>(number);
    flight.generation = worker.generation;
    flight.wants_print = (record & kPrinted) != 0;
    if (!flight.wants_print || flight.printed) complete(&flight);
    return;
  }
  break_rule("a record comes that no job waits for");
}

void Machine::reclaim() {
  State::Supervisor& me = s_->supervisor;
  while (me.freed < me.tail && slot(me.freed).state == SlotState::kReleased) {
    State::Slot& done = slot(me.freed++);
    for (State::Flight& flight : s_->flights) {
      if (flight.ticket != done.ticket || flight.state == FlightState::kComplete) continue;
      flight.worker = done.worker;
      flight.generation = done.generation;
    }
    done = State::Slot{};
  }
}

void Machine::take_prints() {
  State::Supervisor& me = s_->supervisor;
  for (; me.prints_seen < me.printed_to; ++me.prints_seen) {
    State::Entry& entry = s_->entries[me.prints_seen];
    for (State::Flight& flight : s_->flights) {
      if (entry.ticket == 0 || flight.ticket != entry.ticket) continue;
      flight.printed = true;
      if (flight.state == FlightState::kEnded) complete(&flight);
    }
    entry = State::Entry{};
  }
}

bool Machine::supervisor_step() {
  State::Supervisor& me = s_->supervisor;
  switch (me.step) {
    case Step::kCollect:
      for (unsigned number = 0; number < kWorkers; ++number) {
        if (s_->workers[number].step != Step::kDead) continue;
        me.dead = static_cast<std::uint8_t>(number);
        me.step = is(Mutant::kLoseBeforeResults) ? Step::kDeadReclaim : Step::kDeadResults;
        return true;
      }
      s_->event = false;
      me.printed_to = s_->print_next;
      me.step = Step::kReclaim;
      return true;
    case Step::kReclaim:
      reclaim();
      me.at = 0;
      me.step = is(Mutant::kRoomBeforeRead) ? Step::kGiveRoom : Step::kTakeResult;
      return true;
    case Step::kTakeResult: {
      State::Worker& worker = s_->workers[me.at];
      while (is_known_alive(worker.step) && worker.tail != worker.read) on_record(me.at);
      if (!is(Mutant::kRoomBeforeRead)) worker.taken = worker.read;
      // Where in the ring an empty ring begins makes no difference.
      const bool empty = worker.tail == worker.read && worker.tail == worker.taken;
      const bool filling = worker.step == Step::kPublish || is(Mutant::kRecordBeforeFill);
      if (empty && !filling) worker.tail = worker.taken = worker.read = 0;
      me.step = ++me.at < kWorkers ? me.step : Step::kTakePrints;
      if (is(Mutant::kRoomBeforeRead) && me.at < kWorkers) me.step = Step::kGiveRoom;
      if (me.at == kWorkers) me.at = 0;
      return true;
    }
    case Step::kGiveRoom:
      s_->workers[me.at].taken = s_->workers[me.at].tail;
      me.step = Step::kTakeResult;
      return true;
    case Step::kTakePrints:
      take_prints();
      me.printed_to = 0;
      me.step = Step::kFillSlot;
      return true;
    case Step::kFillSlot: {
      const auto waits = [](const State::Flight& flight) {
        return flight.state == FlightState::kUnpublished;
      };
      State::Flight* const found = std::find_if(s_->flights, s_->flights + kJobs, waits);
      if (found != s_->flights + kJobs && me.tail - me.freed < int{kSlots}) {
        found->state = FlightState::kPublished;
        found->ticket = static_cast<std::uint8_t>(me.tail + 1);
        s_->job_of[found->ticket] = static_cast<std::uint8_t>(found - s_->flights);
        if (!is(Mutant::kReadyBeforeFill)) slot(me.tail).ticket = found->ticket;
        me.step = Step::kMarkReady;
        return true;
      }
      const bool over = std::all_of(s_->flights, s_->flights + kJobs, [](const auto& flight) {
        return flight.state == FlightState::kComplete;
      });
      me.step = over ? Step::kClose : Step::kAnnounceWait;
      return true;
    }
    case Step::kMarkReady:
      slot(me.tail).state = SlotState::kReady;
      ++me.tail;
      me.step = Step::kAnnounceTail;
      return true;
    case Step::kAnnounceTail:
      s_->tail = me.tail;
      summon(Step::kFillSlot);
      return true;
    case Step::kSummon:
      if (is(Mutant::kReadyBeforeFill) && me.tail > 0) slot(me.tail - 1U).ticket = me.tail;
      for (unsigned number = 0; number < kWorkers; ++number) {
        if (!s_->workers[number].idle) continue;
        s_->workers[number].idle = false;
        me.place = static_cast<std::uint8_t>(number);
        me.step = Step::kRingBell;
        return true;
      }
      for (State::Worker& worker : s_->workers) {
        if (is_known_alive(worker.step)) continue;
        const auto generation = static_cast<std::uint8_t>(worker.generation + 1);
        worker = State::Worker{};
        worker.generation = generation;
        worker.step = Step::kRun;
        break;
      }
      me.step = me.back;
      me.back = Step::kNone;
      return true;
    case Step::kRingBell:
      s_->workers[me.place].bell = true;
      me.place = 0;
      me.step = me.back;
      me.back = Step::kNone;
      return true;
    default:
      return end_step() || death_step();
  }
}

void Machine::summon(Step back) {
  s_->supervisor.back = back;
  s_->supervisor.step = Step::kSummon;
}

// Sleeping, and leaving.
bool Machine::end_step() {
  State::Supervisor& me = s_->supervisor;
  switch (me.step) {
    case Step::kAnnounceWait:
      s_->supervisor_waits = true;
      me.step = is(Mutant::kWaitWithoutLook) ? Step::kWait : Step::kLookForNews;
      return true;
    case Step::kLookForNews: {
      bool news = s_->print_next != me.prints_seen;
      for (const State::Flight& flight : s_->flights) {
        const bool waits =
            flight.state == FlightState::kUnpublished && !is(Mutant::kWaitForSlotsUntold);
        news |= waits && me.freed < me.tail && slot(me.freed).state == SlotState::kReleased;
      }
      for (const State::Worker& worker : s_->workers) {
        news |= is_known_alive(worker.step) && worker.tail != worker.read;
      }
      me.step = news ? Step::kWake : Step::kWait;
      return true;
    }
    case Step::kWait:
      if (!s_->event && s_->workers[0].step != Step::kDead && s_->workers[1].step != Step::kDead) {
        return false;
      }
      s_->event = false;
      me.step = Step::kWake;
      return true;
    case Step::kWake:
      s_->supervisor_waits = false;
      me.step = Step::kCollect;
      return true;
    case Step::kClose:
      s_->closed = true;
      me.step = Step::kRingFirst;
      return true;
    case Step::kRingFirst:
    case Step::kRingSecond:
      s_->workers[me.step == Step::kRingFirst ? 0 : 1].bell = true;
      me.step = me.step == Step::kRingFirst ? Step::kRingSecond : Step::kJoin;
      return true;
    case Step::kJoin: {
      const bool gone = std::all_of(s_->workers, s_->workers + kWorkers, [](const auto& worker) {
        return worker.step == Step::kNone || worker.step == Step::kDead ||
               worker.step == Step::kLeft;
      });
      if (gone) me.step = Step::kDone;
      return gone;
    }
    default:
      return false;
  }
}

// ---- after a death -----------------------------------------------------------------------------

bool Machine::was_handed_in(const State::Flight& flight, unsigned job) {
  if (is(Mutant::kPrintAgainForDead)) return false;
  if (options_.ordered && job < s_->print_next) return true;
  const unsigned begin = options_.ordered ? job : s_->supervisor.prints_seen;
  unsigned end = job + 1;
  if (!options_.ordered) {
    end = std::min<unsigned>(kOrders, std::max<unsigned>(place(flight.ticket), s_->printing));
  }
  const unsigned held = s_->baton != 0 ? s_->printing : 0;
  for (unsigned at = begin; at < end; ++at) {
    const State::Entry& entry = s_->entries[at];
    const bool given_up =
        entry.state == PrintState::kDirect && at >= s_->print_next && held != at + 1;
    if (entry.ticket == flight.ticket && entry.state != PrintState::kFree && !given_up) return true;
  }
  return false;
}

// Prints what lies in the dead worker's capture. False: there was nothing to do.
bool Machine::emit_left(unsigned job, Step back) {
  State::Supervisor& me = s_->supervisor;
  State::Flight& flight = s_->flights[job];
  const unsigned captured = s_->workers[me.dead].capture;
  if (captured != 0 && captured != flight.ticket) break_rule("a job is given another's output");
  if (captured == 0 && !options_.ordered) {
    flight.printed = true;
    if (flight.state == FlightState::kEnded) complete(&flight);
    return false;
  }
  me.ticket = flight.ticket;
  me.back = back;
  me.step = captured == 0 ? Step::kHandLock : Step::kSpool;
  return true;
}

bool Machine::death_step() {
  State::Supervisor& me = s_->supervisor;
  State::Worker& dead = s_->workers[me.dead];
  const auto is_of_dead = [&](const State::Flight& flight) {
    return flight.ticket != 0 && flight.generation == dead.generation && flight.worker == me.dead;
  };
  switch (me.step) {
    case Step::kDeadResults:  // nobody writes there any more, so all at once
      while (dead.tail != dead.read) on_record(me.dead);
      me.step = Step::kDeadReclaim;
      return true;
    case Step::kDeadReclaim:
      reclaim();
      me.step = is(Mutant::kNoTakeBack) ? Step::kTakeOver : Step::kTakeBackLock;
      return true;
    case Step::kTakeBackLock:
      if (!acquire(&s_->claim_lock, kWorkers)) return false;
      me.step = Step::kTakeBackHead;
      return true;
    case Step::kTakeBackHead:
      s_->head = me.freed;
      me.step = Step::kTakeBackMark;
      return true;
    case Step::kTakeBackMark:
      for (unsigned position = me.freed; position < me.tail; ++position) {
        State::Slot& mine = slot(position);
        if (mine.generation == 0 || !owns(mine, me.dead)) continue;
        if (mine.state == SlotState::kClaimed) {
          mine = {SlotState::kReady, 0, 0, mine.ticket};
          return true;
        }
        if (mine.state == SlotState::kStarted) {
          mine.state = SlotState::kReleased;
          return true;
        }
      }
      s_->claim_lock = 0;
      for (unsigned position = me.freed; position < me.tail; ++position) {
        const State::Slot& done = slot(position);
        if (done.state != SlotState::kReleased || !owns(done, me.dead)) continue;
        for (State::Flight& flight : s_->flights) {
          if (flight.ticket != done.ticket || flight.state == FlightState::kComplete) continue;
          flight.worker = done.worker;
          flight.generation = done.generation;
        }
      }
      me.step = Step::kTakeOver;
      return true;
    case Step::kTakeOver:
      if (!acquire(&s_->print_lock, kWorkers)) return false;
      s_->print_lock = 0;
      me.at = 0;
      me.step = Step::kPrintForDead;
      if (s_->baton == me.dead + 1 && !is(Mutant::kNoTakeOver)) {
        s_->baton = kWorkers + 1;
        me.back = Step::kPrintForDead;
        me.step = Step::kBeginLock;
      }
      return true;
    case Step::kPrintForDead:
      if (s_->print_lock != 0 && (options_.every_store || is(Mutant::kPlainLocks))) return false;
      for (; me.at < kJobs; ++me.at) {
        const State::Flight& flight = s_->flights[me.at];
        if (flight.state != FlightState::kEnded || flight.printed || !is_of_dead(flight)) continue;
        if (was_handed_in(flight, me.at)) continue;
        if (emit_left(me.at++, Step::kPrintForDead)) return true;
      }
      me.at = 0;
      me.step = Step::kLoseJobs;
      return true;
    case Step::kLoseJobs:
      for (; me.at < kJobs; ++me.at) {
        State::Flight& flight = s_->flights[me.at];
        if (flight.state != FlightState::kPublished || !is_of_dead(flight)) continue;
        if (options_.requeue && ++flight.losses < kMostLosses) {
          const std::uint8_t losses = flight.losses;
          flight = State::Flight{};
          flight.losses = losses;
          continue;
        }
        flight.state = FlightState::kEnded;
        flight.lost = flight.wants_print = true;
        if (emit_left(me.at++, Step::kLoseJobs)) return true;
      }
      me.at = 0;
      me.step = is(Mutant::kNoDrainIfReady) ? Step::kForgetWorker : Step::kReadyLock;
      me.back = Step::kForgetWorker;
      return true;
    case Step::kForgetWorker: {
      const std::uint8_t generation = dead.generation;
      if (is(Mutant::kLoseBeforeResults) && dead.tail != dead.read) on_record(me.dead);
      dead = State::Worker{};
      dead.generation = generation;
      me.ticket = me.place = 0;
      me.back = Step::kNone;
      me.step = Step::kRingAll;
      return true;
    }
    case Step::kRingAll:
      me.dead = static_cast<std::uint8_t>(1 - me.dead);
      if (is_known_alive(s_->workers[me.dead].step) && !is(Mutant::kNoBellsAfterDeath)) {
        s_->workers[me.dead].bell = true;
      }
      me.dead = 0;
      me.step = Step::kReplace;
      return true;
    case Step::kReplace: {
      const auto alive = std::count_if(s_->workers, s_->workers + kWorkers, [](const auto& worker) {
        return is_known_alive(worker.step);
      });
      me.step = Step::kCollect;
      if (me.tail - me.freed > alive && !is(Mutant::kNoReplacement)) summon(Step::kCollect);
      return true;
    }
    default:
      return print_step(&me, kWorkers);
  }
}

// ---- what must hold ----------------------------------------------------------------------------

const char* Machine::check(const State& state) {
  s_ = const_cast<State*>(&state);
  for (unsigned position = state.supervisor.freed; position < state.tail; ++position) {
    const State::Slot& slot = state.slots[position % kSlots];
    if (slot.state == SlotState::kReady && position < state.head) {
      break_rule("a ready slot lies below head");
    }
    if (slot.state == SlotState::kReady && slot.ticket == 0) {
      break_rule("a slot is ready that was not filled");
    }
  }
  const State::Worker* const workers = state.workers;
  const auto runs = [](const State::Worker& worker) { return worker.ticket; };
  if (runs(workers[0]) != 0 && runs(workers[0]) == runs(workers[1])) {
    break_rule("two workers run one job");
  }
  const auto prints = [](const Actor& actor) { return actor.step == Step::kWrite; };
  if (std::count_if(workers, workers + kWorkers, prints) + prints(state.supervisor) > 1) {
    break_rule("two print at once");
  }
  if (!is_final(state)) return broken_;
  for (unsigned job = 0; job < kJobs; ++job) {
    const bool writes = (options_.without_process >> job & 1) == 0;
    if (writes && !state.flights[job].lost && state.written[job] != 1) {
      break_rule("a job ended and its output is not there");
    }
  }
  return broken_;
}

}  // namespace enjoin::test::model
