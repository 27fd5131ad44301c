#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runner/cli/flag_table.h"
#include "runner/cli/options.h"

namespace enjoin {

/// What was asked of `enjoin run` or `enjoin resume`, checked.
struct RunOptions {
  enum class Show : std::uint8_t {
    kNothing,   ///< run
    kCommands,  ///< --dry-run
    kGraphDot,
    kGraphText,
    kList,
  } show = Show::kNothing;
  /// -j, and the options of the batch mode about output, log and how jobs are run.
  Options batch;
  std::string pipeline = "pipeline.toml";  ///< -f
  std::string graph;                       ///< JSON Lines: a file or "-"; empty: a pipeline
  std::vector<std::string> stages;         ///< with what they need; none: all
  std::vector<std::string> only;           ///< --only
  std::vector<std::string> from;           ///< --from
  std::vector<std::string> set;            ///< --set: NAME=VALUE
  bool keep_going = false;
  bool record = true;    ///< --no-db
  std::string database;  ///< --db; empty: the one in .enjoin/
  std::string rerun_on;  ///< --rerun-on as given; empty: the default
  bool accept_changes = false;
  std::string events;              ///< --events: a file or "-"; empty: none
  std::vector<std::string> words;  ///< as given, for `enjoin resume`
  bool resumes = false;            ///< it is a run that was begun before
  /// The stages that were named run in any case, whatever is recorded of them.
  bool forces() const { return !resumes && (!only.empty() || !from.empty()); }
};

/// What was asked of `enjoin report`.
struct ReportOptions {
  std::string database;              ///< --db; empty: the one in .enjoin/
  std::optional<std::uint64_t> run;  ///< --run; none: the last
  bool flaky = false;
  bool json = false;
  std::string junit;  ///< a file or "-"; empty: none
};

/// A command line that begins with one of enjoin's own commands.
struct CommandRequest {
  enum class Action : std::uint8_t { kShow, kRun, kResume, kReport } action = Action::kShow;
  std::string text;  ///< of kShow
  RunOptions run;    ///< of kRun; of kResume: only what was given to it
  ReportOptions report;
};

/// "run", "resume", "report".
bool is_command(std::string_view word);

/// Reads the words behind `command`. Options and operands may come in any order; "--" ends options.
/// Throws UsageError.
CommandRequest parse_command(std::string_view command, const std::vector<std::string>& words);

/// The tables of options: of run and resume, and of report.
std::span<const Flag> run_flags();
std::span<const Flag> report_flags();

/// `enjoin COMMAND --help`.
std::string command_help(std::string_view command);

}  // namespace enjoin
