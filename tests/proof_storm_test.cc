// The storm: workers, jobs and keepers are killed, stopped and continued at random moments while
// millions of jobs that need no process and thousands of commands run; and whole runs are killed
// and resumed. Each job must have one result, each output be there once, nothing be left.
//
//   ENJOIN_STORM_SECONDS=3600   how long, all three parts together (default: 20)
//   ENJOIN_STORM_SEED=7         another storm (default: 1)

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "support/cli.h"
#include "support/storm.h"
#include "support/team_run.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

constexpr std::uint32_t kWorkers = 4;

double from_environment(const char* name, double usual) {
  const char* const text = std::getenv(name);
  return text == nullptr ? usual : std::atof(text);
}

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}
double storm_seconds() {
  return from_environment("ENJOIN_STORM_SECONDS", 20);
}
unsigned storm_seed() {
  return static_cast<unsigned>(from_environment("ENJOIN_STORM_SEED", 1));
}

/// One row of the table.
struct Row {
  double seconds = 0;
  std::uint64_t jobs = 0;
  StormCounts storm;
  TeamCounters team;
  std::uint64_t lost = 0;      ///< results that say so
  std::uint64_t signaled = 0;  ///< results of jobs that were killed themselves
  std::uint64_t twice = 0;     ///< recorded twice
  std::uint64_t missing = 0;
  std::uint64_t wrong = 0;  ///< outcomes that nothing explains, outputs that are not right
  std::uint64_t left = 0;   ///< processes
};

void add(const TeamCounters& more, TeamCounters* sum) {
  sum->worker_deaths += more.worker_deaths;
  sum->requeued += more.requeued;
  sum->lost += more.lost;
  sum->rerun += more.rerun;
  sum->locks_healed += more.locks_healed;
  sum->rebuilds += more.rebuilds;
  sum->stalled_killed += more.stalled_killed;
}

void add(const StormCounts& more, StormCounts* sum) {
  sum->worker_kills += more.worker_kills;
  sum->keeper_kills += more.keeper_kills;
  sum->job_kills += more.job_kills;
  sum->stops += more.stops;
}

void print(const char* name, const Row& row) {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("storm: %s\n", name);
  const std::pair<const char*, std::uint64_t> counts[] = {
      {"jobs", row.jobs},
      {"workers killed", row.storm.worker_kills},
      {"keepers killed", row.storm.keeper_kills},
      {"jobs killed", row.storm.job_kills},
      {"stops", row.storm.stops},
      {"worker deaths seen", row.team.worker_deaths},
      {"locks healed", row.team.locks_healed},
      {"stalled workers killed", row.team.stalled_killed},
      {"memory made anew", row.team.rebuilds},
      {"claims given back", row.team.requeued},
      {"begun when their worker died", row.team.lost},
      {"run again", row.team.rerun},
      {"recorded lost", row.lost},
      {"recorded killed", row.signaled},
      {"recorded twice", row.twice},
      {"missing", row.missing},
      {"wrong outputs or outcomes", row.wrong},
      {"processes left", row.left}};
  std::printf("| seconds | %.0f |\n", row.seconds);
  for (const auto& [what, count] : counts) std::printf("| %s | %llu |\n", what, number(count));
  std::printf("| hangs | 0 |\n");  // one would have ended the program
}

void check(const Row& row) {
  CHECK(row.twice == 0);
  CHECK(row.missing == 0);
  CHECK(row.wrong == 0);
  CHECK(row.left == 0);
  CHECK(row.team.rebuilds == 0);  // nobody scribbles here
  CHECK(row.lost == row.team.lost - row.team.rerun);
  CHECK(row.signaled <= row.storm.job_kills);
}

std::string line_of(std::uint64_t seq) {
  return "line " + std::to_string(seq);
}

/// What a job is to write, by its number: nothing, a line, or many.
struct Writes {
  std::size_t lines = 0;
  std::string text(std::uint64_t seq) const {
    std::string text;
    for (std::size_t i = 0; i < lines; ++i) text += line_of(seq) + '\n';
    return text;
  }
};

enum class Kind { kNoOps, kCommands };

Writes writes_of(Kind kind, std::uint64_t seq) {
  if (kind == Kind::kNoOps) return {0};
  const std::size_t lines[] = {1, 0, 1, 2000, 1, 0, 1, 3};
  return {lines[seq % 8]};
}

