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
