#include "runner/batch_setup.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>
#include <unistd.h>
#include <utility>

#include "runner/display/terminal.h"
#include "runner/pipe/job_feed.h"
#include "runner/results.h"
#include "runner/values/resolver.h"
#include "worker/isolation.h"
#include "worker/result_path.h"
#include "worker/shell_choice.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

// Descriptors of ours for each worker: its socket and two capture files.
constexpr std::uint64_t kDescriptorsPerWorker = 3;
// Its block, and the descriptor on its way to the job.
constexpr std::uint64_t kPipedPerWorker = 2;
constexpr std::uint64_t kOwnDescriptors = 32;

std::string scratch_folder(const Options& options) {
  if (!options.scratch_folder.empty()) return options.scratch_folder;
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

// The first that is there, in GNU parallel's order.
std::string some_compressor() {
  for (const char* const name :
       {"pzstd", "lbzip2", "pbzip2", "zstd", "pigz", "lz4", "lzop", "plzip", "lzip", "lrz", "gzip",
        "pxz", "lzma", "bzip2", "xz", "clzip"}) {
    if (ProgramFinder().find(name) != nullptr) return name;
  }
  throw Error("--compress needs a program, and none is in PATH; name one by --compress-program");
}

// What is shown, kept and coloured.
void set_output(const Options& options, WorkerConfig* config) {
  config->results = results_spec(options, config->scratch_folder);
  // What is kept in files or becomes a row is known once a job has ended.
  if (config->results.table != Table::kNone || config->results.keep != Keep::kNothing) {
    config->output = OutputMode::kGroup;
  }
  if (options.compress) {
    config->compress_program =
        options.compress_program.empty() ? some_compressor() : options.compress_program;
  }
  if (config->output == OutputMode::kUngroup) return;
  config->color = options.color || options.color_tag;
  config->color_failed = options.color_failed;
  config->latest_line = options.latest_line && config->results.keep == Keep::kNothing &&
                        config->results.table == Table::kNone;
  if (config->latest_line) config->output = OutputMode::kLineBuffer;
}

// Where the name of each job's own folder begins (--workdir ...).
std::string fresh_work_folders() {
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    throw Error("--workdir ... needs HOME, for its folders are made in $HOME/.parallel/tmp");
  }
  char host[HOST_NAME_MAX + 1] = {};
  ::gethostname(host, sizeof host - 1);
  return std::string(home) + "/.parallel/tmp/" + host + '-' + std::to_string(::getpid()) + '-';
}

void refuse_tmp(const Options& options, const std::string& folder) {
  if (options.isolate == Isolate::kNone || !JobView(folder, "").is_all_of_tmp()) return;
  throw Error(
      "--isolate=pid gives each job a /tmp of its own, so jobs cannot run in /tmp itself; run them"
      " in a folder below it, or elsewhere (--workdir)");
}

// Where jobs run, and what they find there.
void set_surroundings(const Options& options, WorkerConfig* config) {
  config->slot_variable = options.slot_variable;
  config->terminal = options.terminal;
  if (!options.work_folder) return refuse_tmp(options, "");
  config->removes_work_folder = *options.work_folder == "...";
  config->work_folder = text_template(
      options, config->removes_work_folder ? fresh_work_folders() + "{#}" : *options.work_folder);
  if (config->removes_work_folder || !is_constant(*config->work_folder)) return;
  const std::string& folder = *options.work_folder;
  int error = make_folders(folder);
  if (error == 0 && ::access(folder.empty() ? "." : folder.c_str(), X_OK) != 0) error = errno;
  if (error != 0) throw system_error("cannot run jobs in " + term_safe(folder), error);
  refuse_tmp(options, folder);
}

bool waits_for_machine(const AdmissionSpec& spec) {
  return !spec.load.empty() || spec.free_memory != 0 || spec.suspend_memory != 0 || spec.no_swap ||
         !spec.limit_command.empty();
}

