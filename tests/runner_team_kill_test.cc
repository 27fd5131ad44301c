// Workers are killed at random moments, again and again, while thousands of jobs run. Whatever the
// moment, each job has exactly one result, and the output of each that ended is there once, whole.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/syscall.h>

#include "support/team_run.h"
#include "worker/process_tree.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

constexpr std::uint32_t kWorkers = 4;

bool is_our_worker(pid_t pid) {
  const std::vector<pid_t> workers = team_workers();
  return std::find(workers.begin(), workers.end(), pid) != workers.end();
}

// By pidfd, looked at once more after it is open: the number cannot have become another's.
bool kill_worker(pid_t pid) {
  const ipc::UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return handle && is_our_worker(pid) &&
         ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0) == 0;
}

// Kills a worker now and then, in a thread; not before some results came since the last time, for a
// team whose workers all die young gives up.
class Killer {
 public:
  explicit Killer(unsigned seed) : random_(seed), thread_([this] { run(); }) {}
  ~Killer() { stop(); }
  void stop() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void note_results(std::size_t count) { results_ = count; }
  int kills() const { return kills_; }

 private:
  void run() {
    std::size_t seen = 0;
    while (!over_) {
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 4000));
      if (results_ < seen + 2) continue;
      const std::vector<pid_t> workers = team_workers();
      if (workers.empty()) continue;
      seen = results_;
      kills_ += kill_worker(workers[random_() % workers.size()]) ? 1 : 0;
    }
  }

  std::mt19937 random_;
  std::atomic<bool> over_{false};
  std::atomic<std::size_t> results_{0};
  std::atomic<int> kills_{0};
  std::thread thread_;
};

struct Storm {
  std::vector<JobResult> results;
  std::string out;
  int kills = 0;
};

Storm storm(TeamSpec spec, std::vector<Job> jobs, unsigned seed) {
  Storm storm;
  StdoutFile files;
  {
    LocalTeam team(std::move(spec));
    Killer killer(seed);
    storm.results = drive(team, std::move(jobs), [&](const std::vector<JobResult>& results) {
      killer.note_results(results.size());
    });
    killer.stop();
    storm.kills = killer.kills();
  }
  storm.out = files.text();
  return storm;
}

std::string text_of(std::uint64_t seq) {
  return "line " + std::to_string(seq);
}

void check_results(const Storm& storm, std::size_t jobs) {
  REQUIRE(storm.results.size() == jobs);
  std::set<std::uint64_t> seen;
  for (const JobResult& result : storm.results) {
    CAPTURE(result.job.id.seq);
    CAPTURE(to_string(result.outcome));
    CHECK(seen.insert(result.job.id.seq).second);
    CHECK((succeeded(result.outcome) || std::holds_alternative<Lost>(result.outcome)));
  }
  CHECK(list_children().empty());
}

// Every line that a job wrote which ended, once; a lost job's at most once; nothing else.
void check_output(const Storm& storm, bool ordered) {
  std::set<std::uint64_t> printed;
  std::istringstream lines(storm.out);
  std::uint64_t last = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::uint64_t seq = std::stoull(line.substr(std::min<std::size_t>(5, line.size())));
    CHECK(line == text_of(seq));
    CHECK(printed.insert(seq).second);
    if (ordered) CHECK(seq > last);
    last = seq;
  }
  for (const JobResult& result : storm.results) {
    if (!succeeded(result.outcome) || result.job.inputs.find("echo") == std::string::npos) continue;
    CAPTURE(result.job.id.seq);
    CHECK(printed.count(result.job.id.seq) == 1);
  }
}

std::vector<Job> mixed_jobs(std::size_t count) {
  std::vector<Job> jobs;
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    const std::string echo = "echo " + text_of(seq);
    const std::string kinds[] = {":", "/bin/true", echo, echo, echo + "; :"};
    jobs.push_back(line_job(seq, kinds[seq % 5]));
  }
  return jobs;
}

}  // namespace

TEST_CASE("killed workers: unordered, every job has one result and its output once") {
  const Storm result = storm(line_spec(kWorkers), mixed_jobs(4000), 1);
  CHECK(result.kills > 20);
  check_results(result, 4000);
  check_output(result, false);
}

TEST_CASE("killed workers: ordered, every job has one result and its output once, in its place") {
  TeamSpec spec = line_spec(kWorkers);
  spec.ordered = true;
  spec.worker.keep_order = true;
  const Storm result = storm(std::move(spec), mixed_jobs(4000), 2);
  CHECK(result.kills > 20);
  check_results(result, 4000);
  check_output(result, true);
}

TEST_CASE("killed workers: floods of jobs that need no process are recorded once each") {
  std::vector<Job> jobs;
  for (std::uint64_t seq = 1; seq <= 200'000; ++seq) jobs.push_back(line_job(seq, ":"));
  const Storm result = storm(line_spec(kWorkers), std::move(jobs), 3);
  CHECK(result.kills > 3);
  check_results(result, 200'000);
}

TEST_CASE("killed workers: large outputs are copied to a file without a gap or a repetition") {
  constexpr std::size_t jobs = 300;
  constexpr std::size_t bytes = 200'000;
  std::vector<Job> list;
  for (std::uint64_t seq = 1; seq <= jobs; ++seq) {
    list.push_back(line_job(
        seq, "head -c 200000 /dev/zero | tr '\\0' '\\" + std::to_string(101 + seq % 7) + "'"));
  }
  TeamSpec spec = line_spec(kWorkers);
  spec.ordered = true;
  const Storm result = storm(std::move(spec), std::move(list), 4);
  CHECK(result.kills > 5);
  check_results(result, jobs);
  // In the order of the inputs: whole where the job ended, any part of it where it was lost.
  std::size_t at = 0;
  for (const JobResult& ended : result.results) {
    const auto letter = static_cast<char>(0101 + ended.job.id.seq % 7);
    const std::size_t most = std::min(bytes, result.out.size() - at);
    std::size_t size = 0;
    while (size < most && result.out[at + size] == letter) ++size;
    CAPTURE(ended.job.id.seq);
    if (succeeded(ended.outcome)) CHECK(size == bytes);
    at += size;
  }
  CHECK(at == result.out.size());
}
