#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/graph/graph_plan.h"
#include "runner/graph/job_source.h"
#include "runner/record/file_contents.h"
#include "runner/record/output_files.h"
#include "runner/record/record_file.h"
#include "runner/record/record_writer.h"
#include "runner/record/recorded_jobs.h"
#include "runner/run/observer.h"

namespace enjoin {

/// Why a job has to run, or need not.
enum class Freshness : std::uint8_t {
  kUpToDate,        ///< recorded success, nothing changed, all outputs are there
  kNew,             ///< no earlier run has recorded it
  kNotDone,         ///< it failed, was canceled, or was begun again and never ended
  kCommandChanged,  ///< and whatever follows: the first that applies
  kEnvironmentChanged,
  kInputChanged,
  kOutputMissing,
};

struct RecordSpec {
  std::string path = kDefaultRecord;
  RerunOn rerun_on;
  bool accepts_changes = false;  ///< --accept-changes
  RunInfo run;
};

/// The record of a run: writes what happens into the database, and knows what earlier runs have
/// done. Rows are gathered and committed in groups, each group whole: what was committed is never
/// run again, what was not is. What cannot be written is thrown (Error) once, from an observer's
/// call; the record is then given up, and further calls do nothing.
class RunRecorder : public RunObserver {
 public:
  /// Opens the record, begins a run in it, loads what earlier runs did. `plan` and `source` outlive
  /// it. Throws Error.
  RunRecorder(RecordSpec spec, const GraphPlan& plan, const JobSource& source);
  ~RunRecorder() override;

  std::int64_t run() const { return writer_.run(); }  ///< its number, from 1
  int lease_fd() const { return file_.lease_fd(); }   ///< TeamSpec::held_fd

  /// Before the run starts, for each job known by then: counts it, if an earlier run had done it
  /// and it changed since; with --accept-changes, takes it as done.
  void survey(JobIndex job);
  /// What survey() found, a line for people without its end; "" where nothing had changed: "12 of
  /// 400 recorded jobs changed and run again (10 command, 2 input); --accept-changes takes them as
  /// done".
  std::string survey_text() const;

  /// When a job may start: whether it need not (RunParts::is_up_to_date). Says no: it is about to
  /// be started, so an earlier success of it counts no longer. Throws Error.
  bool is_up_to_date(JobIndex job);
  /// Before the run starts: an earlier success of the job counts no longer (--from). Call flush()
  /// before any of them starts.
  void forget(JobIndex job);
  void flush() { writer_.flush(); }
  /// The same at once, instead of is_up_to_date(), where the job is about to be started.
  void will_run(JobIndex job);
  /// The same as is_up_to_date(), without consequences.
  Freshness freshness(JobIndex job);
  /// Where all of what a job wrote can be kept, for CapturedOutput::path.
  OutputFiles& output_files() { return output_files_; }

  void stage_opened(StageIndex stage) override;
  void stage_ended(StageIndex stage) override;
  void ended(const AttemptEnd& end) override;
  void turn(std::chrono::steady_clock::time_point now) override;
  std::chrono::nanoseconds until_due(std::chrono::steady_clock::time_point now) override;
  void run_ended(int status) override;

 private:
  struct Survey {
    std::uint64_t recorded = 0;  ///< of those that earlier runs had done
    std::uint64_t command = 0, environment = 0, input = 0;
  };

  Identity identity_of(JobIndex job, bool with_input);
  Freshness compare(const Identity& identity, const RecordedJobs::Job* recorded) const;
  bool outputs_are_there(JobIndex job) const;
  void take_as_done(JobIndex job, const Identity& identity, const RecordedJobs::Job& recorded);
  std::int64_t row_of(JobIndex job, const Identity& identity, std::int64_t done);
  void note_start(JobIndex job, const Identity& identity);
  void put_stage(StageIndex stage);

  RecordSpec spec_;
  const GraphPlan& plan_;
  const JobSource& source_;
  RecordFile file_;
  RecordedJobs recorded_;
  FileContents contents_;
  RecordWriter writer_;
  OutputFiles output_files_;
  Survey survey_;
  std::unordered_map<std::uint32_t, Identity> started_;  // by job: as it was when it was started
  struct StageTimes {
    double opened = 0, ended = 0;
  };
  std::vector<StageTimes> stage_times_;
};

}  // namespace enjoin