// Each start must wait for the ends before it where those decide whether it happens at all.
bool starts_depend_on_ends(const Options& options) {
  return options.halt.when != HaltSpec::When::kNever || options.delay.count() != 0 ||
         options.timeout.percent_of_median > 0 || waits_for_machine(options.admission) ||
         is_jobs_file(options.jobs_text) || is_auto_jobs(options.jobs_text) || options.interactive;
}

}  // namespace

OpenFiles raise_open_files() {
  OpenFiles given{};
  ::getrlimit(RLIMIT_NOFILE, &given);
  OpenFiles raised = given;
  raised.rlim_cur = raised.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return given;
}

std::uint32_t most_workers(const OpenFiles& open_files, bool piped) {
  const std::uint64_t each = kDescriptorsPerWorker + (piped ? kPipedPerWorker : 0);
  const std::uint64_t files = open_files.rlim_max == RLIM_INFINITY ? 1U << 20 : open_files.rlim_max;
  const std::uint64_t by_files = files > kOwnDescriptors ? (files - kOwnDescriptors) / each : 1;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(by_files, 1, ipc::kMaxWorkers));
}

std::uint32_t workers_of(const Options& options, const OpenFiles& open_files) {
  const std::uint32_t most = most_workers(open_files, is_piped(options));
  const std::string jobs = jobs_text(options);
  if (jobs.empty()) {
    const std::uint32_t offered = jobs_of_make(options.jobserver);
    if (offered != 0) return std::min(offered, most);
  }
  return parse_jobs(jobs, usable_cpus(options.cpu_unit), most);
}

std::unique_ptr<JobSlots> open_job_slots(const Options& options, std::uint32_t workers) {
  const std::vector<std::string>& words = options.command.words;
  return open_job_slots({.mode = options.jobserver,
                         .slots = workers,
                         .scratch_folder = scratch_folder(options),
                         .command = words.empty() ? std::string_view() : words.front()});
}

std::uint32_t most_slots(const Options& options, std::uint32_t workers,
                         const OpenFiles& open_files) {
  constexpr std::uint32_t most_from_file = 256;
  if (!is_jobs_file(options.jobs_text) && !is_auto_jobs(options.jobs_text)) return workers;
  const std::uint32_t most = most_workers(open_files, is_piped(options));
  return std::max(workers, std::min(most, most_from_file)) + 1;  // never equal to `workers`
}

WorkerConfig worker_config(const Options& options, const SignalEvents& signals,
                           const OpenFiles& open_files) {
  WorkerConfig config;
  config.command = command_spec(options);
  config.shell = choose_shell();
  config.output = options.output;
  config.keep_order = options.keep_order;
  config.wipes_status = options.progress != ProgressKind::kNone && can_redraw(STDERR_FILENO);
  config.tag = tag_template(options);
  config.max_output_bytes = options.max_output_bytes;
  // With --interactive the question shows the command.
  config.verbose = options.interactive ? Verbose::kNo : options.verbose;
  config.leftovers = options.leftovers;
  config.isolate = options.isolate;
  config.nice = options.nice;
  config.limits = options.limits;
  config.stop_ladder = options.stop_ladder.empty() ? default_stop_ladder() : options.stop_ladder;
  config.signal_mask = signals.caller_mask();
  if (open_files.rlim_cur != open_files.rlim_max) {  // else there was nothing to raise
    config.open_files_soft = open_files.rlim_cur;
    config.open_files_hard = open_files.rlim_max;
  }
  config.parallel_pid = static_cast<std::uint32_t>(::getpid());
  config.scratch_folder = scratch_folder(options);
  set_output(options, &config);
  set_surroundings(options, &config);
  return config;
}

std::string input_parent(const Options& options) {
  const JobInput input = job_input(options);
  return input == JobInput::kFile || input == JobInput::kFifo ? scratch_folder(options) : "";
}

