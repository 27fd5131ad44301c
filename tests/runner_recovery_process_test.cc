// Somebody scribbles over the memory that a live team shares with its workers, or a worker that
// holds a lock stands still. It is noticed within a bound, memory is made anew, every job has one
// result, and the output of the others is what it would have been.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "ipc/robust_mutex.h"
#include "ipc/seal.h"
#include "support/ipc_views.h"
#include "support/scribble.h"
#include "support/team_run.h"
#include "worker/process_tree.h"

using namespace enjoin;
using namespace enjoin::test;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint32_t kWorkers = 3;

void check_scribbled(const Scribbled& run, std::size_t jobs) {
  check_once(run, jobs);
  for (const JobResult& result : run.results) {
    CAPTURE(result.job.id.seq);
    CAPTURE(to_string(result.outcome));
    CHECK(succeeded(result.outcome));
  }
  check_whole_output(run);
}

}  // namespace

TEST_CASE("recovery: a healthy team is left alone") {
  for (const bool ordered : {false, true}) {
    const Scribbled run = scribble_once(ordered, 200, 0, [](LocalTeam&) {});
    check_scribbled(run, 200);
    CHECK(run.counters.rebuilds == 0);
    CHECK(run.counters.worker_deaths == 0);
  }
}

TEST_CASE("recovery: each word of the control segment is destroyed while jobs run") {
  struct Field {
    const char* name;
    std::function<void(ipc::ControlHeader&)> destroy;
    bool heals = false;  // or harms nobody before the run is over
  };
  const std::uint64_t garbage = 0xa5a5'5a5a'1234'5678;
  const std::vector<Field> fields = {
      {"claim lock", [](auto& c) { c.claim_lock.word.store(0x1234567); }},
      {"print lock", [](auto& c) { c.print_lock.word.store(0x7fffffff); }},
      {"claim lock, type and links",
       [](auto& c) { std::memset(static_cast<void*>(&c.claim_lock), 0xee, sizeof c.claim_lock); }},
      {"head", [=](auto& c) { c.head.store(garbage); }, true},
      {"next output", [=](auto& c) { c.print_next.store(garbage); }},
      {"baton", [=](auto& c) { c.baton.store(garbage); }},
      {"spool end", [](auto& c) { c.spool_end[0].store(0); }},
      {"header", [](auto& c) { std::memset(&c.header, 0, sizeof c.header); }, true},
      {"error of output", [](auto& c) { c.output_error.store(28); }, true},
  };
  for (const Field& field : fields) {
    CAPTURE(std::string(field.name));
    const Scribbled run = scribble_once(
        true, 60, 10, [&](LocalTeam& team) { field.destroy(team.memory_for_test().control()); });
    check_scribbled(run, 60);
    CHECK((field.heals || run.counters.rebuilds >= 1));
    MESSAGE(std::string(field.name) << ": noticed after " << run.noticed_ms << " ms");
  }
}

TEST_CASE("recovery: print entries are destroyed while outputs wait") {
  for (const bool ordered : {false, true}) {
    const Scribbled run = scribble_once(ordered, 60, 10, [](LocalTeam& team) {
      const ipc::TeamMemory& memory = team.memory_for_test();
      const std::uint64_t next = memory.control().print_next.load();
      for (std::uint64_t order = next; order < next + 3; ++order) {
        std::memset(static_cast<void*>(&memory.entry(order)), 0x5c, sizeof(ipc::PrintEntry));
      }
      memory.control().print_end.store(next + 2);
    });
    check_once(run, 60);
    static_cast<void>(check_no_false_output(run));
  }
}

TEST_CASE("recovery: slot words are destroyed while jobs wait and run") {
  const Scribbled run = scribble_once(false, 300, 10, [](LocalTeam& team) {
    const ipc::TeamMemory& memory = team.memory_for_test();
    for (std::uint64_t at = 0; at < memory.slots(); ++at) {
      memory.state(at).store(0xdead'beef'0000'0000 + at);
    }
  });
  check_scribbled(run, 300);
  CHECK(run.counters.rebuilds >= 1);
}

TEST_CASE("adversarial 34: random bytes over every page of the control segment") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    const Scribbled run = scribble_once(seed % 2 == 0, 80, 10, [&](LocalTeam& team) {
      scribble_everywhere(team.memory_for_test(), seed);
    });
    check_once(run, 80);
    static_cast<void>(check_no_false_output(run));
    CHECK(run.counters.rebuilds >= 1);
    MESSAGE("seed " << seed << ": noticed after " << run.noticed_ms << " ms, " << run.counters.lost
                    << " jobs lost");
  }
}

TEST_CASE("adversarial 34: a worker's own results are overwritten") {
  StdoutFile files;
  TeamSpec spec = line_spec(kWorkers);
  LocalTeam team(std::move(spec));
  std::vector<Job> jobs;
  for (std::uint64_t seq = 1; seq <= 60; ++seq) jobs.push_back(talking_job(seq));
  bool done = false;
  const std::vector<JobResult> results =
      drive(team, std::move(jobs), [&](const std::vector<JobResult>& so_far) {
        if (done || so_far.size() < 10) return;
        const WorkerProcess& worker = team.worker_for_test(1);
        if (!worker.alive() || worker.results->current() == 0) return;
        const ipc::Segment& ring = worker.results->ring_for_test();
        std::memset(ring.base(), 0xd5, ring.size_bytes());
        done = true;
      });
  CHECK(done);
  CHECK(results.size() == 60);
  CHECK(team.counters().worker_deaths >= 1);
}

