#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <map>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "support/team_run.h"
#include "worker/process_tree.h"

using namespace std::chrono_literals;
using namespace enjoin;
using namespace enjoin::test;

namespace {

struct Ran {
  std::vector<JobResult> results;  ///< in the order of ends
  std::string out, err;

  /// The job's only result.
  const JobResult& of(std::uint64_t seq) const {
    const auto is_it = [seq](const JobResult& result) { return result.job.id.seq == seq; };
    REQUIRE(std::count_if(results.begin(), results.end(), is_it) == 1);
    return *std::find_if(results.begin(), results.end(), is_it);
  }
};

template <typename EachTurn>
Ran run(TeamSpec spec, std::vector<Job> jobs, EachTurn&& each_turn) {
  Ran ran;
  StdoutFile files;
  {
    LocalTeam team(std::move(spec));
    ran.results = drive(team, std::move(jobs),
                        [&](const std::vector<JobResult>& results) { each_turn(team, results); });
  }
  ran.out = files.text(0);
  ran.err = files.text(1);
  CHECK(list_children().empty());
  return ran;
}

Ran run(TeamSpec spec, const std::vector<std::string>& lines) {
  return run(std::move(spec), line_jobs(lines), [](LocalTeam&, const auto&) {});
}

// Once, as soon as that many jobs run.
auto when_running(std::size_t count, std::function<void(LocalTeam&)> act) {
  return [count, act = std::move(act), done = false](LocalTeam& team, const auto&) mutable {
    if (done || team.running() < count) return;
    done = true;
    act(team);
  };
}

std::string job_program(const char* name) {
  return std::string(ENJOIN_TEST_JOBS "/") + name;
}

// A job that blocks all signals, and says when it does: who runs may not have come so far.
class Blocker {
 public:
  Blocker() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);  // jobs get what their caller had open
    out_.reset(ends[0]);
    in_.reset(ends[1]);
  }
  std::string command() const {
    return job_program("block_signals") + " /dev/fd/" + std::to_string(in_.get());
  }
  void wait_blocked() const {
    char said = 0;
    REQUIRE(::read(out_.get(), &said, 1) == 1);
  }

 private:
  ipc::UniqueFd out_, in_;
};

}  // namespace

// ---- how jobs end
// --------------------------------------------------------------------------------

TEST_CASE("team: exit statuses and signals are the outcomes") {
  const Ran ran = run(line_spec(2), {"true", "exit 42", "kill -SEGV $$", ":", "/bin/false"});
  CHECK(ran.results.size() == 5);
  CHECK(std::get<Exited>(ran.of(1).outcome).status == 0);
  CHECK(std::get<Exited>(ran.of(2).outcome).status == 42);
  CHECK(std::get<Signaled>(ran.of(3).outcome).signal == SIGSEGV);
  CHECK(std::get<Exited>(ran.of(4).outcome).status == 0);
  CHECK(std::get<Exited>(ran.of(5).outcome).status == 1);
}

TEST_CASE("team: a result carries its job's inputs, slot, start and size of output") {
  const auto before = std::chrono::system_clock::now().time_since_epoch();
  const Ran ran = run(line_spec(1), {"printf 12345; printf 678 >&2"});
  const auto after = std::chrono::system_clock::now().time_since_epoch();
  const JobResult& result = ran.of(1);
  CHECK(result.job.inputs == std::string("printf 12345; printf 678 >&2\0", 29));
  CHECK(result.slot == 1);
  CHECK(result.started_at >= before);
  CHECK(result.started_at <= after);
  CHECK(result.use.bytes_out == 5);
  CHECK(result.use.bytes_err == 3);
  CHECK(ran.out == "12345");
  CHECK(ran.err == "678");
}

