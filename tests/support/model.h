#pragma once

// A model of what the processes of one run do to each other: claim queue, results, print queue with
// its baton, wake-ups, and what the supervisor does after a worker's death. Two workers, three
// jobs. One step is one store (or one look) of one process, as in ipc/claim_queue.cc,
// ipc/results.cc, ipc/print_queue.cc, ipc/bells.cc, worker/worker.cc and
// runner/team/local_team_deaths.cc; a worker may die before each of its steps. Memory is taken to
// be sequentially consistent, and outputs to be one byte long: it is written or it is not.
//
// explore() visits every state that can be reached, the nearest first, so that the trace to what it
// finds is the shortest.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ipc/layout.h"

namespace enjoin::test::model {

using ipc::PrintState;
using ipc::SlotState;

inline constexpr unsigned kWorkers = 2;
inline constexpr unsigned kJobs = 3;
inline constexpr unsigned kSlots = 2;    ///< fewer than jobs, so that slots are used again
inline constexpr unsigned kRecords = 2;  ///< of a result ring, likewise
inline constexpr unsigned kOrders = 4;   ///< print entries, never used again
inline constexpr unsigned kTickets = 6;
inline constexpr unsigned kClaims = 2;
inline constexpr unsigned kMostLosses = 2;  ///< LocalTeam's is 3, but here only two workers die

/// What a process does next. A worker's steps, those of whoever prints, the supervisor's.
// clang-format off
#define ENJOIN_MODEL_STEPS(X) \
  X(kNone) X(kDead) X(kLeft) X(kRun) X(kRunOn) X(kSeen) X(kAnnounceIdle) X(kLookAgain) \
  X(kTell) X(kTellWrite) X(kSleep) X(kAwake) X(kClaimLock) X(kClaimMark) X(kClaimHead) \
  X(kStart) X(kBackLock) X(kBackHead) X(kBackMark) X(kBackRing) X(kBackBell) X(kSpawn) \
  X(kRelease) X(kFillRecord) X(kFullTell) X(kFullWrite) X(kPublish) X(kClear) X(kDirectLock) \
  X(kDirectRange) X(kDirectFree) X(kDirectFields) X(kDirectState) X(kDirectPrinting) \
  X(kDirectBaton) X(kSpool) X(kHandLock) X(kHandFree) X(kHandFields) X(kHandState) \
  X(kHandEnd) X(kHandSkip) X(kHandBaton) X(kReadyLock) X(kBeginLock) X(kBeginRange) \
  X(kBeginPrinting) X(kWrite) X(kFinishLock) X(kFinishNext) X(kFinishPrinting) \
  X(kFinishSkip) X(kCollect) X(kReclaim) X(kTakeResult) X(kGiveRoom) X(kTakePrints) \
  X(kFillSlot) X(kMarkReady) X(kAnnounceTail) X(kSummon) X(kRingBell) X(kAnnounceWait) \
  X(kLookForNews) X(kWait) X(kWake) X(kDeadResults) X(kDeadReclaim) X(kTakeBackLock) \
  X(kTakeBackHead) X(kTakeBackMark) X(kTakeOver) X(kPrintForDead) X(kLoseJobs) \
  X(kDrainIfReady) X(kForgetWorker) X(kRingAll) X(kReplace) X(kClose) X(kRingFirst) \
  X(kRingSecond) X(kJoin) X(kDone)
// clang-format on

enum class Step : std::uint8_t {
#define ENJOIN_MODEL_STEP(name) name,
  ENJOIN_MODEL_STEPS(ENJOIN_MODEL_STEP)
#undef ENJOIN_MODEL_STEP
};

/// One ordering or repair switched off. Each must be found.
// clang-format off
#define ENJOIN_MODEL_MUTANTS(X) \
  X(kNothing) X(kReadyBeforeFill) X(kHeadBeforeMark) X(kMarkBeforeHead) X(kRecordBeforeFill) \
  X(kRoomBeforeRead) X(kPrintBeforeRecord) X(kHandInBeforeSpool) X(kStateBeforeFields) \
  X(kPrintingBeforeRange) X(kPrintingClearedFirst) X(kPlainLocks) X(kNoTakeBack) \
  X(kNoTakeOver) X(kNoDrainIfReady) X(kNoBellsAfterDeath) X(kLoseBeforeResults) \
  X(kPrintAgainForDead) X(kHandBackWithoutHead) X(kSleepWithoutLook) X(kWaitWithoutLook) \
  X(kWaitForSlotsUntold) X(kNoReplacement)
// clang-format on

enum class Mutant : std::uint8_t {
#define ENJOIN_MODEL_MUTANT(name) name,
  ENJOIN_MODEL_MUTANTS(ENJOIN_MODEL_MUTANT)
#undef ENJOIN_MODEL_MUTANT
};
inline constexpr unsigned kMutants = static_cast<unsigned>(Mutant::kNoReplacement) + 1;
const char* name_of(Mutant mutant);
const char* name_of(Step step);

struct Options {
  bool ordered = false;  ///< -k
  bool requeue = false;  ///< WorkerLoss::kRequeue, else kFail
  unsigned deaths = 1;   ///< workers that may die
  unsigned jobs = kJobs;
  unsigned claims = kClaims;          ///< jobs that a worker claims at once, at most
  unsigned without_process = 1 << 1;  ///< bit j: job j needs no process and writes nothing
  /// Others may move before each store. Else what they cannot tell apart is not told apart: see
  /// Machine::goes_on().
  bool every_store = false;
  Mutant mutant = Mutant::kNothing;
};

enum class FlightState : std::uint8_t { kUnpublished = 0, kPublished, kEnded, kComplete };

/// What printing needs of a process.
struct Actor {
  Step step{};
  Step back{};              ///< where to go on when printing is done
  std::uint8_t ticket = 0;  ///< of the job at hand
  std::uint8_t place = 0;   ///< of its print entry; of the scan, while claiming
};

struct State {
  struct Worker : Actor {
    std::uint8_t claimed[kClaims], count, at;
    std::uint8_t generation, capture;  ///< capture: the ticket whose output lies in it
    bool idle, bell;
    std::uint8_t record[kRecords];  ///< ticket and kPrinted
    std::uint8_t tail, taken, read;
  };
  struct Supervisor : Actor {
    std::uint8_t at, dead;  ///< the job or worker looked at; the dead worker dealt with
    std::uint8_t printed_to, prints_seen, tail, freed;
  };
  struct Flight {
    FlightState state;
    std::uint8_t ticket, worker, generation, losses;
    bool wants_print, printed, lost;
  };
  struct Slot {
    SlotState state;
    std::uint8_t worker, generation, ticket;
  };
  struct Entry {
    PrintState state;
    std::uint8_t ticket;
    bool has_bytes;
  };
  Worker workers[kWorkers];
  Supervisor supervisor;
  Flight flights[kJobs];
  Slot slots[kSlots];
  Entry entries[kOrders];
  std::uint8_t job_of[kTickets];
  std::uint8_t head, tail, claim_lock, print_lock;
  std::uint8_t print_next, print_end, baton, printing, range;  ///< range: whose offsets are set
  bool printed;                                                ///< the offset has reached its limit
  std::uint8_t spooled;                                        ///< bit t: the spool holds t's bytes
  bool supervisor_waits, event, closed;
  std::uint8_t deaths_left;
  std::uint8_t executed;        ///< bit t: publication t has been run. For checks only, as:
  std::uint8_t written[kJobs];  ///< times that the job's output reached its destination
};

struct Report {
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::size_t depth = 0;
  std::string violation;           ///< "" where there is none
  std::vector<std::string> trace;  ///< how it comes to that
};
Report explore(const Options& options);

/// One state's successors and what is wrong with it.
class Machine {
 public:
  explicit Machine(const Options& options) : options_(options) {}

