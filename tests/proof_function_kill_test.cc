// A worker of a pool is killed at every moment of its life that matters: after each instruction
// that changed memory which it shares with the host, or the list of locks that it holds, and after
// each system call that others may see the effect of. No call but the one that it ran may notice.
// See support/worker_tracer.h for how.

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/personality.h>

#include "enjoin/pool.h"
#include "enjoin/shared.h"
#include "support/stepper.h"
#include "support/worker_tracer.h"

using namespace enjoin;
using namespace enjoin::test;

namespace function_kill {

int twice(shared::Counter made, int x) {
  made.add(1);
  return 2 * x;
}

std::string doubled(shared::Counter made, std::string text) {
  made.add(1);
  return text + text;
}

}  // namespace function_kill

namespace {

constexpr int kCalls = 6;
constexpr unsigned kMostRepeats = 2;

// What the host, a process of its own, tells the test of each call.
struct Told {
  enum class End : int { kNone, kRight, kWrong, kDied, kOther };
  End end[kCalls];
  int made[kCalls];
};

class ToldPage {
 public:
  ToldPage()
      : told_(static_cast<Told*>(::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(told_ != MAP_FAILED);
  }
  ~ToldPage() { ::munmap(told_, sizeof *told_); }
  ToldPage(const ToldPage&) = delete;
  ToldPage& operator=(const ToldPage&) = delete;
  Told* operator->() const { return told_; }

 private:
  Told* told_;
};

template <typename R>
Told::End end_of(Future<R>& call, const R& right) {
  try {
    return call.get() == right ? Told::End::kRight : Told::End::kWrong;
  } catch (const WorkerDied&) {
    return Told::End::kDied;
  } catch (const Error&) {
    return Told::End::kOther;
  }
}

struct Play {
  bool large = false;  // arguments and results that do not fit into their slots
  OnDeath on_death = OnDeath::kFail;
};

std::string text_of(int call) {
  return std::string(200, static_cast<char>('a' + call));
}

template <typename R, typename Submit, typename Right>
void make_calls(const std::vector<shared::Counter>& made, const ToldPage& told, Submit submit,
                Right right) {
  std::vector<Future<R>> calls;
  for (int i = 0; i < kCalls; ++i) calls.push_back(submit(i));
  for (int i = 0; i < kCalls; ++i) {
    told->end[i] = end_of<R>(calls[static_cast<std::size_t>(i)], right(i));
    told->made[i] = static_cast<int>(made[static_cast<std::size_t>(i)].load());
  }
}

// The host.
void perform(const Play& play, const ToldPage& told) {
  ::personality(ADDR_NO_RANDOMIZE);  // places are the same in all runs
  shared::Memory memory;
  std::vector<shared::Counter> made;
  for (int i = 0; i < kCalls; ++i) made.emplace_back(memory);
  Pool pool({.size = 1, .on_death = play.on_death, .shared = &memory});
  const auto counter = [&made](int i) { return made[static_cast<std::size_t>(i)]; };
  if (play.large) {
    make_calls<std::string>(
        made, told,
        [&](int i) { return pool.submit<function_kill::doubled>(counter(i), text_of(i)); },
        [](int i) { return text_of(i) + text_of(i); });
  } else {
    make_calls<int>(
        made, told, [&](int i) { return pool.submit<function_kill::twice>(counter(i), i); },
        [](int i) { return 2 * i; });
  }
  pool.join();
}

using Key = std::tuple<MomentKind, std::uint64_t, long>;
struct Target {
  Moment moment;
  unsigned occurrence = 1;
};

Key key_of(const Moment& moment) {
  return {moment.kind, moment.place, moment.call};
}

void judge(const Play& play, const TracedRun& run, const ToldPage& told, const std::string& what) {
  INFO(what);
  CHECK(run.end == TracedRun::End::kEnded);
  CHECK(run.status == 0);
  CHECK_FALSE(run.left_processes);
  unsigned died = 0;
  unsigned again = 0;
  for (int i = 0; i < kCalls; ++i) {
    INFO("call " << i);
    const bool dead = told->end[i] == Told::End::kDied;
    CHECK((dead || told->end[i] == Told::End::kRight));
    CHECK((dead || told->made[i] >= 1));
    if (dead) ++died;
    if (told->made[i] > 1) again += static_cast<unsigned>(told->made[i]) - 1;
  }
  const bool retries = play.on_death == OnDeath::kRetry;
  CHECK(died <= (retries ? 0 : run.kills));
  CHECK(again <= (retries ? run.kills : 0));
}

bool run_once(const Play& play, const TraceSpec& spec, const std::string& what, unsigned* kills) {
  const ToldPage told;
  const TracedRun run = trace_team(spec, [&] { perform(play, told); });
  if (run.end == TracedRun::End::kForbidden) return false;
  *kills += run.kills;
  judge(play, run, told, what);
  return true;
}

void kill_at_each(const Play& play, const char* name) {
  std::vector<Target> targets;
  std::map<Key, unsigned> seen;
  TraceSpec look;
  look.at = [&](const Moment& moment) {
    const unsigned occurrence = ++seen[key_of(moment)];
    const bool counts = moment.kind != MomentKind::kBefore && occurrence <= kMostRepeats;
    if (counts) targets.push_back({moment, occurrence});
    return Verdict::kGoOn;
  };
  unsigned kills = 0;
  if (!run_once(play, look, "undisturbed", &kills)) {
    MESSAGE("SKIPPED: only root may trace workers, on x86-64");
    return;
  }
  std::set<std::uint64_t> places;
  for (std::size_t i = 0; i < targets.size(); i += kPointsApart) {
    const Target& target = targets[i];
    unsigned met = 0;
    TraceSpec spec;
    spec.at = [&](const Moment& moment) {
      const bool here = key_of(moment) == key_of(target.moment) && ++met == target.occurrence;
      return here ? Verdict::kKill : Verdict::kGoOn;
    };
    run_once(play, spec, "killed: " + to_string(target.moment), &kills);
    places.insert(target.moment.place);
  }
  CHECK(kills > 20 / kPointsApart);
  MESSAGE(std::string(name) << ": " << kills << " kills, " << targets.size() << " moments, "
                            << places.size() << " instructions");
}

}  // namespace

TEST_CASE("function kill: small calls, and who dies fails one call at most") {
  kill_at_each({.large = false, .on_death = OnDeath::kFail}, "small, fail");
}

TEST_CASE("function kill: small calls, and what the dead one ran is made again") {
  kill_at_each({.large = false, .on_death = OnDeath::kRetry}, "small, retry");
}

TEST_CASE("function kill: large calls, and who dies fails one call at most") {
  kill_at_each({.large = true, .on_death = OnDeath::kFail}, "large, fail");
}

TEST_CASE("function kill: large calls, and what the dead one ran is made again") {
  kill_at_each({.large = true, .on_death = OnDeath::kRetry}, "large, retry");
}