std::string command_of(Kind kind, std::uint64_t seq) {
  const Writes writes = writes_of(kind, seq);
  if (kind == Kind::kNoOps) return ":";
  if (writes.lines == 0) return seq % 3 == 0 ? ":" : "/bin/true";
  if (writes.lines == 1) return (seq % 4 == 0 ? "" : "x=1; ") + ("echo " + line_of(seq));
  return "yes " + line_of(seq) + " | head -n " + std::to_string(writes.lines);
}

/// Some jobs through one team, in a storm; then all that can be known of them is checked.
class Phase {
 public:
  Phase(Kind kind, TeamSpec spec, StormPlan plan, unsigned seed, Row* row)
      : kind_(kind), spec_(std::move(spec)), plan_(plan), seed_(seed), row_(row) {}

  void run(double seconds, std::uint64_t most_jobs) {
    StdoutFile files;
    int output_error = 0;
    {
      LocalTeam team(spec_);
      Storm storm(seed_, plan_, [&team] { dump(team); });
      drive(&team, &storm, seconds, most_jobs);
      storm.stop();
      add(storm.counts(), &row_->storm);
      add(team.counters(), &row_->team);
      output_error = team.output_error();
    }
    const std::string out = files.text();
    for (const std::uint8_t times : results_) {
      if (times == 0) ++row_->missing;
      if (times > 1) row_->twice += times - 1U;
    }
    row_->jobs += results_.size();
    if (kind_ == Kind::kCommands) check_output(out);
    // A full disk, say: from then on output is dropped, and whoever runs the team told so.
    if (output_error != 0) std::fprintf(stderr, "storm: output failed: errno %d\n", output_error);
    if (const std::size_t left = children_of(::getpid()).size(); left != 0) {
      row_->left += left;
      std::fprintf(stderr, "storm: left:\n%s", describe_processes(::getpid()).c_str());
    }
  }

 private:
  void drive(LocalTeam* team, Storm* storm, double seconds, std::uint64_t most_jobs) {
    const Clock::time_point begin = Clock::now();
    bool more = true;
    while (more || team->unfinished() > 0) {
      team->collect([&](JobResult& result) { take(result, storm); });
      more = more && results_.size() < most_jobs && seconds_since(begin) < seconds;
      for (std::size_t room = team->room(); more && room > 0; --room) {
        const std::uint64_t seq = results_.size() + 1;
        results_.push_back(0);
        ended_.push_back(Ended::kWell);
        team->start(line_job(seq, command_of(kind_, seq)));
        if (team->room() == 0 || results_.size() >= most_jobs) break;
      }
      if (!more || team->room() == 0) team->wait({}, std::chrono::seconds(1));
    }
    team->collect([&](JobResult& result) { take(result, storm); });
  }

  enum class Ended : std::uint8_t { kWell, kKilled, kLost };

  void take(const JobResult& result, Storm* storm) {
    storm->note_progress();
    const std::uint64_t seq = result.job.id.seq;
    if (seq == 0 || seq > results_.size()) {
      ++row_->wrong;
      return;
    }
    if (results_[seq - 1] < 255) ++results_[seq - 1];
    Ended& ended = ended_[seq - 1];
    if (std::holds_alternative<Lost>(result.outcome)) {
      ++row_->lost;
      ended = Ended::kLost;
    } else if (const Signaled* const by = std::get_if<Signaled>(&result.outcome)) {
      ++row_->signaled;
      ended = Ended::kKilled;
      if (by->signal != SIGKILL) ++row_->wrong;
    } else if (!succeeded(result.outcome)) {
      ++row_->wrong;
      std::fprintf(stderr, "storm: job %llu: %s\n", static_cast<unsigned long long>(seq),
                   to_string(result.outcome).c_str());
    }
  }

