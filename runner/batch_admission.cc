// Whether a job may be started now, besides -j; and the number of -j itself where it may change.

#include <algorithm>

#include <fmt/format.h>

#include "runner/batch_run.h"
#include "worker/term_safe.h"

namespace enjoin {

// There is a job to start, and room for it. It is started where the answer is yes.
bool BatchRun::admits() {
  consult(true);
  if (!advice_.may_start || plan_.stopped()) return false;
  admission_.note_start();
  return true;
}

void BatchRun::consult(bool wants_start) {
  consulted_ = true;
  try {
    advice_ = admission_.consult(Clock::now(), team_.active(), wants_start);
  } catch (const Error& error) {
    say(fmt::format("{}: Error: {}; no more jobs are started\n", program_, error.what()));
    advice_ = {
        .may_start = false, .end_youngest = false, .most_awake = Admission::kAll, .ask_again = {}};
    gave_up_ = true;
    plan_.stop();
    return;
  }
  if (options_.admission.suspend_memory != 0) team_.hold_all_but(advice_.most_awake);
  if (advice_.end_youngest && !plan_.stopped()) make_room();
}

// The job that was started last runs again later. Alone, it would only meet the same again, so then
// this counts as one of its --retries.
void BatchRun::make_room() {
  const std::vector<LocalTeam::RunningJob> running = team_.running_jobs();
  if (running.empty() || running.size() < team_.active()) return;  // the youngest is on its way
  const LocalTeam::RunningJob& youngest = running.back();
  const std::uint64_t seq = youngest.job->id.seq;
  if (ending_.contains(seq)) return;
  const bool counts = running.size() == 1;
  const bool again = !counts || plan_.may_retry(*youngest.job);
  if (again) ending_.emplace(seq, counts);
  admission_.note_ending();
  team_.end_job(youngest, again ? LocalTeam::Written::kDropped : LocalTeam::Written::kPrinted);
  if (options_.quiet) return;
  const char* const follows = again ? "stopped, to run again later" : "stopped";
  const std::string& reason = admission_.reason();
  say(fmt::format("{}: Warning: job {} is {}: {}\n", program_, seq, follows,
                  reason.empty() ? "there is too little memory" : reason));
}

// True: the job that ended had been stopped to make room, and will run again.
bool BatchRun::take_put_back(JobResult& result) {
  const auto found = ending_.find(result.job.id.seq);
  if (found == ending_.end()) return false;
  const bool counts = found->second;
  ending_.erase(found);
  if (!std::holds_alternative<Canceled>(result.outcome)) return false;  // it was over by itself
  if (plan_.stopped()) {
    if (result.output_held_back) team_.skip_output(result.job.order);
    return false;
  }
  plan_.put_back(result, counts);
  return true;
}

// Read while somebody writes it, the file may be empty: the last number counts then.
void BatchRun::read_jobs_file() {
  try {
    team_.set_most_running(parse_jobs(options_.jobs_text, usable_cpus(options_.cpu_unit), slots_));
  } catch (const Error&) {
  }
}

void BatchRun::turn_auto_jobs() {
  const bool waiting = team_.room() == 0 && !plan_.stopped();
  team_.set_most_running(auto_jobs_->consult(Clock::now(), team_.active(), waiting));
}

// SIGUSR1.
void BatchRun::name_running() {
  for (const LocalTeam::RunningJob& running : team_.running_jobs()) {
    const Job& job = *running.job;
    expand_command(job.inputs, job.values, job.columns, {job.id.seq, running.worker + 1});
    say(fmt::format("{}: {}\n", program_, term_safe(line_)));
  }
}

}  // namespace enjoin
