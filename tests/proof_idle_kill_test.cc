// An idle worker is killed while it waits for work. What a condition variable in shared memory
// would not survive: the next job must run all the same, soon. Times are printed, not judged.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/syscall.h>

#include "support/team_run.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

using Clock = std::chrono::steady_clock;

// Until it sleeps on its bell: it has announced that it is idle, and then called futex(2).
void wait_until_idle(pid_t worker) {
  const std::string path = "/proc/" + std::to_string(worker) + "/syscall";
  for (const auto limit = Clock::now() + std::chrono::seconds(30); Clock::now() < limit;) {
    std::ifstream file(path);
    long call = -1;
    if (file >> call && call == SYS_futex) return;
    ::usleep(200);
  }
  FAIL("HANG: the worker never sleeps");
}

void kill(pid_t worker) {
  const ipc::UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, worker, 0)));
  REQUIRE(handle);
  REQUIRE(::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0) == 0);
}

double run_one(LocalTeam& team, std::uint64_t seq) {
  const auto began = Clock::now();
  std::size_t good = 0;
  team.start(line_job(seq, "/bin/true"));
  while (team.unfinished() > 0 && Clock::now() < began + std::chrono::seconds(30)) {
    team.wait({}, std::chrono::seconds(30));
    team.collect([&](JobResult& result) {
      if (succeeded(result.outcome)) ++good;
    });
  }
  CHECK(good == 1);
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

void kill_idle_ones(std::uint32_t workers) {
  constexpr std::uint64_t turns = 30;
  std::vector<double> times;
  std::uint64_t seq = 0;
  TeamSpec spec = line_spec(workers);
  spec.worker_loss = WorkerLoss::kRequeue;
  LocalTeam team(std::move(spec));
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    for (std::uint32_t i = 0; i < workers; ++i) team.start(line_job(++seq, "/bin/true"));
    while (team.unfinished() > 0) {
      team.wait({}, std::chrono::seconds(30));
      team.collect([](JobResult& result) { CHECK(succeeded(result.outcome)); });
    }
    const std::vector<pid_t> idle = team_workers();
    REQUIRE_FALSE(idle.empty());
    if (std::ifstream("/proc/" + std::to_string(idle.back()) + "/syscall").peek() < 0) {
      MESSAGE("SKIPPED: this machine does not say what a worker waits for");
      return;
    }
    for (const pid_t worker : idle) wait_until_idle(worker);
    kill(idle.back());
    times.push_back(run_one(team, ++seq));
  }
  std::sort(times.begin(), times.end());
  MESSAGE(workers << " workers, one killed as it slept: the next job took "
                  << times[times.size() / 2] << " ms (median), " << times.back() << " ms at most");
}

}  // namespace

TEST_CASE("adversarial 38: the only worker is killed while it waits for work") {
  kill_idle_ones(1);
}

TEST_CASE("adversarial 38: one of several idle workers is killed while it waits for work") {
  kill_idle_ones(3);
}
