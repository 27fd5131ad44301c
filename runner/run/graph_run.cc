#include "runner/run/graph_run.h"

#include <unistd.h>

#include <fmt/format.h>

#include "runner/cpu_count.h"
#include "runner/display/terminal.h"
#include "runner/memory_budget.h"
#include "runner/units.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

std::uint32_t workers_for(const RunOptions& options, const OpenFiles& open_files) {
  return workers_of(options.batch, open_files);
}

}  // namespace

GraphRun::GraphRun(const RunOptions& options, std::unique_ptr<JobSource> source,
                   const std::string& program)
    : options_(options),
      program_(program),
      messages_(STDERR_FILENO),
      open_files_(raise_open_files()),
      workers_(workers_for(options, open_files_)),
      slots_(most_slots(options.batch, workers_, open_files_)),
      source_(std::move(source)),
      plan_({.cpus = workers_, .memory = memory_budget(), .keep_going = options.keep_going}),
      events_(open_events()),
      record_(open_record()),
      job_slots_(open_job_slots(options_.batch, workers_)),
      team_(team_spec()),
      display_(display(), *source_, plan_, messages_) {
  team_.set_most_running(workers_);
  if (is_auto_jobs(options_.batch.jobs_text))
    auto_jobs_.emplace(workers_, slots_, Machine::of_linux());
  if (!options_.batch.joblog_path.empty()) joblog_.emplace(options_.batch.joblog_path, *source_);
  team_.report_trouble(
      [this](const std::string& text) { say(fmt::format("{}: Warning: {}\n", program_, text)); });
}

TeamSpec GraphRun::team_spec() const {
  TeamSpec spec;
  spec.worker = worker_config(options_.batch, signals_, open_files_);
  spec.worker.recipes = true;
  spec.worker.isolate = source_->isolate();
  spec.worker.wipes_status = !options_.batch.quiet && can_redraw(STDERR_FILENO);
  spec.workers = slots_;
  spec.look_ahead = RunParts::kLookAhead;
  spec.ordered = options_.batch.keep_order;
  spec.worker_loss = options_.batch.worker_loss;
  spec.keeps_output = true;
  if (record_) spec.held_fd = record_->lease_fd();
  if (job_slots_) offer_slots(*job_slots_, &spec);
  return spec;
}

std::unique_ptr<EventWriter> GraphRun::open_events() const {
  if (options_.events.empty()) return nullptr;
  return std::make_unique<EventWriter>(options_.events, plan_, *source_);
}

std::unique_ptr<RunRecorder> GraphRun::open_record() const {
  if (!options_.record) return nullptr;
  RecordSpec spec;
  if (!options_.database.empty()) spec.path = options_.database;
  if (!options_.rerun_on.empty()) spec.rerun_on = parse_rerun_on(options_.rerun_on);
  spec.accepts_changes = options_.accept_changes;
  spec.run.arguments = options_.words;
  spec.run.arguments.insert(spec.run.arguments.begin(), "run");
  spec.run.cpus = workers_;
  return std::make_unique<RunRecorder>(std::move(spec), plan_, *source_);
}

DisplaySettings GraphRun::display() {
  DisplaySettings settings = display_settings(STDERR_FILENO);
  settings.program = program_;
  settings.quiet = options_.batch.quiet;
  // What comes between the frames must be ours to see, so that it is not drawn over.
  if (options_.batch.output == OutputMode::kUngroup) settings.redraws = false;
  if (options_.events == "-" && ::isatty(STDOUT_FILENO) == 1) settings.redraws = false;
  settings.repeats_output = options_.batch.keep_order;
  settings.running = [this] { return team_.running(); };
  settings.latest_line = [this](JobIndex job) { return latest_line(job); };
  settings.between_output = [this](const auto& act) { return team_.between_output(act); };
  return settings;
}

std::string GraphRun::latest_line(JobIndex job) const {
  for (const LocalTeam::RunningJob& running : team_.running_jobs()) {
    if (running.job->id.seq == at(job) + 1) return team_.latest_line(running.worker);
  }
  return "";
}

// Before anything runs, people are told what of the record does not hold any more.
void GraphRun::survey() {
  const std::uint64_t jobs = plan_.counts().added;
  if (options_.forces()) forgotten_.resize(jobs);
  for (std::uint64_t job = 0; job < jobs; ++job) {
    const JobIndex index{static_cast<std::uint32_t>(job)};
    if (!plan_.is_defined(index) || !source_->is_settled(index)) continue;
    if (options_.forces()) {
      forgotten_[job] = true;
      record_->forget(index);
    } else {
      record_->survey(index);
    }
  }
  if (options_.forces()) record_->flush();
  const std::string text = record_->survey_text();
  if (!text.empty() && !options_.batch.quiet) say(fmt::format("{}: {}\n", program_, text));
}

bool GraphRun::is_up_to_date(JobIndex job) {
  const bool is_forgotten = at(job) < forgotten_.size() && forgotten_[at(job)];
  if (is_forgotten || !options_.forces()) return record_->is_up_to_date(job);
  record_->will_run(job);
  return false;
}

void GraphRun::say(const std::string& text) {
  display_.make_way();
  messages_.say(term_safe_lines(text));
}

int GraphRun::run() {
  RunParts parts{.program = program_,
                 .source = *source_,
                 .plan = plan_,
                 .team = team_,
                 .signals = signals_,
                 .messages = messages_};
  parts.keep_order = options_.batch.keep_order;
  parts.keeps_output = true;
  if (auto_jobs_) parts.auto_jobs = &*auto_jobs_;
  parts.job_slots = job_slots_.get();
  parts.reads_all_first = source_->wait_fd() < 0;
  if (record_) {
    parts.observers.push_back(record_.get());
    parts.is_up_to_date = [this](JobIndex job) { return is_up_to_date(job); };
    parts.output_files = &record_->output_files();
    parts.on_begun = [this] { survey(); };
  }
  if (events_) parts.observers.push_back(events_.get());
  if (joblog_) parts.observers.push_back(&*joblog_);
  parts.observers.push_back(&display_);
  return RunLoop(std::move(parts)).run();
}

}  // namespace enjoin