TEST_CASE("team: resources are the job's own, its children's included") {
  const Ran ran =
      run(line_spec(1), {"sleep 0.3; for ((i = 0; i < 200000; ++i)); do :; done", "sleep 0"});
  const ResourceUse& use = ran.of(1).use;
  CHECK(use.wall >= 300ms);
  CHECK(use.user > 0us);
  CHECK(use.user < use.wall);
  CHECK(use.max_rss_kb > 500);
  CHECK(use.max_rss_kb < 100'000);
  CHECK(use.minor_faults > 0);
  CHECK(use.voluntary_switches > 0);
  CHECK(ran.of(2).use.user < use.user);
}

TEST_CASE("team: what cannot be started is told as such") {
  TeamSpec spec = line_spec(1);
  spec.worker.shell = "/nonexistent/shell";
  const Ran ran = run(std::move(spec), {"echo $x"});
  CHECK(std::get<SpawnFailed>(ran.of(1).outcome).error == ENOENT);
}

TEST_CASE("team: a job that closes its stdout or leaves it to a grandchild ends with its process") {
  TeamSpec spec = line_spec(2);
  spec.worker.leftovers = Leftovers::kKill;
  const Ran ran = run(std::move(spec), {"exec >&- 2>&-; exit 3", "sleep 1000 & echo started"});
  CHECK(std::get<Exited>(ran.of(1).outcome).status == 3);
  CHECK(std::get<Exited>(ran.of(2).outcome).status == 0);
  CHECK(ran.of(2).left_processes);
  CHECK(ran.out == "started\n");
}

TEST_CASE("team: inputs larger than a slot arrive whole") {
  const std::string large(100'000, 'x');
  const Ran ran = run(line_spec(2), std::vector<std::string>(100, "echo -n " + large));
  CHECK(ran.results.size() == 100);
  CHECK(ran.out == std::string(100 * large.size(), 'x'));
}

TEST_CASE("team: inputs that can never fit are refused") {
  const StdoutFile files;
  LocalTeam team(line_spec(1));
  CHECK_THROWS_AS(team.start(line_job(1, std::string(64U << 20, 'x'))), Error);
}

// ---- order
// ---------------------------------------------------------------------------------------

TEST_CASE("team: ordered output comes in the order of the inputs") {
  TeamSpec spec = line_spec(4);
  spec.ordered = true;
  spec.worker.keep_order = true;
  std::vector<std::string> lines{"sleep 0.3; echo 0"};
  std::string expected = "0\n";
  for (int i = 1; i < 100; ++i) {
    lines.push_back(i % 7 == 0 ? ":" : "echo " + std::to_string(i));
    if (i % 7 != 0) expected += std::to_string(i) + '\n';
  }
  const Ran ran = run(std::move(spec), lines);
  CHECK(ran.out == expected);
  std::vector<std::uint64_t> ends;
  for (const JobResult& result : ran.results) ends.push_back(result.job.id.seq);
  CHECK(ends.size() == 100);
  CHECK(std::is_sorted(ends.begin(), ends.end()));
}

TEST_CASE("team: a held back output that is given up holds up nobody") {
  TeamSpec spec = line_spec(2);
  spec.ordered = true;
  std::vector<Job> jobs = line_jobs({"echo no; exit 1", "echo yes"});
  jobs[0].hold_output_if_failed = true;
  bool skipped = false;
  const Ran ran = run(std::move(spec), std::move(jobs), [&](LocalTeam& team, const auto& results) {
    if (skipped || results.empty()) return;
    CHECK(results[0].output_held_back);
    team.skip_output(results[0].job.order);
    skipped = true;
  });
  CHECK(ran.results.size() == 2);
  CHECK(ran.out == "yes\n");
}

// ---- being stopped
// -------------------------------------------------------------------------------

TEST_CASE("team: a timeout ends the job's whole tree") {
  std::vector<Job> jobs = line_jobs({"setsid sleep 1000 & sleep 1000; :", "echo other"});
  jobs[0].timeout = 200ms;
  const Ran ran = run(line_spec(2), std::move(jobs), [](LocalTeam&, const auto&) {});
  CHECK(std::get<TimedOut>(ran.of(1).outcome).signal == SIGTERM);
  CHECK(std::get<Exited>(ran.of(2).outcome).status == 0);
}

TEST_CASE("team: jobs that stop themselves or block all signals time out too") {
  TeamSpec spec = line_spec(2);
  spec.worker.stop_ladder = {{SIGTERM, 50}};
  const Ran ran = run(std::move(spec), line_jobs({"kill -STOP $$", job_program("block_signals")}),
                      [](LocalTeam& team, const auto&) { team.set_timeout(300ms); });
  CHECK(std::holds_alternative<TimedOut>(ran.of(1).outcome));
  CHECK(std::get<TimedOut>(ran.of(2).outcome).signal == SIGKILL);
}

TEST_CASE("team: a job that exits while being ended has timed out without a signal") {
  std::vector<Job> jobs = line_jobs({"trap 'exit 5' TERM; sleep 1000 & wait"});
  jobs[0].timeout = 300ms;
  const Ran ran = run(line_spec(1), std::move(jobs), [](LocalTeam&, const auto&) {});
  CHECK(std::get<TimedOut>(ran.of(1).outcome).signal == 0);
}

TEST_CASE("team: cancelling ends running jobs, prints what they wrote and starts no others") {
  const Ran ran =
      run(line_spec(2), line_jobs({"echo a; exec sleep 1000", "echo b; exec sleep 1000", "echo c"}),
          [file = std::string()](LocalTeam& team, const auto&) {
            if (team.running() == 2) team.cancel_all(Team::How::kLadder);
          });
  CHECK(ran.results.size() == 3);
  CHECK(std::get<Canceled>(ran.of(1).outcome).started);
  CHECK(std::get<Canceled>(ran.of(2).outcome).started);
  CHECK_FALSE(std::get<Canceled>(ran.of(3).outcome).started);
  CHECK(ran.out.find('c') == std::string::npos);
}

TEST_CASE("team: cancelling now kills what does not listen") {
  TeamSpec spec = line_spec(1);
  spec.worker.stop_ladder = {{SIGTERM, 1'000'000}};
  const Blocker blocker;
  const Ran ran =
      run(std::move(spec), line_jobs({blocker.command()}), when_running(1, [&](LocalTeam& team) {
            blocker.wait_blocked();
            team.cancel_all(Team::How::kLadder);
            team.cancel_all(Team::How::kNow);
          }));
  CHECK(std::get<Canceled>(ran.of(1).outcome).signal == SIGKILL);
}

// Bug: once the ladder's last step was taken, a later "now" was not heard before its wait was over.
TEST_CASE("team: cancelling now is heard in the last step of the ladder, too") {
  TeamSpec spec = line_spec(1);
  spec.worker.stop_ladder = {{SIGTERM, 1'000'000}};
  const Blocker blocker;
  const Ran ran = run(std::move(spec), line_jobs({blocker.command()}),
                      [&, turns = 0](LocalTeam& team, const auto&) mutable {
                        if (team.running() == 0) return;
                        if (++turns == 1) blocker.wait_blocked();
                        if (turns == 1) team.cancel_all(Team::How::kLadder);
                        if (turns == 5) team.cancel_all(Team::How::kNow);
                      });
  CHECK(std::get<Canceled>(ran.of(1).outcome).signal == SIGKILL);
}

TEST_CASE("team: withdrawn jobs come back, running ones end as they will") {
  const Ran ran = run(line_spec(1), line_jobs({"sleep 0.3; echo ran", "echo no", "echo no"}),
                      when_running(1, [](LocalTeam& team) { team.withdraw_queued(); }));
  CHECK(ran.results.size() == 3);
  CHECK(std::get<Exited>(ran.of(1).outcome).status == 0);
  CHECK_FALSE(std::get<Canceled>(ran.of(2).outcome).started);
  CHECK_FALSE(std::get<Canceled>(ran.of(3).outcome).started);
  CHECK(ran.out == "ran\n");
}

TEST_CASE("team: withdrawn jobs leave no hole in ordered output") {
  TeamSpec spec = line_spec(1);
  spec.ordered = true;
  const Ran ran = run(std::move(spec), line_jobs({"sleep 0.3; echo ran", "echo no", "echo no"}),
                      when_running(1, [](LocalTeam& team) { team.withdraw_queued(); }));
  CHECK(ran.results.size() == 3);
  CHECK(ran.out == "ran\n");
}

TEST_CASE("team: held jobs stand still and their time too") {
  std::vector<Job> jobs = line_jobs({"sleep 0.2; echo done"});
  jobs[0].timeout = 20s;
  auto until = std::chrono::steady_clock::time_point::max();
  const Ran ran = run(line_spec(1), std::move(jobs), [&](LocalTeam& team, const auto& results) {
    const auto now = std::chrono::steady_clock::now();
    if (until == std::chrono::steady_clock::time_point::max() && team.running() == 1) {
      team.set_suspended(true);
      until = now + 500ms;
    } else if (now > until && results.empty()) {
      team.set_suspended(false);
    }
  });
  CHECK(std::get<Exited>(ran.of(1).outcome).status == 0);
  CHECK(ran.of(1).use.wall > 400ms);
}

TEST_CASE("team: its end leaves no process behind, whatever runs") {
  StdoutFile files;
  {
    LocalTeam team(line_spec(2));
    team.start(line_job(1, "setsid sleep 1000 & sleep 1000"));
    team.start(line_job(2, job_program("block_signals")));
    while (team.running() < 2) team.wait({}, 5ms);
  }
  files.restore();
  CHECK(list_children().empty());
}

// ---- leftovers
// -----------------------------------------------------------------------------------

TEST_CASE("team: leftovers are kept where asked, and the next job has a fresh worker") {
  StdoutFile files;
  std::vector<JobResult> results;
  pid_t left = 0;
  bool alive = false;
  {
    LocalTeam team(line_spec(1));
    results = drive(team, line_jobs({"setsid sleep 1000 & echo $!", "echo 2", "echo 3"}));
  }
  const std::string out = files.text();
  left = static_cast<pid_t>(std::atoi(out.c_str()));
  REQUIRE(left > 0);
  const std::vector<pid_t> children = list_children();
  alive = std::find(children.begin(), children.end(), left) != children.end();
  CHECK(alive);
  CHECK(results.size() == 3);
  CHECK(results[0].left_processes);
  CHECK_FALSE(results[1].left_processes);
  CHECK(kill_children(60s) == SweepAnswer::kClean);
}

TEST_CASE("team: leftovers are killed, or fail the job, where asked") {
  for (const Leftovers policy : {Leftovers::kKill, Leftovers::kFail}) {
    TeamSpec spec = line_spec(1);
    spec.worker.leftovers = policy;
    const Ran ran = run(std::move(spec), {"sleep 1000 & setsid sleep 1000 & exit 0", "exit 0"});
    CHECK(ran.of(1).left_processes);
    CHECK(succeeded(ran.of(1).outcome) == (policy == Leftovers::kKill));
    CHECK(succeeded(ran.of(2).outcome));
  }
}

// ---- workers that die
// ----------------------------------------------------------------------------

TEST_CASE("team: a job whose worker dies is lost, the others go on") {
  const Ran ran = run(line_spec(2), {"echo before; kill -9 $PPID; sleep 1000", "echo 2", "echo 3"});
  CHECK(ran.results.size() == 3);
  CHECK(std::holds_alternative<Lost>(ran.of(1).outcome));
  CHECK(std::get<Exited>(ran.of(2).outcome).status == 0);
  CHECK(ran.out.find("before\n") != std::string::npos);
}

TEST_CASE("team: jobs that kill each worker do not stop the run") {
  std::vector<std::string> lines(20, "kill -9 $PPID");
  lines.push_back("echo alive");
  const Ran ran = run(line_spec(2), lines);
  CHECK(ran.results.size() == 21);
  CHECK(std::holds_alternative<Lost>(ran.of(20).outcome));
  CHECK(ran.out == "alive\n");
}

TEST_CASE("team: a lost job is tried again where its output is held back for that") {
  std::vector<Job> jobs = line_jobs({"echo no; kill -9 $PPID; sleep 1000"});
  jobs[0].hold_output_if_failed = true;
  const Ran ran = run(line_spec(1), std::move(jobs), [](LocalTeam&, const auto&) {});
  CHECK(std::holds_alternative<Lost>(ran.of(1).outcome));
  CHECK(ran.of(1).output_held_back);
  CHECK(ran.out.empty());
}

TEST_CASE("team: with requeue a job runs again, a few times at most") {
  char folder[] = "/tmp/enjoin-test.XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string count = std::string(folder) + "/count";
  TeamSpec spec = line_spec(1);
  spec.worker_loss = WorkerLoss::kRequeue;
  const Ran ran = run(
      std::move(spec),
      {"echo x >> " + count + "; kill -9 $PPID; sleep 1000", "echo other",
       "[ -e " + count + "2 ] && echo again && exit; > " + count + "2; kill -9 $PPID; sleep 1000"});
  CHECK(std::holds_alternative<Lost>(ran.of(1).outcome));
  CHECK(std::get<Exited>(ran.of(2).outcome).status == 0);
  CHECK(std::get<Exited>(ran.of(3).outcome).status == 0);
  CHECK(ran.out.find("again\n") != std::string::npos);
  const ipc::UniqueFd file(::open(count.c_str(), O_RDONLY | O_CLOEXEC));
  char text[100];
  CHECK(::read(file.get(), text, sizeof text) == 2 * LocalTeam::kMostLosses);
  ::unlink(count.c_str());
  ::unlink((count + '2').c_str());
  ::rmdir(folder);
}

TEST_CASE("team: an idle worker's death is nobody's") {
  const StdoutFile files;
  LocalTeam team(line_spec(1));
  const std::vector<JobResult> first = drive(team, line_jobs({"echo 1"}));
  for (const pid_t pid : team_workers()) ::kill(pid, SIGKILL);
  while (team.worker_count() > 0) {
    team.wait({}, 10ms);
    team.collect([](JobResult&) {});
  }
  const std::vector<JobResult> second = drive(team, line_jobs({"echo 2"}));
  CHECK(first.size() == 1);
  CHECK(second.size() == 1);
  CHECK(succeeded(second[0].outcome));
}

TEST_CASE("team: a keeper that dies with workers that had done nothing yet is one death") {
  StdoutFile files;
  LocalTeam team(line_spec(8));
  drive(team, {line_job(1, "true")});
  const std::vector<pid_t> keepers = children_of(::getpid());
  REQUIRE(keepers.size() == 1);
  REQUIRE(::kill(keepers[0], SIGSTOP) == 0);  // it is asked for seven more, and starts none
  bool killed = false;
  std::vector<Job> jobs;
  for (std::uint64_t seq = 2; seq < 34; ++seq) {
    jobs.push_back(line_job(seq, "sleep 0.01; echo " + std::to_string(seq)));
  }
  const std::vector<JobResult> results =
      drive(team, std::move(jobs), [&](const std::vector<JobResult>&) {
        if (!std::exchange(killed, true)) ::kill(keepers[0], SIGKILL);
      });
  CHECK(results.size() == 32);
  std::size_t lost = 0;  // the one that its first worker ran then
  for (const JobResult& result : results) lost += succeeded(result.outcome) ? 0U : 1U;
  CHECK(lost <= 1);
}

TEST_CASE("team: workers that cannot work at all end the run with an error") {
  const StdoutFile files;
  TeamSpec spec = line_spec(2);
  ::setenv("ENJOIN_WORKER", "/bin/false", 1);
  LocalTeam team(std::move(spec));
  CHECK_THROWS_AS(drive(team, line_jobs({"echo 1"})), Error);
}

// ---- scarcity
// ------------------------------------------------------------------------------------

TEST_CASE("team: many workers for few jobs are not started") {
  const StdoutFile files;
  LocalTeam team(line_spec(1000));
  const auto results = drive(team, line_jobs({"echo 1", "echo 2", "echo 3"}));
  CHECK(results.size() == 3);
  CHECK(team.worker_count() <= 3);
}

TEST_CASE("team: where descriptors run out fewer jobs run at once, and none is lost") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  TeamSpec spec = line_spec(100);
  const rlimit few{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  std::vector<JobResult> results;
  std::size_t most = 0;
  {
    const StdoutFile files;
    LocalTeam team(std::move(spec));
    results = drive(team, line_jobs(std::vector<std::string>(100, "sleep 0.05")),
                    [&](const auto&) { most = std::max(most, team.worker_count()); });
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(results.size() == 100);
  CHECK(most > 1);
  CHECK(most < 20);
  CHECK(std::all_of(results.begin(), results.end(),
                    [](const JobResult& result) { return succeeded(result.outcome); }));
}
