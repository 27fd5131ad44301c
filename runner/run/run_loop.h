#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "enjoin/error.h"
#include "runner/auto_jobs.h"
#include "runner/graph/graph_plan.h"
#include "runner/graph/job_source.h"
#include "runner/jobserver/job_slots.h"
#include "runner/message_writer.h"
#include "runner/run/observer.h"
#include "runner/run/output_reader.h"
#include "runner/run/run_files.h"
#include "runner/signals.h"
#include "runner/team/local_team.h"

namespace enjoin {

/// What a RunLoop works with; all of it is the caller's, and outlives it.
struct RunParts {
  static constexpr std::uint32_t kLookAhead = 128;  ///< for TeamSpec::look_ahead

  std::string program;  ///< begins its messages
  JobSource& source;
  GraphPlan& plan;
  LocalTeam& team;
  SignalEvents& signals;
  MessageWriter& messages;
  std::vector<RunObserver*> observers = {};
  /// Whether an earlier run has done this job already; none: nothing is known of earlier runs.
  std::function<bool(JobIndex)> is_up_to_date = {};
  bool keep_order = false;  ///< -k
  /// TeamSpec::keeps_output: observers get what jobs wrote; all of it, where it is much, in
  /// `output_files` (null: not).
  bool keeps_output = false;
  OutputFiles* output_files = nullptr;
  /// The source has told of its jobs, as far as it can before anything runs; nothing runs yet.
  std::function<void()> on_begun = {};
  /// All that the source has is waited for before on_begun: it is a file.
  bool reads_all_first = false;
  JobSlots* job_slots = nullptr;  ///< a jobserver's; null: jobs need none
  AutoJobs* auto_jobs = nullptr;  ///< -j auto: the plan's CPUs follow it; null: they stay
};

/// One run of a graph of jobs: what the source describes and the plan lets start is run by the
/// team, and the observers are told. One thread, one loop, as in the batch mode (batch_run.h).
class RunLoop {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kOwnErrorStatus = 255;

  explicit RunLoop(RunParts parts);
  /// Returns the exit status: 0, 1 to 100 failed jobs, 101 for more, 255 where the run could not be
  /// brought to its end. Throws Error where it cannot begin.
  int run();

 private:
  void begin();
  void take_signals();
  void pull_source();
  void end_source();
  void open_stages();
  void start_jobs();
  void turn_auto_jobs();
  void start(const GraphPlan::Start& start);
  void make_place(JobIndex job);
  void on_result(JobResult& result);
  void note_wall(std::chrono::nanoseconds wall);
  std::string check_success(JobIndex job);
  void tell_of_end(JobIndex job, GraphPlan::End end, GraphPlan::Verdict verdict,
                   const JobResult& result, const std::string& reason);
  void take_dropped();
  void note_queued();
  void ensure_queued(JobIndex job);
  void note_stage(StageIndex stage);
  void check_output();
  void check_stalled();
  void turn_observers();
  void wait();
  void give_up(const Error& error);
  void say(const std::string& text);
  std::uint64_t order_of(JobIndex job);
  int status() const;
  template <typename Tell>
  void tell(Tell call);

  RunParts parts_;
  JobSource& source_;
  GraphPlan& plan_;
  LocalTeam& team_;
  RunFiles files_;
  OutputReader outputs_;
  std::vector<bool> queued_;                                 // by job: the observers know of it
  std::vector<bool> stage_ended_;                            // by stage
  std::unordered_map<std::uint32_t, std::uint64_t> orders_;  // -k: of jobs that are tried again
  std::uint64_t next_order_ = 0;
  std::uint32_t plan_cpus_ = 0;  // -j auto: as it was told last
  double average_wall_ = 1;      // seconds, of the latest jobs
  bool began_ = false;           // jobs may have been started
  bool source_ended_ = false;
  bool source_blocked_ = false;  // the last pull said "would block"
  bool more_is_due_ = false;     // a long piece of work was cut short, to look at signals
  bool interrupted_ = false;
  bool draining_ = false;
  bool output_failed_ = false;
  bool gave_up_ = false;
  bool stops_waiting_ = false;  // jobs that wait in the team were taken back after a failure
  int interrupts_ = 0;
};

}  // namespace enjoin