void adopt_templates(const Options& options, Evaluator* evaluator, WorkerConfig* config) {
  const auto adopt = [evaluator](std::optional<TemplateSpec>& spec) {
    if (spec) spec = evaluator->adopt(std::move(*spec));
  };
  config->command = evaluator->adopt(std::move(config->command));
  adopt(config->tag);
  adopt(config->results.name);
  adopt(config->work_folder);
  for (const std::string& code : options.filters) evaluator->add_filter(code, options.command);
  if (is_piped(options) && evaluator->needs_total()) {
    throw UsageError(
        "the number of all jobs ({##}, total_jobs()) is not known before their data is read:"
        " --pipe and --pipepart cannot show it");
  }
  evaluator->begin();
}

void offer_slots(const JobSlots& slots, TeamSpec* team) {
  team->look_ahead = 0;
  team->worker.jobserver = slots.spec();
  const std::string& folder = team->worker.jobserver.folder;
  if (!folder.empty()) team->temp_names.push_back(folder);
}

TeamSpec team_spec(const Options& options, const SignalEvents& signals, const OpenFiles& open_files,
                   std::uint32_t workers, const TeamParts& parts) {
  WorkerConfig worker = worker_config(options, signals, open_files);
  adopt_templates(options, parts.evaluator, &worker);
  worker.job_input = job_input(options);
  worker.input_folder = parts.input_folder;
  std::vector<std::string> temp_names;
  if (!parts.input_folder.empty()) temp_names.push_back(parts.input_folder);
  if (worker.removes_work_folder) temp_names.push_back(fresh_work_folders());
  TeamSpec team{.worker = std::move(worker),
                .workers = workers,
                .look_ahead = starts_depend_on_ends(options) ? 0U : 1024U,
                .ordered = options.keep_order && options.output != OutputMode::kUngroup,
                .worker_loss = options.worker_loss,
                .keeps_output = !options.database.empty() && options.output != OutputMode::kUngroup,
                .output_fd = parts.output_fd,
                .held_fd = parts.held_fd,
                .temp_names = std::move(temp_names)};
  if (parts.job_slots != nullptr) offer_slots(*parts.job_slots, &team);
  return team;
}

std::optional<Template> retries_template(const Options& options, Evaluator* evaluator) {
  if (options.retries_text.empty()) return std::nullopt;
  return Template::parse(evaluator->adopt(text_template(options, options.retries_text)));
}

std::unique_ptr<InputSource> open_source(const Options& options, const Selection& selection,
                                         std::vector<std::string>* names) {
  if (auto commands = selection.logged_commands()) return commands;
  return open_input(is_piped(options) ? argument_spec(options) : options.input, names);
}

Joblog open_joblog(const Options& options, const Selection& selection, bool is_later_stage) {
  const std::string path = joblog_file(options);
  if (is_later_stage) return Joblog(path, Joblog::Start::kContinue);
  const JoblogReading& reading = selection.reading();
  if (reading.exists) return Joblog(path, {reading.whole_bytes, reading.cut_bytes});
  const bool append = options.joblog_path.starts_with('+');
  return Joblog(path, append ? Joblog::Start::kAppend : Joblog::Start::kTruncate);
}

BatchSpec batch_spec(const Options& options, std::uint32_t workers) {
  if (is_piped(options)) return {};  // -N and -L are about records of the data
  BatchSpec spec = options.batch;
  if (options.spread_batches) spec.spread_over = workers;
  return spec;
}

std::optional<TemplateSpec> tag_template(const Options& options) {
  if (!options.tag) return std::nullopt;
  TemplateSpec tag = text_template(options, options.tag_string.value_or("{}"));
  if (!options.tag_string) {
    // The inputs as they are, whatever {} stands for in the command.
    tag.replace_string = "{}";
    tag.renames.clear();
    tag.definitions.clear();
  }
  return tag;
}

}  // namespace enjoin
