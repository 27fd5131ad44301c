#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "enjoin/error.h"
#include "runner/cpu_count.h"
#include "runner/halt.h"
#include "runner/input/batcher.h"
#include "runner/input/input_source.h"
#include "runner/jobserver/open_job_slots.h"
#include "runner/team/team.h"
#include "runner/units.h"
#include "worker/config.h"

namespace enjoin {

enum class ProgressKind : std::uint8_t { kNone, kProgress, kEta, kBar };

/// How jobs get pieces of the input on stdin: --pipe, --pipepart.
struct PipeSpec {
  enum class Mode : std::uint8_t {
    kNone,
    kPipe,  ///< stdin is cut into blocks
    kPart,  ///< files (Options::input.sources) are cut, each job reads its own range
  } mode = Mode::kNone;
  std::uint64_t block_bytes = 1 << 20;        ///< --block; at least 1
  std::uint32_t blocks_per_worker = 0;        ///< --block -N: so many for each worker; 0: by size
  std::chrono::nanoseconds block_timeout{0};  ///< --block-timeout; 0: none
  /// --recstart, --recend, escapes resolved. Neither given: recend is a newline.
  std::string record_start;
  std::string record_end = "\n";
  bool regex = false;                   ///< --regexp: both are Perl regular expressions
  bool remove_separator = false;        ///< --remove-rec-sep
  std::uint64_t records_per_block = 0;  ///< -N; 0: by size
  std::uint64_t lines_per_record = 0;   ///< -L; 0: records as above
  /// --header: so many lines or a regular expression (":": one line) at the start go to every job.
  std::string header;
  bool round_robin = false;
  bool tee = false;      ///< each job gets all
  bool cat = false;      ///< {} is a file that holds the block
  bool fifo = false;     ///< {} is a fifo that the block comes out of
  std::string group_by;  ///< --group-by: column, and perl expression
  std::string shard;     ///< --shard: the same
  std::string bin;       ///< --bin: the same
};

/// When jobs may start, besides -j.
struct AdmissionSpec {
  std::string load = {};             ///< --load as given: "8", "80%", "-2", a file; empty: none
  std::uint64_t free_memory = 0;     ///< --memfree, bytes; 0: none
  std::uint64_t suspend_memory = 0;  ///< --memsuspend, bytes; 0: none
  bool no_swap = false;              ///< --noswap
  std::string limit_command = {};  ///< --limit as given: a command, or "io 10", "mem 3g", "load 5"
};

/// Which of the jobs are run: --resume and its kin, --part.
struct SelectionSpec {
  bool resume = false;
  bool resume_failed = false;
  bool retry_failed = false;
  std::uint64_t part = 1;  ///< --part K/N: jobs K, K+N, K+2N, …
  std::uint64_t parts = 1;
};

/// `enjoin sem`.
struct SemaphoreSpec {
  std::string id;                       ///< --id; empty: the terminal's name
  bool foreground = false;              ///< --fg
  bool wait = false;                    ///< --wait
  std::chrono::nanoseconds timeout{0};  ///< --semaphoretimeout; 0: none
  bool give_up = false;                 ///< it was negative: when it is over, do not run
};

/// What the person asked for, checked. One object a run.
struct Options {
  // What to run on what.
  TemplateSpec command;
  InputSpec input;
  BatchSpec batch;
  bool spread_batches = false;  ///< -X, -m: batch.spread_over is to be the number of jobs at once
  JobserverMode jobserver = JobserverMode::kAuto;
  std::string jobs_text;  ///< -j as given, form checked; empty: one for each usable CPU
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
  std::string joblog_path;         ///< empty: none; "+FILE" is appended to
  std::string database;            ///< --db; empty: none
  std::vector<std::string> words;  ///< the command line as given, for the database
  bool files = false;              ///< --files: print the names of files that hold the output
  std::string results;             ///< --results as given; empty: none
  bool compress = false;
  std::string compress_program;    ///< empty: the best that is there
  std::string decompress_program;  ///< empty: `compress_program -dc`
  std::string scratch_folder;      ///< --tmpdir; empty: $TMPDIR, /tmp
  bool latest_line = false;        ///< --latest-line: one line a running job
  bool color = false;              ///< --color: each job's output in a colour of its own
  bool color_failed = false;       ///< --color-failed
  bool color_tag = false;          ///< --ctag: the tag in colour
  PipeSpec pipe;
  bool is_one_job = false;  ///< of sem: our stdin is the job's, and its exit status is ours
  // Each job.
  std::chrono::nanoseconds delay{0};
  bool delay_adapts = false;  ///< --delay 2sauto: longer after a failure, shorter after a success
  TimeoutSpec timeout;        ///< units.h: a duration, or a percentage of the median
  std::uint32_t retries = 1;  ///< total runs; 0: without end
  std::string retries_text;   ///< with replacement strings: a number for each job; empty: none
  HaltSpec halt;
  std::optional<int> nice;
  std::vector<ResourceLimit> limits;  ///< units.h: --rlimit
  Leftovers leftovers = Leftovers::kKeep;
  Isolate isolate = Isolate::kNone;
  WorkerLoss worker_loss = WorkerLoss::kFail;
  AdmissionSpec admission;
  SelectionSpec selection;
  std::vector<StopStep> stop_ladder;        ///< --termseq; empty: the default
  std::optional<std::string> work_folder;   ///< --wd, a template; "..." is a fresh one for each run
  std::vector<std::string> environment;     ///< --env: names; "_" is all
  std::string slot_variable;                ///< --process-slot-var; empty: none
  bool terminal = false;                    ///< --tty, --open-tty: jobs get our terminal as stdin
  bool interactive = false;                 ///< -p: ask before each
  std::vector<std::string> filters;         ///< --filter: perl expressions
  std::uint32_t shell_quotes = 0;           ///< --shellquote: how often values are to be quoted
  std::optional<std::uint64_t> total_jobs;  ///< --total-jobs
  CpuUnit cpu_unit = CpuUnit::kThreads;     ///< what -j and --load count as a CPU
  bool once = false;        ///< a stage after --then without inputs: one job, without any
  bool keep_going = false;  ///< --keep-going: a stage whose jobs fail does not stop the next
};

/// What the command line asks of the program.
struct Invocation {
  enum class Action : std::uint8_t {
    kRun,
    kShow,            ///< print `text` on stdout and exit 0 (--help, --help=all, --version, …)
    kShowVersionAll,  ///< the mechanisms in force: asked of the kernel by the program
    kSemaphore,       ///< run one command under a semaphore: `semaphore` and `options`
  } action = Action::kRun;
  std::string text;  ///< of kRun: to be printed before (--show-limits)
  int status = 0;    ///< of kShow: what to exit with
  Options options;
  std::vector<Options> then;  ///< the stages after `--then`, in their order
  SemaphoreSpec semaphore;
};

/// Bad usage: exit status 255. The message says what is wrong and what to do.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Where options come from besides the command line.
struct Elsewhere {
  std::string variable;               ///< $PARALLEL
  std::string profile_folder;         ///< of -J; empty: none
  std::vector<std::string> defaults;  ///< files read where there is no -J, if they exist

  /// From the environment. The default files of GNU parallel are read by `program` "parallel" only.
  static Elsewhere of_process(const std::string& program);
};

/// Reads a command line. `program` is the base name that we were called by: "parallel" turns
/// reserved first words and --then off, and "sem" is `enjoin sem`. The options of `elsewhere` come
/// first, so that those of the command line win; words that are no options go before the command.
/// Throws UsageError, and nothing else, where something is wrong.
Invocation parse_command_line(const std::string& program, const std::vector<std::string>& args,
                              const Elsewhere& elsewhere = {});

}  // namespace enjoin
