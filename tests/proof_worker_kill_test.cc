// A real worker, as it is shipped, is killed at every moment of its life that matters: after each
// instruction that changed memory which it shares or the list of locks that it holds, after each
// system call that others may see the effect of, and between the birth of a job and its exec. Then
// the run must end with every job recorded once and all output in its place. See
// support/worker_tracer.h for how, support/plays.cc for what it does meanwhile.
//
//   (nothing)           the first kMostRepeats occurrences of each moment
//   ENJOIN_KILL=every   all occurrences; every instruction while a lock is held; the worker that
//                       takes the dead one's place is killed as well (an hour)
//   ENJOIN_KILL_WORKER, ENJOIN_KILL_PATIENCE
//                       another worker program and seconds until a run counts as a hang, for the
//                       seeded mutants

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "support/plays.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

constexpr unsigned kMostRepeats = 2;

bool kills_everywhere() {
  const char* const mode = std::getenv("ENJOIN_KILL");
  return mode != nullptr && std::strcmp(mode, "every") == 0;
}

// A moment can be found again in another run: it is told by its place and how often it came before.
using Key = std::tuple<MomentKind, std::uint64_t, long>;
Key key_of(const Moment& moment) {
  return {moment.kind, moment.place, moment.call};
}
struct Target {
  Moment moment;
  unsigned occurrence = 1;
};

class Finder {
 public:
  explicit Finder(Target target) : target_(target) {}
  bool found(const Moment& moment) {
    return key_of(moment) == key_of(target_.moment) && ++seen_ == target_.occurrence;
  }

 private:
  Target target_;
  unsigned seen_ = 0;
};

struct Count {
  std::size_t runs = 0;
  std::size_t kills = 0;
  std::size_t violations = 0;
  std::set<std::uint64_t> places;
  std::size_t stepped = 0;
};

TraceSpec trace_of(const Play& play) {
  TraceSpec spec;
  spec.victim = play.victim;
  spec.slow_time = play.slow_time;
  spec.every_step = kills_everywhere();
  if (const char* patience = std::getenv("ENJOIN_KILL_PATIENCE"); patience != nullptr) {
    spec.patience = std::chrono::seconds(std::atoi(patience));
  }
  return spec;
}

// False: this machine forbids it.
bool run_once(Stage& stage, const Play& play, const TraceSpec& spec, const std::string& what,
              Count* count) {
  const TracedRun run = trace_team(spec, [&stage] { stage.perform(); });
  if (run.end == TracedRun::End::kForbidden) return false;
  ++count->runs;
  count->kills += run.kills;
  count->stepped += run.instructions;
  const std::vector<std::string> wrong = stage.judge(run);
  if (!wrong.empty()) ++count->violations;
  if (!wrong.empty()) {
    std::string all;
    for (const std::string& one : wrong) all += "\n  " + one;
    FAIL_CHECK(std::string(play.name) << ", " << what << ":" << all);
  }
  return true;
}

bool run_once(const Play& play, const TraceSpec& spec, const std::string& what, Count* count) {
  Stage stage(play);
  return run_once(stage, play, spec, what, count);
}

// The moments of an undisturbed run, each occurrence that is to be tried.
bool find_targets(const Play& play, bool with_before, std::vector<Target>* targets, Count* count) {
  std::map<Key, unsigned> seen;
  TraceSpec spec = trace_of(play);
  const unsigned most = kills_everywhere() ? ~0U : kMostRepeats;
  spec.at = [&](const Moment& moment) {
    const unsigned occurrence = ++seen[key_of(moment)];
    const bool counts = with_before || moment.kind != MomentKind::kBefore;
    if (counts && occurrence <= most) targets->push_back({moment, occurrence});
    return Verdict::kGoOn;
  };
  return run_once(play, spec, "undisturbed", count);
}

bool kill_at_each(const Play& play, Count* count) {
  std::vector<Target> targets;
  if (!find_targets(play, false, &targets, count)) return false;
  for (const Target& target : targets) {
    TraceSpec spec = trace_of(play);
    Finder finder(target);
    spec.at = [&finder](const Moment& moment) {
      return finder.found(moment) ? Verdict::kKill : Verdict::kGoOn;
    };
    run_once(play, spec, "killed: " + to_string(target.moment), count);
    count->places.insert(target.moment.place);
  }
  return true;
}

