#pragma once

// Runs hostile jobs between innocent neighbours, and checks afterwards what must always hold:
//
//   I0  the supervisor answers: it names the running jobs when asked by SIGUSR1, all the time
//   I1  each job has exactly one row in the joblog, or is named on stderr
//   I2  nothing is left: no process, zombie, descriptor, temporary file, name in /dev/shm, mount,
//       cgroup
//   I3  what the neighbours wrote is there to the byte, and whole
//
// The jobs, in this order: as many as run at once, which wait for each other, so that all workers
// are there before anything happens; innocent ones; hostile ones with innocent ones between them;
// innocent ones; again as many as run at once, which wait until the descriptors were counted.
//
//   const Sandbox box;
//   NeighbourRun run = run_between_neighbours(box, {.hostile = {"kill -SEGV $$"}});
//   CHECK_MESSAGE(run.holds(), run.report());
//   CHECK(run.hostile[0].signal == SIGSEGV);

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "support/cli.h"

namespace enjoin::test {

/// How the jobs get their command lines, and how their output is printed.
enum class Street {
  kPlain,    ///< lines of stdin, output as jobs end
  kOrdered,  ///< -k
  kPiped,    ///< --pipe -N1 bash: each job is a bash that reads its script from stdin
};

struct Neighbourhood {
  std::vector<std::string> hostile;       ///< command lines, without newlines
  std::vector<std::string> options = {};  ///< of enjoin: --timeout, --leftovers, …
  Street street = Street::kPlain;
  std::vector<std::string> environment = {};  ///< "NAME=value", beside the usual
  unsigned at_once = 4;                       ///< -j
  unsigned innocent = 20;                     ///< how many neighbours
  std::string before = {};  ///< shell commands ahead of `exec enjoin …`: ulimit -n 64
  bool may_leave = false;   ///< processes that jobs left may live on: --leftovers keep, report
  bool counts_fds = true;   ///< false: the supervisor's descriptors are not compared
  /// Called with the supervisor's pid once all workers run and nothing hostile has begun.
  std::function<void(pid_t supervisor)> meanwhile = {};
};

/// A row of the joblog; or, without an exit value, a job that has none.
struct JobRow {
  std::optional<int> exit = {};
  int signal = 0;
  double runtime_s = 0;
  std::string command = {};
};

struct NeighbourRun {
  Ran ran;
  std::vector<JobRow> hostile;           ///< in the order in which they were given
  std::map<int, JobRow> rows;            ///< all of the joblog, by number
  std::string hostile_out;               ///< stdout without what is the neighbours'
  std::string hostile_err;               ///< stderr without that and without enjoin's own messages
  std::string messages;                  ///< the lines of stderr that are enjoin's own
  std::vector<pid_t> left;               ///< lived on after the end; killed by now
  std::set<std::string> broken;          ///< what does not hold: "I1: job 7 has two rows"
  unsigned answers = 0;                  ///< how often the supervisor was asked, and answered
  std::chrono::milliseconds slowest{0};  ///< of these
  std::chrono::milliseconds gone_after{0};  ///< from the supervisor's end until nothing was left
  std::size_t fds_before = 0;               ///< of the supervisor, with all workers there
  std::size_t fds_after = 0;                ///< the same, after the hostile jobs

  bool holds() const { return broken.empty(); }
  bool says(std::string_view text) const { return ran.says(text); }
  std::string report() const;  ///< for the person who reads of a failure
};

/// Runs them, checks I0 to I3, prints one line with what was measured. Throws where the run hangs
/// (a minute without progress).
NeighbourRun run_between_neighbours(const Sandbox& box, const Neighbourhood& neighbourhood);

/// What becomes of leftovers, and of jobs whose worker dies.
struct Policies {
  std::string leftovers;    ///< keep, report, kill, fail
  std::string worker_loss;  ///< fail, requeue

  std::vector<std::string> options() const;  ///< with `more` behind
  bool may_leave() const { return leftovers == "keep" || leftovers == "report"; }
};
/// For rows that leave processes: kill and report, each with one of the others.
std::vector<Policies> leftover_policies();
/// For rows that kill workers: fail and requeue.
std::vector<Policies> loss_policies();

/// I2 by itself: what a program has left behind. Made before the program starts; give `mark()` to
/// its environment. While it lives, orphans of our descendants become our children.
class Traces {
 public:
  explicit Traces(const Sandbox& box);
  ~Traces();  ///< Kills and reaps what is left.
  Traces(const Traces&) = delete;
  Traces& operator=(const Traces&) = delete;

  const std::string& mark() const { return mark_; }  ///< "ENJOIN_TEST_MARK=…"
  /// Living processes that descend from us or carry our mark, but for those that were there before.
  std::vector<pid_t> processes() const;
  /// All that is there and was not: "process 12 (sleep 1000)", "file … in TMPDIR", …
  std::set<std::string> all(bool with_processes = true) const;
  /// Waits until nothing is left, for half a minute at most, and says what still is.
  std::set<std::string> wait_none(bool with_processes = true,
                                  std::chrono::milliseconds* after = nullptr) const;
  /// Kills and reaps what descends from us.
  void kill_left() const;

 private:
  const Sandbox* box_;
  std::string mark_;
  std::vector<pid_t> children_;
  std::set<std::string> shared_memory_;
  std::set<std::string> mounts_;
  std::set<std::string> cgroups_;
};

/// A program of tests/jobs, as a word for a command line.
std::string job_program(std::string_view name);

}  // namespace enjoin::test