namespace {

// A process that plays a wild worker: attached to a live team's memory, it takes a lock, does
// `with_it`, and is still there, or not.
pid_t play_holder(const ipc::TeamMemory& memory, bool claim_lock,
                  const std::function<void()>& with_it) {
  ipc::ControlHeader& control = memory.control();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  ipc::RobustMutex(claim_lock ? control.claim_lock : control.print_lock).lock();
  with_it();
  ::_exit(0);
}

}  // namespace

TEST_CASE("adversarial 35: whoever held a lock is dead, by exit or by exec, and nobody waits") {
  char name[] = "/bin/true";
  char* const words[] = {name, nullptr};
  const std::vector<std::function<void()>> ways = {
      [] { ::_exit(3); }, [] { ::kill(::getpid(), SIGKILL); }, [&] { ::execv(name, words); }};
  for (const auto& way : ways) {
    for (const bool claim_lock : {false, true}) {
      const Scribbled run = scribble_once(true, 60, 10, [&](LocalTeam& team) {
        const pid_t pid = play_holder(team.memory_for_test(), claim_lock, way);
        ::waitpid(pid, nullptr, 0);
      });
      check_scribbled(run, 60);
      CHECK(run.counters.rebuilds == 0);
    }
  }
}

TEST_CASE("adversarial 35: a stranger that holds a lock and sleeps is not waited for") {
  for (const bool claim_lock : {false, true}) {
    pid_t holder = 0;
    const Scribbled run = scribble_once(true, 60, 10, [&](LocalTeam& team) {
      holder = play_holder(team.memory_for_test(), claim_lock, [] { ::pause(); });
      // Until it has it.
      const ipc::ControlHeader& control = team.memory_for_test().control();
      const ipc::LockStorage& lock = claim_lock ? control.claim_lock : control.print_lock;
      while ((lock.word.load() & 0x3fffffff) != static_cast<std::uint32_t>(holder)) ::usleep(100);
    });
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
    check_scribbled(run, 60);
    CHECK(run.counters.rebuilds == 1);
    MESSAGE("noticed after " << run.noticed_ms << " ms");
  }
}

TEST_CASE(
    "adversarial 35: a worker that stands still with a lock is killed, and its lock given on") {
  // Its number is written into the lock, as if it had taken it, and it is stopped.
  for (const bool claim_lock : {false, true}) {
    const Scribbled run = scribble_once(false, 60, 10, [&](LocalTeam& team) {
      pid_t worker = 0;
      for (std::uint32_t i = 0; i < kWorkers; ++i) {
        if (team.worker_for_test(i).alive()) worker = team.worker_for_test(i).pid;
      }
      REQUIRE(worker > 0);
      ::kill(worker, SIGSTOP);
      ipc::ControlHeader& control = team.memory_for_test().control();
      ipc::LockStorage& lock = claim_lock ? control.claim_lock : control.print_lock;
      lock.word.store(static_cast<std::uint32_t>(worker));
    });
    check_once(run, 60);
    CHECK(run.counters.stalled_killed >= 1);
    MESSAGE("killed after " << run.noticed_ms << " ms");
  }
}

TEST_CASE("adversarial 30: a worker that was stopped is continued, and nothing is killed") {
  const Scribbled run = scribble_once(true, 40, 10, [&](LocalTeam& team) {
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      if (team.worker_for_test(i).alive()) ::kill(team.worker_for_test(i).pid, SIGSTOP);
    }
  });
  check_scribbled(run, 40);
  CHECK(run.counters.rebuilds == 0);
  CHECK(run.counters.worker_deaths == 0);
  CHECK(std::count(run.said.begin(), run.said.end(),
                   "a worker had been stopped by a signal; it was continued") == 1);
}

TEST_CASE("adversarial 48: a job that kills its worker each time is given up, the others run") {
  TeamSpec spec = line_spec(kWorkers);
  spec.worker_loss = WorkerLoss::kRequeue;
  StdoutFile files;
  LocalTeam team(std::move(spec));
  std::vector<Job> jobs;
  for (std::uint64_t seq = 1; seq <= 30; ++seq) {
    jobs.push_back(seq % 10 == 0 ? line_job(seq, "kill -9 $PPID; sleep 30") : talking_job(seq));
  }
  const std::vector<JobResult> results = drive(team, std::move(jobs));
  REQUIRE(results.size() == 30);
  for (const JobResult& result : results) {
    CAPTURE(result.job.id.seq);
    CHECK(std::holds_alternative<Lost>(result.outcome) == (result.job.id.seq % 10 == 0));
  }
  CHECK(team.counters().worker_deaths == 3 * LocalTeam::kMostLosses);
  CHECK(team.counters().rebuilds == 0);
}
