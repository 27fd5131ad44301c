#include "runner/record/run_recorder.h"

#include <chrono>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "runner/record/attempt_row.h"

namespace enjoin {
namespace {

bool is_change(Freshness freshness) {
  return freshness == Freshness::kCommandChanged || freshness == Freshness::kEnvironmentChanged ||
         freshness == Freshness::kInputChanged;
}

}  // namespace

RunRecorder::RunRecorder(RecordSpec spec, const GraphPlan& plan, const JobSource& source)
    : spec_(std::move(spec)),
      plan_(plan),
      source_(source),
      file_(spec_.path),
      recorded_(file_.database()),
      contents_(file_.database()),
      writer_(file_.database(), spec_.run),
      output_files_(output_folder_of(spec_.path), writer_.run()) {}

RunRecorder::~RunRecorder() {
  try {
    writer_.flush();
  } catch (const Error&) {
  }
}

Identity RunRecorder::identity_of(JobIndex job, bool with_input) {
  Identity identity = source_.identity(job);
  if (!with_input) return identity;
  const std::vector<std::string> inputs = source_.inputs(job);
  if (inputs.empty()) {
    identity.input = 0;
  } else {
    identity.input = spec_.rerun_on.input ? contents_.content_of(inputs) : kInputNotLooked;
  }
  return identity;
}

Freshness RunRecorder::compare(const Identity& identity, const RecordedJobs::Job* recorded) const {
  if (recorded == nullptr) return Freshness::kNew;
  const Identity& before = recorded->identity;
  if (recorded->done == 0) return Freshness::kNotDone;
  const RerunOn& on = spec_.rerun_on;
  if (on.command && before.command != identity.command) return Freshness::kCommandChanged;
  if (on.environment && before.environment != identity.environment)
    return Freshness::kEnvironmentChanged;
  const bool was_looked_at = before.input != kInputNotLooked && identity.input != kInputNotLooked;
  if (on.input && was_looked_at && before.input != identity.input) return Freshness::kInputChanged;
  return Freshness::kUpToDate;
}

bool RunRecorder::outputs_are_there(JobIndex job) const {
  for (const std::string& path : source_.outputs(job)) {
    if (::access(path.c_str(), F_OK) != 0) return false;
  }
  return true;
}

Freshness RunRecorder::freshness(JobIndex job) {
  const Identity identity = identity_of(job, false);
  const RecordedJobs::Job* const recorded = recorded_.find(identity.key);
  if (recorded == nullptr || recorded->done == 0) return compare(identity, recorded);
  const Freshness found = compare(identity_of(job, true), recorded);
  if (found != Freshness::kUpToDate) return found;
  return outputs_are_there(job) ? Freshness::kUpToDate : Freshness::kOutputMissing;
}

// Inputs that are not there are made by other jobs of this run: nothing can be said of them yet.
void RunRecorder::survey(JobIndex job) {
  Identity identity = source_.identity(job);
  const RecordedJobs::Job* const recorded = recorded_.find(identity.key);
  if (recorded == nullptr || recorded->done == 0) return;
  ++survey_.recorded;
  const std::vector<std::string> inputs = source_.inputs(job);
  bool are_there = spec_.rerun_on.input;
  for (const std::string& path : inputs) are_there = are_there && ::access(path.c_str(), F_OK) == 0;
  identity.input = inputs.empty() ? 0 : are_there ? contents_.content_of(inputs) : kInputNotLooked;
  const Freshness found = compare(identity, recorded);
  if (!is_change(found)) return;
  ++(found == Freshness::kCommandChanged       ? survey_.command
     : found == Freshness::kEnvironmentChanged ? survey_.environment
                                               : survey_.input);
  if (spec_.accepts_changes) take_as_done(job, identity, *recorded);
}

std::string RunRecorder::survey_text() const {
  const std::uint64_t changed = survey_.command + survey_.environment + survey_.input;
  if (changed == 0) return {};
  std::string why;
  const auto name = [&why](std::uint64_t count, const char* what) {
    if (count != 0) why += fmt::format("{}{} {}", why.empty() ? "" : ", ", count, what);
  };
  name(survey_.command, "command");
  name(survey_.environment, "environment");
  name(survey_.input, "input");
  const bool one = survey_.recorded == 1;
  return fmt::format(
      "{} of {} recorded job{} changed ({}) and {}", changed, survey_.recorded, one ? "" : "s", why,
      spec_.accepts_changes ? (changed == 1 ? "is taken as done" : "are taken as done")
                            : (changed == 1 ? "runs again; --accept-changes takes it as done"
                                            : "run again; --accept-changes takes them as done"));
}

void RunRecorder::take_as_done(JobIndex job, const Identity& identity,
                               const RecordedJobs::Job& recorded) {
  Identity accepted = identity;
  if (accepted.input == kInputNotLooked) accepted.input = recorded.identity.input;
  row_of(job, accepted, recorded.done);
}

/// The row that describes the job as it is now, with what it is done with; a new one where the old
/// one says something else.
std::int64_t RunRecorder::row_of(JobIndex job, const Identity& identity, std::int64_t done) {
  RecordedJobs::Job* const recorded = recorded_.find(identity.key);
  if (recorded != nullptr && recorded->identity.command == identity.command &&
      recorded->identity.environment == identity.environment) {
    if (done != recorded->done || identity.input != recorded->identity.input)
      writer_.set_done(recorded->row, done, identity.input);
    recorded->identity = identity;
    recorded->done = done;
    return recorded->row;
  }
  const std::int64_t row = writer_.next_job();
  JobText text = source_.text(job);
  writer_.add_job({.row = row,
                   .identity = identity,
                   .done = done,
                   .stage = std::move(text.stage),
                   .name = std::move(text.name),
                   .command = source_.command(job)});
  recorded_.put({identity, row, done});
  return row;
}

bool RunRecorder::is_up_to_date(JobIndex job) {
  const Identity identity = identity_of(job, true);
  const RecordedJobs::Job* const recorded = recorded_.find(identity.key);
  const Freshness found = compare(identity, recorded);
  // What survey() knew of is accepted already. Others came to be later; where their inputs changed,
  // this run may have changed them.
  const bool accepts = spec_.accepts_changes && (found == Freshness::kCommandChanged ||
                                                 found == Freshness::kEnvironmentChanged);
  if ((found == Freshness::kUpToDate || accepts) && outputs_are_there(job)) {
    if (accepts) take_as_done(job, identity, *recorded);
    return true;
  }
  note_start(job, identity);
  return false;
}

void RunRecorder::forget(JobIndex job) {
  RecordedJobs::Job* const recorded = recorded_.find(identity_of(job, false).key);
  if (recorded == nullptr || recorded->done == 0) return;
  recorded->done = 0;
  writer_.set_done(recorded->row, 0, recorded->identity.input);
}

void RunRecorder::will_run(JobIndex job) {
  note_start(job, identity_of(job, true));
}

void RunRecorder::note_start(JobIndex job, const Identity& identity) {
  started_[static_cast<std::uint32_t>(job)] = identity;
  RecordedJobs::Job* const recorded = recorded_.find(identity.key);
  if (recorded != nullptr && recorded->done != 0) {
    // From now on its outputs may be half of this run's. That must be known before it starts.
    recorded->done = 0;
    writer_.set_done(recorded->row, 0, recorded->identity.input);
    writer_.flush();
  }
}

void RunRecorder::ended(const AttemptEnd& end) {
  if (writer_.gave_up()) return;
  const auto* const canceled = std::get_if<Canceled>(&end.result.outcome);
  if (canceled != nullptr && !canceled->started) return;
  const auto found = started_.find(static_cast<std::uint32_t>(end.job));
  const Identity identity = found != started_.end() ? found->second : identity_of(end.job, true);
  if (found != started_.end() && end.is_final) started_.erase(found);

  RecordWriter::AttemptRow row = attempt_row(end.result, end.attempt, end.end, end.output);
  row.id = writer_.next_attempt();
  row.job = row_of(end.job, identity, end.end == GraphPlan::End::kSuccess ? row.id : 0);
  row.seq = source_.text(end.job).seq;
  row.is_final = end.is_final;
  row.reason = end.reason;
  writer_.add_attempt(std::move(row));
}

void RunRecorder::stage_opened(StageIndex stage) {
  if (stage_times_.size() <= at(stage)) stage_times_.resize(at(stage) + 1);
  stage_times_[at(stage)].opened = now_since_epoch();
  put_stage(stage);
}

void RunRecorder::stage_ended(StageIndex stage) {
  if (stage_times_.size() <= at(stage)) stage_times_.resize(at(stage) + 1);
  stage_times_[at(stage)].ended = now_since_epoch();
  put_stage(stage);
}

void RunRecorder::put_stage(StageIndex stage) {
  const StageSpec& spec = plan_.stage(stage);
  RecordWriter::StageRow row;
  row.place = static_cast<std::uint32_t>(stage);
  row.stage = spec.name;
  for (const StageIndex need : spec.needs) row.needs.push_back(plan_.stage(need).name);
  row.allow_failure = spec.allow_failure;
  if (at(stage) < stage_times_.size()) {
    row.opened = stage_times_[at(stage)].opened;
    row.ended = stage_times_[at(stage)].ended;
  }
  row.counts = plan_.counts(stage);
  writer_.put_stage(std::move(row));
}

void RunRecorder::turn(std::chrono::steady_clock::time_point now) {
  writer_.add_files(contents_.take_new());
  writer_.turn(now);
}

std::chrono::nanoseconds RunRecorder::until_due(std::chrono::steady_clock::time_point now) {
  return writer_.until_due(now);
}

void RunRecorder::run_ended(int status) {
  if (writer_.gave_up()) return;
  for (std::size_t stage = 0; stage < plan_.stages(); ++stage)
    put_stage(static_cast<StageIndex>(stage));
  writer_.add_files(contents_.take_new());
  writer_.end_run(status, plan_.counts());
}

}  // namespace enjoin
