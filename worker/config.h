#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/jobserver_spec.h"
#include "worker/kept_output.h"
#include "worker/template.h"

namespace enjoin {

/// Where a job's output goes while and after it runs.
enum class OutputMode : std::uint8_t {
  kGroup,       ///< captured in a file, printed whole when the job has ended
  kLineBuffer,  ///< captured by pipes, printed as whole lines while the job runs
  kUngroup,     ///< our own stdout and stderr
};

/// What becomes of processes that outlive a job which ended by itself.
enum class Leftovers : std::uint8_t {
  kKeep,    ///< they run on, as under GNU parallel
  kReport,  ///< they run on, and the job is named
  kKill,    ///< they are killed
  kFail,    ///< they are killed, and the job counts as failed
};

/// How far jobs are shut in (isolation.h).
enum class Isolate : std::uint8_t {
  kNone,  ///< they are ordinary processes
  kPid,   ///< each in a pid namespace and with a /tmp of its own, and no_new_privs
};

/// What becomes of the data that the supervisor has for each job.
enum class JobInput : std::uint8_t {
  kNone,   ///< there is none: stdin is /dev/null
  kStdin,  ///< it is the job's stdin
  kFile,   ///< it is in a file, whose path is in $PARALLEL_TMP (--cat)
  kFifo,   ///< it comes out of a fifo, likewise (--fifo)
};

/// Whether each command is shown before it runs.
enum class Verbose : std::uint8_t { kNo, kToStdout, kToStderr };  ///< -v, -t

/// One of --rlimit's items: `as=2G,nproc=64`.
struct ResourceLimit {
  int resource = 0;         ///< RLIMIT_…
  std::uint64_t value = 0;  ///< in the resource's own unit; ~0: unlimited
};

/// One step of ending a job: send `signal` to its process group, then wait.
struct StopStep {
  int signal = 0;
  std::uint32_t wait_ms = 0;
};

/// How a team of workers runs its command jobs: written once by the supervisor, read by each worker
/// at its start. Environment, working directory, umask and limits are not here: workers inherit
/// them, and hand them on.
struct WorkerConfig {
  TemplateSpec command;
  std::string shell;  ///< absolute path
  OutputMode output = OutputMode::kGroup;
  bool keep_order = false;
  bool wipes_status = false;           ///< the supervisor's status line is on the same terminal
  std::optional<TemplateSpec> tag;     ///< printed before each line, with a TAB
  std::uint64_t max_output_bytes = 0;  ///< by stream; 0: no cap
  Verbose verbose = Verbose::kNo;
  Leftovers leftovers = Leftovers::kKeep;
  std::optional<int> nice;  ///< added to our own
  std::vector<ResourceLimit> limits;
  std::vector<StopStep> stop_ladder;
  std::uint64_t signal_mask = 0;      ///< our caller's blocked signals, bit n-1 for signal n
  std::uint64_t open_files_soft = 0;  ///< our caller's RLIMIT_NOFILE, given back to jobs
  std::uint64_t open_files_hard = 0;
  std::uint32_t parallel_pid = 0;  ///< PARALLEL_PID
  std::string scratch_folder;      ///< for captured output
  JobInput job_input = JobInput::kNone;
  std::string input_folder;  ///< for the files of kFile and kFifo
  ResultsSpec results;
  /// A shell command from stdin to stdout: what `results` keeps goes through it. Empty: none.
  std::string compress_program;
  bool color = false;         ///< each job's lines in a colour of their own (never with kUngroup)
  bool color_failed = false;  ///< the lines of a failed job in white on red, where they are grouped
  bool latest_line = false;   ///< kLineBuffer shows only the latest line of each job, in place
  std::optional<TemplateSpec> work_folder;  ///< where jobs run; made where it is not there
  bool removes_work_folder = false;         ///< with all that is in it, after each job
  std::string slot_variable;                ///< is set to the slot's number less one; empty: none
  bool terminal = false;             ///< jobs read our terminal, and stay in our process group
  Isolate isolate = Isolate::kNone;  ///< never with `terminal`
  JobserverSpec jobserver;           ///< for jobs that are not isolated
  /// Each job is a JobRecipe (job_recipe.h), packed as Job::inputs, instead of inputs for
  /// `command`. `shell` and `leftovers` do not count then; `isolate` says that some jobs want it.
  /// Templates of `tag` and the like see the recipe's label as the only value.
  bool recipes = false;
  bool prints = true;  ///< false: output is only kept (TeamSpec::keeps_output), never printed
  bool plain_environment = false;  ///< true: jobs get no PARALLEL_… variables of ours
};

/// GNU parallel's default for ending a job (its --termseq: TERM,200,TERM,100,TERM,50,KILL,25).
std::vector<StopStep> default_stop_ladder();

std::string pack(const WorkerConfig& config);
/// Throws Error where `bytes` are not what pack() wrote.
WorkerConfig unpack_worker_config(std::string_view bytes);

}  // namespace enjoin
