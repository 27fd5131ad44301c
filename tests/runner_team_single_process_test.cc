#include <csignal>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "support/team_run.h"
#include "worker/process_tree.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

/// Two jobs of a team that are asleep, and what became of them.
struct TwoJobs {
  explicit TwoJobs(const std::string& line) : team(line_spec(2)) {
    for (const std::uint64_t seq : {1U, 2U}) team.start(line_job(seq, line));
    wait_until(
        [this] { return team.running_jobs().size() == 2 && count("(sleep)", nullptr) == 2; });
  }

  template <typename Condition>
  void wait_until(Condition condition) {
    while (!condition()) {
      team.collect([this](JobResult& result) { results.push_back(std::move(result)); });
      if (!condition()) team.wait({}, std::chrono::milliseconds(5));
    }
  }
  // Of the jobs' processes, by their workers' numbers.
  std::vector<pid_t> pids() const {
    std::vector<pid_t> found;
    for (const pid_t worker : team_workers()) {
      const std::string path =
          "/proc/" + std::to_string(worker) + "/task/" + std::to_string(worker) + "/children";
      std::ifstream children(path);
      for (pid_t pid = 0; children >> pid;) found.push_back(pid);
    }
    return found;
  }
  // Of them, those of this name or state; null: any.
  std::size_t count(const char* wanted_name, const char* wanted_state) const {
    std::size_t found = 0;
    for (const pid_t pid : pids()) {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string number;
      std::string name;
      std::string state;
      stat >> number >> name >> state;
      const bool fits = (wanted_name == nullptr || name == wanted_name) &&
                        (wanted_state == nullptr || state == wanted_state);
      if (fits) ++found;
    }
    return found;
  }

  StdoutFile files;
  LocalTeam team;
  std::vector<JobResult> results;
};

}  // namespace

TEST_CASE("team: running jobs are named, the oldest first") {
  TwoJobs two("exec sleep 1000");
  const auto running = two.team.running_jobs();
  CHECK(running.front().job->id.seq == 1);
  CHECK(running.back().job->id.seq == 2);
  CHECK(running.front().ticket < running.back().ticket);
  CHECK(two.team.active() == 2);
}

TEST_CASE("team: the youngest jobs stand still where only the oldest may go on") {
  TwoJobs two("exec sleep 1000");
  two.team.hold_all_but(1);
  two.wait_until([&] { return two.count(nullptr, "T") == 1; });
  two.team.hold_all_but(2);
  two.wait_until([&] { return two.count(nullptr, "T") == 0; });
}

TEST_CASE("team: one job is ended, and what it wrote is dropped or printed") {
  for (const auto written : {LocalTeam::Written::kDropped, LocalTeam::Written::kPrinted}) {
    TwoJobs two("echo wrote; exec sleep 1000");
    two.team.end_job(two.team.running_jobs().back(), written);
    two.wait_until([&] { return two.results.size() == 1; });
    const JobResult& result = two.results.front();
    CHECK(result.job.id.seq == 2);
    CHECK(std::holds_alternative<Canceled>(result.outcome));
    CHECK(result.output_held_back == (written == LocalTeam::Written::kDropped));
    CHECK(two.team.active() == 1);
    CHECK(two.files.text(0) == (result.output_held_back ? "" : "wrote\n"));
  }
}

namespace {

/// One worker, with its first job asleep and the others queued.
struct Queued {
  explicit Queued(const std::vector<std::string>& others, TeamSpec spec = line_spec(1))
      : team(std::move(spec)) {
    team.start(line_job(1, "exec sleep 1000"));
    for (const std::string& line : others) {
      team.start(line_job(team.unfinished() + 1, line));
    }
    wait_until([this] { return !team.running_jobs().empty(); });
  }
  template <typename Condition>
  void wait_until(Condition condition) {
    while (!condition()) {
      team.collect([this](JobResult& result) { results.push_back(std::move(result)); });
      if (!condition()) team.wait({}, std::chrono::milliseconds(5));
    }
  }
  void wait_for_results(std::size_t count) {
    wait_until([this, count] { return results.size() == count; });
  }
  // Of the last result, which is this job's.
  Canceled canceled(std::uint64_t seq) const {
    REQUIRE(results.back().job.id.seq == seq);
    const auto* const outcome = std::get_if<Canceled>(&results.back().outcome);
    REQUIRE(outcome != nullptr);
    return *outcome;
  }

  StdoutFile files;
  LocalTeam team;
  std::vector<JobResult> results;
};

}  // namespace

