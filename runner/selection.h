#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/cli/options.h"
#include "runner/input/input_source.h"
#include "runner/joblog_reader.h"
#include "runner/results_record.h"

namespace enjoin {

/// Which jobs of the inputs a run takes (--resume and its kin, --part), and the number of each. A
/// job that is left out keeps its number, so that numbers mean the same in every run and every
/// part.
class Selection {
 public:
  /// All jobs, from 1 on.
  Selection() = default;
  /// Reads the job log where `options` ask for it. Throws Error where it is damaged (FILE:LINE).
  static Selection open(const Options& options);

  /// The number of the job whose inputs come next; asked once for each, in their order. 0: there
  /// is none (--retry-failed only).
  std::uint64_t next_number();
  /// Numbers begin after `last`, which another stage's job has.
  void number_from(std::uint64_t last) { before_ = last; }
  std::uint64_t last_number() const { return before_ + taken_; }
  /// Whether the job, which is left out, is recorded as failed.
  bool failed_before(std::uint64_t seq) const {
    return reading_.history.fate(seq) == JoblogHistory::Fate::kFailed;
  }
  /// How many numbers were given: once the inputs have ended, the number of all jobs.
  std::uint64_t numbered() const { return taken_; }
  /// --resume goes by the files of --results, too: once the inputs' names are known. Throws
  /// UsageError where that cannot be, and there is no job log.
  void look_at_results(const Options& options);
  /// Whether the job is to run, by its number and inputs.
  bool wants(const Batch& batch);
  /// True where every job runs: nothing need be asked.
  bool is_all() const { return parts_ == 1 && mode_ == Mode::kAll; }
  /// Whether job `seq` is known to have run with a command other than `command`.
  bool had_other_command(std::uint64_t seq, std::string_view command) const {
    return reading_.history.had_other_command(seq, command);
  }
  bool knows_commands() const { return reading_.history.rows() != 0; }

  /// --retry-failed: the commands of the failed jobs in the order of their numbers, as inputs of
  /// a template without words. Null otherwise. Throws Error where the log cannot be read again.
  std::unique_ptr<InputSource> logged_commands() const;

  /// The log as it was read, for who goes on writing it: see Joblog.
  const JoblogReading& reading() const { return reading_; }

 private:
  enum class Mode : std::uint8_t { kAll, kUnlogged, kUnloggedAndFailed, kFailed };

  bool wants_number(std::uint64_t seq) const;
  bool is_in_part(std::uint64_t seq) const { return (seq - 1) % parts_ == part_ - 1; }

  Mode mode_ = Mode::kAll;
  std::uint64_t part_ = 1;
  std::uint64_t parts_ = 1;
  std::uint64_t before_ = 0;
  std::uint64_t taken_ = 0;
  std::string path_;
  JoblogReading reading_;
  std::optional<ResultsRecord> results_;
};

/// The path of --joblog without the `+` that asks for appending.
std::string joblog_file(const Options& options);

/// The options that --retry-failed goes by: it takes whole commands from the log, and ignores the
/// command line's own, its inputs and their grouping.
Options retry_options(Options options);

/// What is run: retry_options() where --retry-failed asks for them, else `options`. Where there is
/// no log yet, or it is stdout, nothing can be known of failed jobs: all of the command line's run.
Options selected_options(const Options& options);

}  // namespace enjoin