  // The outputs stand one after the other, each whole where its job ended by itself; of others any
  // beginning may be there.
  void check_output(const std::string& out) {
    std::vector<std::uint8_t> found(results_.size());
    std::uint64_t last = 0;
    for (std::size_t at = 0; at < out.size();) {
      std::uint64_t seq = 0;
      if (out.compare(at, 5, "line ") == 0) seq = std::strtoull(out.c_str() + at + 5, nullptr, 10);
      // A cut line: what follows it begins anew. Only a job that was killed can leave one.
      if (seq == 0 || seq > results_.size()) return fail("a piece of nobody's", out, at);
      const std::string whole = writes_of(kind_, seq).text(seq);
      std::size_t size = 0;
      while (size < whole.size() && at + size < out.size() && out[at + size] == whole[size]) ++size;
      if (ended_[seq - 1] == Ended::kWell && size != whole.size()) {
        return fail("an output is not whole", out, at);
      }
      // It was cut; the next one's beginning may look like its own next line.
      const std::size_t next = size < whole.size() ? out.rfind("line ", at + size) : at;
      if (next > at && out.compare(next, line_of(seq).size() + 1, line_of(seq) + '\n') != 0) {
        size = std::min(size, next - at);
      }
      if (size == 0 || found[seq - 1]++ != 0) return fail("an output twice", out, at);
      if (spec_.ordered && seq < last) return fail("an output in the wrong place", out, at);
      last = seq;
      at += size;
    }
    for (std::uint64_t seq = 1; seq <= results_.size(); ++seq) {
      const bool written = writes_of(kind_, seq).lines != 0;
      if (ended_[seq - 1] == Ended::kWell && written && found[seq - 1] == 0) {
        ++row_->wrong;
        if (row_->wrong > 20) continue;
        std::fprintf(stderr, "storm: the output of job %llu is not there\n",
                     static_cast<unsigned long long>(seq));
      }
    }
  }

  void fail(const char* what, const std::string& out, std::size_t at) {
    ++row_->wrong;
    const std::size_t from = at < 100 ? 0 : at - 100;
    std::fprintf(stderr, "storm: %s at byte %zu: ...%s\n", what, at, out.substr(from, 200).c_str());
  }

  // In the storm's thread, when the team hangs: words that any process may read.
  static void dump(const LocalTeam& team) {
    const ipc::TeamMemory& memory = team.memory_for_test();
    const ipc::ControlHeader& control = memory.control();
    const auto word = [](const char* name, std::uint64_t value) {
      std::fprintf(stderr, "  %s %llx\n", name, static_cast<unsigned long long>(value));
    };
    word("head", control.head);
    word("tail", memory.table().tail);
    word("flags", memory.table().flags);
    word("prints seen", memory.table().prints_seen);
    word("print next", control.print_next);
    word("print end", control.print_end);
    word("baton", control.baton);
    word("printing", control.printing);
    word("idle", control.idle[0]);
    word("supervisor waits", control.supervisor_waits);
    word("unfinished", team.unfinished());
    const std::uint64_t tail = memory.table().tail;
    for (std::uint64_t at = tail < 16 ? 0 : tail - 16; at < tail; ++at) {
      word("slot", memory.state(at).load());
    }
  }

  Kind kind_;
  TeamSpec spec_;
  StormPlan plan_;
  unsigned seed_;
  Row* row_;
  std::vector<std::uint8_t> results_;  ///< times recorded, by job
  std::vector<Ended> ended_;
};

TeamSpec spec_for(Kind kind, unsigned phase) {
  TeamSpec spec = line_spec(kWorkers);
  spec.look_ahead = kind == Kind::kNoOps ? 1024 : 32;  // so that the end is never far
  spec.ordered = phase % 2 == 1;
  spec.worker.keep_order = spec.ordered;
  spec.worker_loss = phase % 4 < 2 ? WorkerLoss::kFail : WorkerLoss::kRequeue;
  return spec;
}

}  // namespace

TEST_CASE("storm: millions of jobs without a process, each recorded once") {
  const Clock::time_point begin = Clock::now();
  const double limit = storm_seconds() * 0.35;
  Row row;
  // On a slow machine longer, until it has been a storm.
  const auto is_calm = [&row] { return row.storm.worker_kills <= 50; };
  for (unsigned phase = 0; seconds_since(begin) < limit || phase < 4 || is_calm(); ++phase) {
    const StormPlan plan{.longest_pause_us = phase % 3 == 2 ? 20'000U : 4000U,
                         .stop_worker = 300,
                         .kill_keeper = 20,
                         .long_stop = 5,
                         .after_keeper = 1000};
    Phase(Kind::kNoOps, spec_for(Kind::kNoOps, phase), plan, storm_seed() + phase, &row)
        .run(std::max(limit / 4, 1.0), 20'000'000);
  }
  row.seconds = seconds_since(begin);
  print("jobs that need no process", row);
  check(row);
}

