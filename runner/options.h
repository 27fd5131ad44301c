#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "enjoin/error.h"
#include "enjoin/team.h"
#include "runner/batcher.h"
#include "runner/halt.h"
#include "runner/input_source.h"
#include "runner/units.h"
#include "worker/config.h"

namespace enjoin {

enum class ProgressKind : std::uint8_t { kNone, kProgress, kEta, kBar };

/// What the person asked for, checked. One object a run.
struct Options {
  // What to run on what.
  TemplateSpec command;
  InputSpec input;
  BatchSpec batch;
  bool spread_batches = false;  ///< -X, -m: batch.spread_over is to be the number of jobs at once
  std::string jobs_text;        ///< -j as given, form checked; empty: one for each usable CPU
  // Output.
  OutputMode output = OutputMode::kGroup;
  bool keep_order = false;
  bool tag = false;                       ///< each line begins with a tag (never with kUngroup)
  std::optional<std::string> tag_string;  ///< the tag as a template of its own; else the inputs
  std::uint64_t max_output_bytes = 0;     ///< 0: no cap
  Verbose verbose = Verbose::kNo;         ///< with -v and -t both, -t counts
  bool dry_run = false;
  bool quiet = false;
  ProgressKind progress = ProgressKind::kNone;
  std::string joblog_path;  ///< empty: none
  // Each job.
  std::chrono::nanoseconds delay{0};
  TimeoutSpec timeout;        ///< units.h: a duration, or a percentage of the median
  std::uint32_t retries = 1;  ///< total runs; 0: without end
  HaltSpec halt;
  std::optional<int> nice;
  std::vector<ResourceLimit> limits;  ///< units.h: --rlimit
  Leftovers leftovers = Leftovers::kKeep;
  WorkerLoss worker_loss = WorkerLoss::kFail;
};

/// What the command line asks of the program.
struct Invocation {
  enum class Action : std::uint8_t {
    kRun,
    kShow,            ///< print `text` on stdout and exit 0 (--help, --help=all, --version, …)
    kShowVersionAll,  ///< the mechanisms in force: asked of the kernel by the program
  } action = Action::kRun;
  std::string text;
  Options options;
};

/// Bad usage: exit status 255. The message says what is wrong and what to do.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Reads a command line. `program` is the base name that we were called by: "parallel" turns
/// reserved first words and --then off. Throws UsageError, and nothing else, where `args` are
/// wrong.
Invocation parse_command_line(const std::string& program, const std::vector<std::string>& args);

}  // namespace enjoin