  static State start(const Options& options);
  /// Process `who` (a worker, or kWorkers: the supervisor) makes its next step in `*state`. False:
  /// it cannot.
  bool step(State* state, unsigned who);
  bool may_die(const State& state, unsigned worker) const;
  void die(State* state, unsigned worker) const;
  /// Whether `who` makes its next step (or dies) before others move:
  ///
  /// - inside a lock: who reads without the lock reads one word that the section changes, and finds
  ///   it as before the section or as after it;
  /// - after a step that nobody alive can see (a record or spool bytes not yet published, its own
  ///   capture, the offset of what it prints, the supervisor's private books): whoever waits after
  ///   such a step might as well have waited before it;
  /// - between a hint and what follows it (a bell, an idle bit): who misses it looks again.
  bool goes_on(const State& state, unsigned who) const;
  bool is_final(const State& state) const { return state.supervisor.step == Step::kDone; }
  /// What is wrong with the state, or with the last step into it; nullptr: nothing.
  const char* check(const State& state);

 private:
  bool worker_step(unsigned number);
  bool claim_step(unsigned number);
  bool print_step(Actor* actor, unsigned who);
  bool hand_in_step(Actor* actor, unsigned who);
  bool supervisor_step();
  bool death_step();
  bool end_step();

  bool is(Mutant mutant) const { return options_.mutant == mutant; }
  bool has_output(unsigned ticket) const {
    return (options_.without_process >> s_->job_of[ticket] & 1) == 0;
  }
  bool looks_ready() const { return s_->head != s_->tail; }
  State::Slot& slot(unsigned position) { return s_->slots[position % kSlots]; }
  bool owns(const State::Slot& slot, unsigned number) const;
  bool acquire(std::uint8_t* lock, unsigned who) const;
  bool is_spooled(unsigned order) const;
  unsigned place(unsigned ticket);
  void write(unsigned who);
  void run_ticket(unsigned ticket);
  void begin_emit(State::Worker* worker);
  void next_job(State::Worker* worker);
  bool was_handed_in(const State::Flight& flight, unsigned job);
  bool emit_left(unsigned job, Step back);
  void on_record(unsigned number);
  void reclaim();
  void take_prints();
  void complete(State::Flight* flight);
  void summon(Step back);
  void break_rule(const char* what) {
    if (broken_ == nullptr) broken_ = what;
  }

  Options options_;
  State* s_ = nullptr;
  const char* broken_ = nullptr;
};

}  // namespace enjoin::test::model