TEST_CASE("storm: thousands of commands, each recorded once, its output there once and whole") {
  const Clock::time_point begin = Clock::now();
  const double limit = storm_seconds() * 0.4;
  Row row;
  const auto is_calm = [&row] { return row.storm.worker_kills <= 20 || row.storm.job_kills <= 5; };
  for (unsigned phase = 0; seconds_since(begin) < limit || phase < 4 || is_calm(); ++phase) {
    const StormPlan plan{.longest_pause_us = phase % 3 == 2 ? 30'000U : 6000U,
                         .stop_worker = 200,
                         .kill_job = 150,
                         .stop_job = 200,
                         .kill_keeper = 20,
                         .long_stop = 5};
    Phase(Kind::kCommands, spec_for(Kind::kCommands, phase), plan, storm_seed() + 1000 + phase,
          &row)
        .run(std::max(limit / 4, 1.0), 200'000);
  }
  row.seconds = seconds_since(begin);
  print("commands", row);
  check(row);
}

namespace {

// Waits until nothing that the killed run had started is alive; says what is, after half a minute.
std::size_t processes_left() {
  const Clock::time_point begin = Clock::now();
  while (true) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    const std::size_t left = children_of(::getpid()).size();
    if (left == 0 || seconds_since(begin) > 30) return left;
    ::usleep(1000);
  }
}

}  // namespace

TEST_CASE("storm: runs that are killed and resumed until all is done record each job once") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Clock::time_point begin = Clock::now();
  const double limit = storm_seconds() * 0.25;
  constexpr std::uint64_t kJobs = 400;
  std::mt19937 random(storm_seed());
  Row row;
  std::uint64_t executed_again = 0;
  std::uint64_t left_in_tmp = 0;
  while (seconds_since(begin) < limit || row.jobs == 0 || row.storm.worker_kills <= 5) {
    const Sandbox box;
    const std::string input = box.shell("seq " + std::to_string(kJobs)).out;
    const std::vector<std::string> words = {"-j4", "--joblog", "log", "--resume",
                                            "echo {} >>ran; [ {} != 13 ]"};
    for (int attempt = 0;; ++attempt) {
      Running run = box.start(words, {.input = input});
      const bool is_last = attempt == 60;
      if (!is_last) {
        ::usleep(static_cast<useconds_t>(random() % (attempt % 4 == 0 ? 20'000 : 400'000)));
        // Now and then its keeper with it.
        std::vector<ipc::UniqueFd> keepers;
        if (random() % 4 == 0) {
          for (const pid_t pid : children_of(run.pid())) keepers.push_back(open_process(pid));
        }
        run.signal(SIGKILL);
        for (const ipc::UniqueFd& keeper : keepers) {
          row.storm.keeper_kills += signal_process(keeper, SIGKILL) ? 1U : 0U;
        }
      }
      const Ran ran = run.wait();
      row.left += processes_left();
      if (ran.status != 128 + SIGKILL) {
        if (ran.status > 1) {
          ++row.wrong;
          std::fprintf(stderr, "storm: resumed: status %d: %s\n", ran.status, ran.err.c_str());
        }
        break;
      }
      ++row.storm.worker_kills;
    }
    left_in_tmp += box.left_in_tmp().size();
    std::map<std::uint64_t, unsigned> rows;
    for (const std::string& line : lines_of(box.shell("tail -n +2 log").out)) {
      ++rows[std::strtoull(line.c_str(), nullptr, 10)];
    }
    std::map<std::uint64_t, unsigned> ran;
    for (const std::string& line : lines_of(box.read("ran"))) {
      ++ran[std::strtoull(line.c_str(), nullptr, 10)];
    }
    for (std::uint64_t seq = 1; seq <= kJobs; ++seq) {
      if (rows[seq] == 0) ++row.missing;
      if (rows[seq] > 1) row.twice += rows[seq] - 1;
      if (ran[seq] == 0) ++row.wrong;
      if (ran[seq] > 1) executed_again += ran[seq] - 1;
    }
    if (rows.size() != kJobs || ran.size() != kJobs) ++row.wrong;
    row.jobs += kJobs;
  }
  row.seconds = seconds_since(begin);
  std::printf("storm: whole runs\n| seconds | %.0f |\n", row.seconds);
  const std::pair<const char*, std::uint64_t> counts[] = {
      {"jobs", row.jobs},
      {"runs killed", row.storm.worker_kills},
      {"with their keepers", row.storm.keeper_kills},
      {"jobs run again, for they had not been recorded", executed_again},
      {"recorded twice", row.twice},
      {"missing", row.missing},
      {"wrong", row.wrong},
      {"processes left", row.left},
      {"files left in $TMPDIR", left_in_tmp}};
  for (const auto& [what, count] : counts) {
    std::printf("| %s | %llu |\n", what, static_cast<unsigned long long>(count));
  }
  CHECK(row.twice == 0);
  CHECK(row.missing == 0);
  CHECK(row.wrong == 0);
  CHECK(row.left == 0);
  CHECK(left_in_tmp == 0);
}
