#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/graph/graph_plan.h"
#include "runner/record/database.h"
#include "runner/record/file_contents.h"
#include "runner/record/identity.h"
#include "runner/team/job.h"

namespace enjoin {

/// What is recorded of a run as it begins.
struct RunInfo {
  std::string mode = "run";
  std::vector<std::string> arguments = {};  ///< the words after `enjoin`
  std::uint32_t cpus = 0;
};

/// Rows on their way into a record. They are gathered, and written in one transaction from time to
/// time: seldom enough to cost little where commits are dear. While somebody else has locked the
/// database, rows wait; when that takes too long, it is an error.
class RecordWriter {
 public:
  using Clock = std::chrono::steady_clock;

  /// Begins a run: its row is committed. Throws Error.
  RecordWriter(Database& record, const RunInfo& info);

  std::int64_t run() const { return run_; }

  struct JobRow {
    std::int64_t row = 0;
    Identity identity = {};
    std::int64_t done = 0;  ///< an attempt; 0: none
    std::string stage = {}, name = {}, command = {};
  };
  /// Numbers for a job's and an attempt's new row.
  std::int64_t next_job() { return ++last_job_; }
  std::int64_t next_attempt() { return ++last_attempt_; }
  void add_job(JobRow job);
  /// Of a row that is there: what it is done with, 0: nothing.
  void set_done(std::int64_t job, std::int64_t attempt, std::uint64_t input);

  struct Output {
    std::string text = {};
    std::uint64_t bytes = 0;
    std::string path = {};
  };
  struct AttemptRow {
    std::int64_t id = 0;
    std::int64_t job = 0;
    std::uint64_t seq = 0;
    std::uint32_t attempt = 1;
    GraphPlan::End end = GraphPlan::End::kSuccess;
    bool is_final = true;
    Outcome outcome;
    ResourceUse use;
    std::chrono::nanoseconds started_at{0};
    std::uint32_t worker = 0;
    std::string reason;
    Output output[2];
  };
  void add_attempt(AttemptRow attempt);

  struct StageRow {
    std::uint32_t place = 0;
    std::string stage = {};
    std::vector<std::string> needs = {};
    bool allow_failure = false;
    double opened = 0;  ///< 0: never
    double ended = 0;
    GraphPlan::Counts counts = {};
  };
  void put_stage(StageRow stage);
  void add_files(std::vector<FileContents::Row> files);

  /// Writes what is due. Throws Error, and gives up: all that was gathered and what comes is lost.
  void turn(Clock::time_point now);
  std::chrono::nanoseconds until_due(Clock::time_point now) const;  ///< negative: nothing is
  /// Writes all there is, and waits for others' locks. Throws as turn().
  void flush();
  /// The same, and the run's end.
  void end_run(int status, const GraphPlan::Counts& counts);
  bool gave_up() const { return gave_up_; }

 private:
  struct DoneRow {
    std::int64_t job = 0, attempt = 0;
    std::uint64_t input = 0;
  };

  void note(std::size_t bytes);
  void write_all();
  void write_jobs();
  void write_attempts();
  void write_rest();
  void clear();
  void write_within(int wait_ms, const std::function<void()>& write);
  [[noreturn]] void give_up(const Error& error);

  Database& record_;
  std::int64_t run_ = 0;
  std::int64_t last_job_ = 0;
  std::int64_t last_attempt_ = 0;
  Statement put_job_, put_done_, put_attempt_, put_output_, put_stage_, put_file_;
  std::vector<JobRow> jobs_;
  std::vector<DoneRow> done_;
  std::vector<AttemptRow> attempts_;
  std::vector<StageRow> stages_;
  std::vector<FileContents::Row> files_;
  std::size_t bytes_ = 0;              // about, of what is gathered; 0: nothing is
  Clock::time_point due_{};            // when it is to be written
  Clock::time_point blocked_since_{};  // since then somebody else has the lock; unset: nobody
  std::chrono::nanoseconds pause_;     // from a row to its commit
  bool gave_up_ = false;
};

}  // namespace enjoin