void tell(const std::string& name, const Count& count,
          std::chrono::steady_clock::time_point since) {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - since;
  MESSAGE(name << ": " << count.kills << " kills in " << count.runs << " runs, at "
               << count.places.size() << " instructions; " << count.stepped
               << " instructions run one by one; " << count.violations << " violations; "
               << took.count() << " s");
}

// The one that takes its place is killed too, at a moment that is another each time.
void kill_two_at_each(const Play& play, Count* count) {
  std::vector<Target> targets;
  if (!find_targets(play, false, &targets, count)) return;
  std::size_t second = 0;
  for (const Target& target : targets) {
    TraceSpec spec = trace_of(play);
    spec.next_too = true;
    Finder finder(target);
    std::size_t left = second = (second + 7) % targets.size();
    bool first_lives = true;
    spec.at = [&](const Moment& moment) {
      if (!first_lives) return left-- == 0 ? Verdict::kKill : Verdict::kGoOn;
      if (!finder.found(moment)) return Verdict::kGoOn;
      first_lives = false;
      return Verdict::kKill;
    };
    run_once(play, spec, "killed, and its successor: " + to_string(target.moment), count);
    count->places.insert(target.moment.place);
  }
}

// Holds the worker at each moment where it holds no lock, until another job was given to the team.
bool hold_at_each(const Play& play, Count* count) {
  std::vector<Target> targets;
  if (!find_targets(play, true, &targets, count)) return false;
  for (const Target& target : targets) {
    // Between two stores nothing changes but by calls.
    const bool before =
        target.moment.kind == MomentKind::kBefore || target.moment.kind == MomentKind::kCall;
    if (target.moment.holds_lock || !before) continue;
    Stage stage(play);
    TraceSpec spec = trace_of(play);
    Finder finder(target);
    spec.at = [&](const Moment& moment) {
      if (!finder.found(moment)) return Verdict::kGoOn;
      stage.command();
      return Verdict::kHold;
    };
    run_once(stage, play, spec, "held: " + to_string(target.moment), count);
    count->places.insert(target.moment.place);
  }
  return true;
}

void kill_all_through(Play play) {
  const auto since = std::chrono::steady_clock::now();
  Count count;
  for (const WorkerLoss loss : {WorkerLoss::kRequeue, WorkerLoss::kFail}) {
    play.spec.worker_loss = loss;
    if (!kill_at_each(play, &count)) {
      MESSAGE("SKIPPED: only root may trace workers, on x86-64");
      return;
    }
    if (kills_everywhere()) kill_two_at_each(play, &count);
  }
  CHECK(count.kills > 50);
  tell(play.name, count, since);
}

}  // namespace

TEST_CASE("adversarial 36: a worker dies at each instruction while it prints and sleeps") {
  kill_all_through(play_named("direct"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction with many jobs claimed at once") {
  kill_all_through(play_named("batch"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction while it prints for others") {
  kill_all_through(play_named("ordered, printing for others"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction while it hands its output in") {
  kill_all_through(play_named("ordered, handing in"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction beside another") {
  kill_all_through(play_named("crowd"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction while it retires") {
  kill_all_through(play_named("retiring"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction while it sweeps after a job") {
  kill_all_through(play_named("sweeping"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction with inputs in the arena") {
  kill_all_through(play_named("large"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction while it tags what it prints") {
  kill_all_through(play_named("tagged"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction while it feeds a job") {
  kill_all_through(play_named("fed"));
}

TEST_CASE("adversarial 36: a worker dies at each instruction while it ends a job") {
  kill_all_through(play_named("timed out"));
}

TEST_CASE("adversarial 37: a worker dies, and the one that takes its place dies too") {
  const auto since = std::chrono::steady_clock::now();
  Count count;
  for (const char* name : {"direct", "ordered, handing in"}) {
    kill_two_at_each(play_named(name), &count);
  }
  tell("two deaths", count, since);
}

TEST_CASE("a worker that stands still: no wake-up is lost wherever it does, when a job comes") {
  const auto since = std::chrono::steady_clock::now();
  Count count;
  if (!hold_at_each(play_named("one more"), &count)) {
    MESSAGE("SKIPPED: only root may trace workers, on x86-64");
    return;
  }
  CHECK(count.runs > 20);
  tell("held", count, since);
}
