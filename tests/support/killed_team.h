#pragma once

// Plays: small runs of a real team, one of whose workers is killed at one moment after another
// (support/worker_tracer.h). However it dies, all jobs must be recorded once, and what they wrote
// must be there.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ipc/unique_fd.h"
#include "runner/team/local_team.h"
#include "support/worker_tracer.h"

namespace enjoin::test {

class Stage;

struct Play {
  const char* name = "";
  std::uint64_t jobs = 0;  ///< numbered from 1
  TeamSpec spec;
  unsigned victim = 0;     ///< which worker, in the order of their starts
  bool slow_time = false;  ///< jobs seem so short that workers claim many at once
  std::function<void(Stage&)> act;
  /// What a job writes to stdout; without it the usual.
  std::function<std::string(std::uint64_t seq)> out;
  /// A job that needs no process leaves no trace but its result.
  std::function<bool(std::uint64_t seq)> is_no_op = [](std::uint64_t) { return false; };
  std::function<bool(std::uint64_t seq, const Outcome&)> ends_well;
};

/// What the processes of one run share.
struct Told {
  static constexpr std::size_t kMostJobs = 128;
  std::atomic<std::uint32_t> recorded[kMostJobs];
  std::atomic<std::uint32_t> well[kMostJobs];  ///< it ended as it should
  std::atomic<std::uint32_t> lost[kMostJobs];
  char how[kMostJobs][60];             ///< what was recorded last
  std::atomic<std::uint32_t> strange;  ///< results of no job of ours
  std::atomic<std::uint32_t> woken;    ///< TeamCounters::woken
};

/// Where a play is acted: the team, and what its jobs have an effect on. It lives in the test and,
/// as a copy, in the team's process.
class Stage {
 public:
  explicit Stage(const Play& play);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  // In the team's process.
  void perform();
  LocalTeam& team() { return *team_; }
  void start(std::uint64_t seq, const std::string& line, std::chrono::nanoseconds timeout = {});
  void start_effect(std::uint64_t seq, const std::string& words = {},
                    std::chrono::nanoseconds timeout = {});
  std::string gate_words() const;
  std::string leave_words() const;
  void finish_but(std::size_t active);  ///< until no more jobs than these have not ended
  void finish() { finish_but(0); }
  void wait_until_announced();  ///< a job is at the gate, or none is left
  void open_gate();
  /// Waits for the tracer's command, `act`s, tells the tracer; waits until all has ended.
  void finish_with_command(const std::function<void()>& act);

  // In the test.
  void command();
  /// What is wrong with the run that is over; nothing where all is well.
  std::vector<std::string> judge(const TracedRun& run) const;
  const Told& told() const { return *told_; }

 private:
  void take_results();
  std::vector<std::string> judge_jobs(unsigned kills) const;
  std::vector<std::string> judge_output() const;
  std::vector<std::string> judge_stream(int stream, const std::string& found) const;
  std::string expected(std::uint64_t seq, int stream) const;

  const Play* play_;
  Told* told_;
  std::string effects_path_;
  ipc::UniqueFd effects_;
  ipc::UniqueFd streams_[2];
  ipc::UniqueFd announce_[2];
  ipc::UniqueFd gate_[2];
  ipc::UniqueFd command_;
  pid_t test_;
  LocalTeam* team_ = nullptr;
};

/// A team for plays: one worker, whose jobs' inputs are their command lines.
TeamSpec play_spec(std::uint32_t workers = 1);

}  // namespace enjoin::test
