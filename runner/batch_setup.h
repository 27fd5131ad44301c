#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <sys/resource.h>

#include "runner/cli/options.h"
#include "runner/joblog.h"
#include "runner/selection.h"
#include "runner/signals.h"
#include "runner/team/local_team.h"
#include "runner/values/evaluator.h"

namespace enjoin {

/// Our limit of open files, as our caller gave it and as jobs are to have it.
using OpenFiles = rlimit;

/// Raises our own limit of open files as far as it may go; returns what our caller gave us.
OpenFiles raise_open_files();

/// How many workers we have descriptors for; `piped`: with their data.
std::uint32_t most_workers(const OpenFiles& open_files, bool piped = false);

/// How many jobs run at once: -j, else as many as the make has whose jobserver we use
/// (--jobserver), else one for each CPU.
std::uint32_t workers_of(const Options& options, const OpenFiles& open_files);

/// The slots that --jobserver has us use; null: none. `workers` is our own -j.
std::unique_ptr<JobSlots> open_job_slots(const Options& options, std::uint32_t workers);

/// How many workers there may ever be where `workers` begin: more where -j names a file, which may
/// name another number later.
std::uint32_t most_slots(const Options& options, std::uint32_t workers,
                         const OpenFiles& open_files);

/// What workers are told of the whole run.
WorkerConfig worker_config(const Options& options, const SignalEvents& signals,
                           const OpenFiles& open_files);

/// Where the folder of --cat's and --fifo's files is to be made; empty: there is none.
std::string input_parent(const Options& options);

/// Has the evaluator read all templates of the run, and puts what it makes of them into the
/// configuration. Then it is ready to evaluate.
void adopt_templates(const Options& options, Evaluator* evaluator, WorkerConfig* config);

/// What a run has for its team; all of it is the caller's.
struct TeamParts {
  int output_fd = -1;        ///< where stdout's output goes
  std::string input_folder;  ///< --cat and --fifo
  Evaluator* evaluator = nullptr;
  int held_fd = -1;                     ///< TeamSpec::held_fd
  const JobSlots* job_slots = nullptr;  ///< null: jobs need none
};

/// The team for a run of at most `workers` jobs at once.
TeamSpec team_spec(const Options& options, const SignalEvents& signals, const OpenFiles& open_files,
                   std::uint32_t workers, const TeamParts& parts);

/// Has the team's workers offer the slots to their jobs.
void offer_slots(const JobSlots& slots, TeamSpec* team);

/// --retries where it depends on the inputs. Throws Error.
std::optional<Template> retries_template(const Options& options, Evaluator* evaluator);

/// Where the jobs' inputs come from: the command line's sources, or the log of --retry-failed.
/// `*names` gets those of --header.
std::unique_ptr<InputSource> open_source(const Options& options, const Selection& selection,
                                         std::vector<std::string>* names);

/// The log that --joblog names: begun anew, or gone on with where it was asked for by `+` or one of
/// --resume's kin, or where an earlier stage began it. What a crash cut off at its end is taken
/// away first.
Joblog open_joblog(const Options& options, const Selection& selection, bool is_later_stage);

/// How the inputs are grouped where `workers` jobs run at once.
BatchSpec batch_spec(const Options& options, std::uint32_t workers);

/// What --tag and --tagstring begin each line with; nullopt: nothing.
std::optional<TemplateSpec> tag_template(const Options& options);

}  // namespace enjoin
