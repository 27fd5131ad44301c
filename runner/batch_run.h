#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "enjoin/error.h"
#include "runner/admission.h"
#include "runner/auto_jobs.h"
#include "runner/batch_setup.h"
#include "runner/input/batcher.h"
#include "runner/joblog.h"
#include "runner/jobserver/job_slots.h"
#include "runner/limit_process.h"
#include "runner/message_writer.h"
#include "runner/pipe/input_folder.h"
#include "runner/pipe/job_feed.h"
#include "runner/plan.h"
#include "runner/progress_printer.h"
#include "runner/record/batch_recorder.h"
#include "runner/run/output_reader.h"
#include "runner/selection.h"
#include "runner/signals.h"
#include "runner/stage_end.h"
#include "runner/team/local_team.h"
#include "runner/values/evaluator.h"
#include "worker/job_strings.h"

namespace enjoin {

/// One stage of the batch mode: mostly the only one. What it does next is the loop in batch_run.cc
/// (inputs into jobs, jobs into the team, results out of it); whether a job may start now is asked
/// in batch_admission.cc; what it says and records of them is in batch_report.cc (and
/// batch_record.cc); what it is made from, of the options, in batch_setup.cc.
class BatchRun {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kOwnErrorStatus = 255;

  /// What a stage is told of those before it.
  struct Before {
    bool is_later_stage = false;
    std::uint64_t last_number = 0;    ///< of their jobs
    BatchRecorder* record = nullptr;  ///< --db; null: none is kept
  };

  /// `open_files`: as our caller gave them to us.
  BatchRun(Options options, std::string program, const OpenFiles& open_files, Before before);
  StageEnd run();

 private:
  void fill();
  bool start_next();
  std::uint32_t attempts_of(const Batch& batch);
  bool person_agrees(const Job& job);
  bool next_batch();
  bool pull(Batch* batch);
  Pull pull_selected(Batch* batch);
  FeedSetup feed_setup();
  void turn_feed();
  void compare_with_log(const Batch& batch);
  bool next_of_all(Batch* batch);
  bool next_evaluated();
  bool evaluate(std::vector<Evaluator::Candidate>* jobs);
  bool admits();
  void consult(bool wants_start);
  void make_room();
  void start(Job job);
  bool take_put_back(JobResult& result);
  void read_jobs_file();
  void turn_auto_jobs();
  void take_signals();
  void name_running();
  void on_result(JobResult& result);
  void give_up_retries();
  void on_final(const JobResult& result);
  void check_output();
  void note_halt(const JobResult& result);
  void halt();
  void wait();
  void log(const JobResult& result);
  void flush_log();
  void give_up_log(const Error& error);
  void record(const JobResult& result, bool is_final);
  void turn_record();
  void give_up_record(const Error& error);
  void say(const std::string& text);
  std::string command_of(const JobResult& result);
  void expand_command(const std::string& inputs, std::uint32_t values, std::uint32_t columns,
                      const JobNumbers& numbers);
  ProgressSnapshot snapshot() const;
  bool finished() const;
  StageEnd end() const;

  Options options_;  // with the names that --header found
  const std::string program_;
  MessageWriter messages_;
  const OpenFiles open_files_;
  const std::uint32_t workers_;
  const std::uint32_t slots_;  ///< workers_, or more where -j may change
  Selection selection_;
  std::unique_ptr<InputSource> source_;
  SignalEvents signals_;  // after source_, which may wait for a header
  Evaluator evaluator_;
  Template command_;
  std::optional<Template> retries_;  ///< --retries with replacement strings
  Batcher batcher_;
  std::unique_ptr<JobFeed> feed_;  // --pipe, --pipepart; else none
  Plan plan_;
  std::optional<Joblog> joblog_;
  ProgressPrinter progress_;
  ipc::UniqueFd terminal_;  ///< --interactive: where the answers come from
  ipc::UniqueFd table_;     ///< --results FILE.csv: goes there instead of stdout
  InputFolder input_folder_;
  std::unique_ptr<JobSlots> job_slots_;  ///< of a jobserver; null: jobs need none
  LocalTeam team_;
  BatchRecorder* record_;  ///< null: none is kept, or it could not be written
  OutputReader output_reader_;
  LimitProcess limit_;
  Admission admission_;
  std::optional<AutoJobs> auto_jobs_;  ///< -j auto
  Admission::Advice advice_;
  bool consulted_ = false;                ///< in this turn of the loop
  std::map<std::uint64_t, bool> ending_;  ///< by number: jobs that make room; whether it counts
  std::deque<Batch> read_ahead_;
  std::deque<Batch> evaluated_;  // after those that evaluator_ needs are done
  Batch batch_;
  bool batch_ready_ = false;    // pulled, not yet started
  bool input_blocked_ = false;  // the last pull said "would block"
  bool all_skipped_ = false;    // expressions left out all of the last jobs
  bool skipping_ = false;       // the last pull only left jobs out, and more may follow
  bool input_ended_ = false;
  bool interrupted_ = false;  // INT or TERM
  bool draining_ = false;     // HUP
  bool output_failed_ = false;
  bool heading_is_due_ = true;  // of a table
  bool gave_up_ = false;        // the inputs could not be read on, or the joblog not be written
  HaltSpec::When halting_ = HaltSpec::When::kNever;
  int interrupts_ = 0;
  std::uint64_t failed_before_ = 0;
  bool told_of_change_ = false;  // of a command that is not the logged one
  JobStrings strings_;
  std::string line_;
  Clock::time_point began_ = Clock::now();
};

}  // namespace enjoin