TEST_CASE("team: a queued job that is cancelled never starts, and the others run in their order") {
  Queued queued({"echo two", "echo three", "echo four"});
  CHECK(queued.team.cancel({3}, Team::How::kLadder));
  queued.wait_for_results(1);
  CHECK(!queued.canceled(3).started);
  CHECK(queued.team.cancel({1}, Team::How::kNow));
  queued.wait_for_results(4);
  CHECK(queued.results[1].job.id.seq == 1);
  CHECK(queued.results[2].job.id.seq == 2);
  CHECK(queued.results[3].job.id.seq == 4);
  CHECK(queued.files.text(0) == "two\nfour\n");
}

TEST_CASE("team: of thousands of queued jobs each can be cancelled") {
  Queued queued(std::vector<std::string>(2000, "echo no"));
  for (std::uint64_t seq = 2; seq <= 2001; seq += 2) {
    CHECK(queued.team.cancel({seq}, Team::How::kLadder));
  }
  queued.wait_for_results(1000);
  for (std::uint64_t seq = 2001; seq > 1; seq -= 2) {
    CHECK(queued.team.cancel({seq}, Team::How::kLadder));
  }
  CHECK(queued.team.cancel({1}, Team::How::kNow));
  queued.wait_for_results(2001);
  CHECK(queued.canceled(1).started);
  CHECK(queued.files.text(0).empty());
}

TEST_CASE("team: a running job is cancelled by the ladder, or at once") {
  Queued queued({"trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done",
                 "trap '' TERM; while :; do sleep 0.01; done"});
  CHECK(queued.team.cancel({1}, Team::How::kLadder));
  queued.wait_for_results(1);
  CHECK(queued.canceled(1).signal == SIGTERM);
  queued.wait_until([&] { return !queued.team.latest_line(0).empty(); });
  CHECK(queued.team.cancel({2}, Team::How::kLadder));
  queued.wait_for_results(2);
  CHECK(queued.canceled(2).started);
  CHECK(queued.canceled(2).signal == 0);
  queued.wait_until([&] { return !queued.team.running_jobs().empty(); });
  CHECK(queued.team.cancel({3}, Team::How::kNow));
  queued.wait_for_results(3);
  CHECK(queued.canceled(3).signal == SIGKILL);
}

TEST_CASE("team: a ladder that is being climbed is cut short") {
  TeamSpec spec = line_spec(1);
  spec.worker.stop_ladder = {{SIGTERM, 1'000'000}};
  Queued queued({"trap '' TERM; echo ready; while :; do sleep 0.01; done"}, std::move(spec));
  CHECK(queued.team.cancel({1}, Team::How::kNow));
  queued.wait_until([&] { return !queued.team.latest_line(0).empty(); });
  CHECK(queued.team.cancel({2}, Team::How::kLadder));
  CHECK(queued.team.cancel({2}, Team::How::kNow));
  queued.wait_for_results(2);
  CHECK(queued.canceled(2).signal == SIGKILL);
}

TEST_CASE("team: what is not there cannot be cancelled") {
  Queued queued({});
  CHECK(!queued.team.cancel({2}, Team::How::kNow));
  CHECK(queued.team.cancel({1}, Team::How::kNow));
  queued.wait_for_results(1);
  CHECK(!queued.team.cancel({1}, Team::How::kNow));
}

TEST_CASE("team: a cancelled job whose worker dies is not run again") {
  TeamSpec spec = line_spec(1);
  spec.worker_loss = WorkerLoss::kRequeue;
  spec.worker.stop_ladder = {{SIGTERM, 1'000'000}};
  Queued queued({"trap '' TERM; echo ready; while :; do sleep 0.01; done"}, std::move(spec));
  CHECK(queued.team.cancel({1}, Team::How::kNow));
  queued.wait_until([&] { return !queued.team.latest_line(0).empty(); });
  CHECK(queued.team.cancel({2}, Team::How::kLadder));
  for (const pid_t worker : team_workers()) ::kill(worker, SIGKILL);
  queued.wait_for_results(2);
  CHECK(std::holds_alternative<Lost>(queued.results.back().outcome));
}

TEST_CASE("team: fewer jobs at once, and more again") {
  TeamSpec spec = line_spec(3);
  spec.look_ahead = 0;
  LocalTeam team(std::move(spec));
  CHECK(team.room() == 3);
  team.set_most_running(1);
  CHECK(team.room() == 1);
  team.set_most_running(2);
  CHECK(team.room() == 2);
}
