#include "runner/serve/schedule.h"

#include <algorithm>

#include "enjoin/error.h"

namespace enjoin {
namespace {

// With so few jobs about, somebody waits for each of their ends.
constexpr std::size_t kFewJobs = 16;

[[noreturn]] void damage(const std::string& what) {
  throw Error("what the host says is damaged: " + what);
}

JobId id_of(JobIndex job) {
  return JobId{at(job) + 1};
}

}  // namespace

Schedule::Schedule(GraphPlanSpec spec, pid_t terminal_group)
    : plan_(spec), terminal_group_(terminal_group) {
  plan_.add_stage({});
}

template <typename Body>
Body Schedule::body_of(const SocketFrame& frame) {
  Body body{};
  if (!unpack(frame.body, &body)) damage("a frame of kind " + std::to_string(frame.kind));
  return body;
}

JobIndex Schedule::known(JobId job) const {
  const auto number = static_cast<std::uint64_t>(job);
  if (number == 0 || number > last_job_) damage("there is no job " + std::to_string(number));
  return JobIndex{static_cast<std::uint32_t>(number - 1)};
}

StageIndex Schedule::known(StageId stage) const {
  const auto number = static_cast<std::uint32_t>(stage);
  if (number > last_stage_) damage("there is no stage " + std::to_string(number));
  return StageIndex{number};
}

void Schedule::take(SocketFrame frame) {
  switch (static_cast<HostFrame>(frame.kind)) {
    case HostFrame::kAddLimit: {
      auto limit = body_of<AddLimitMessage>(frame);
      if (static_cast<std::uint32_t>(limit.id) != ++last_limit_) damage("the number of a limit");
      plan_.add_pool({std::move(limit.options.name), limit.options.slots, {}});
      return;
    }
    case HostFrame::kAddStage:
      return take_stage(frame);
    case HostFrame::kCloseStage: {
      const StageIndex stage = known(body_of<StageId>(frame));
      if (at(stage) == 0) damage("a stage without a number was closed");
      return plan_.close_stage(stage);
    }
    case HostFrame::kAddJob:
      return take_job(std::move(frame));
    case HostFrame::kAddNeed:
      return take_need(frame);
    case HostFrame::kCancel: {
      const auto wish = body_of<CancelMessage>(frame);
      return cancel(wish.job, wish.how);
    }
    case HostFrame::kCancelAll:
      return cancel_all(body_of<CancelMessage>(frame).how);
    case HostFrame::kSkip:
      plan_.skip(known(body_of<JobId>(frame)));
      return;
    case HostFrame::kAnswer:
      return take_answer(frame);
    case HostFrame::kSetCpus:
      cpus_ = std::max(body_of<std::uint32_t>(frame), 1U);
      return plan_.set_cpus(cpus_);
    case HostFrame::kSetup:
      break;
  }
  damage("a frame of kind " + std::to_string(frame.kind));
}

void Schedule::take_stage(const SocketFrame& frame) {
  auto stage = body_of<AddStageMessage>(frame);
  if (static_cast<std::uint32_t>(stage.id) != last_stage_ + 1) damage("the number of a stage");
  StageSpec spec{.name = std::move(stage.options.name),
                 .most_running = stage.options.most_running,
                 .allow_failure = stage.options.allow_failure};
  for (const StageId need : stage.options.needs) {
    if (need == StageId{}) damage("a stage needs one without a number");
    spec.needs.push_back(known(need));
  }
  ++last_stage_;
  plan_.add_stage(std::move(spec));
}

Requirement Schedule::requirement_of(const JobOptions& options) const {
  Requirement requirement{.cpus = options.cpus,
                          .attempts = options.attempts,
                          .retry_delay = options.retry_delay,
                          .retry_backoff = options.retry_backoff,
                          .priority = options.priority,
                          .asks = options.asks};
  if (options.memory > 0) requirement.memory.push_back(options.memory);
  for (const LimitId limit : options.limits) {
    const auto number = static_cast<std::uint32_t>(limit);
    if (number == 0 || number > last_limit_) damage("there is no limit " + std::to_string(number));
    requirement.pools.push_back(PoolIndex{number - 1});
  }
  std::sort(requirement.pools.begin(), requirement.pools.end());
  const auto twice = std::unique(requirement.pools.begin(), requirement.pools.end());
  requirement.pools.erase(twice, requirement.pools.end());
  return requirement;
}

void Schedule::take_job(SocketFrame frame) {
  auto message = body_of<AddJobMessage>(frame);
  const JobId id = message.id;
  const JobOptions& options = message.options;
  if (static_cast<std::uint64_t>(id) != last_job_ + 1 || last_job_ >= kNoIndex - 1) {
    damage("the number of a job");
  }
  const StageIndex stage = known(options.stage);
  const RequirementIndex requirement = plan_.add_requirement(requirement_of(options));
  std::vector<JobIndex> needs;
  for (const JobId need : options.needs) needs.push_back(known(need));
  const JobIndex index = plan_.add_job(stage, requirement, options.expected);
  ++last_job_;
  for (const JobIndex need : needs) plan_.add_need(index, need);
  try {
    jobs_.emplace(last_job_, served_job_of(std::move(message), std::move(frame.descriptors),
                                           terminal_group_, &share_));
  } catch (const Error& error) {
    plan_.cancel(index);
    refused_.push_back({id, StageId{}, error.what()});
  }
}

void Schedule::take_need(const SocketFrame& frame) {
  const auto need = body_of<AddNeedMessage>(frame);
  const JobIndex job = known(need.job);
  const JobIndex on = known(need.on);
  if (plan_.is_unstarted(job) && plan_.attempt(job) == 0) plan_.add_need(job, on);
}

void Schedule::take_answer(const SocketFrame& frame) {
  const auto answer = body_of<AnswerMessage>(frame);
  const bool is_same = answer.answer == Answer::kUnchanged;
  plan_.answer(known(answer.job),
               is_same ? GraphPlan::Effect::kUnchanged : GraphPlan::Effect::kChanged);
}

void Schedule::cancel(JobId id, Stop how) {
  const JobIndex index = known(id);
  if (plan_.cancel(index)) return;
  const auto found = jobs_.find(static_cast<std::uint64_t>(id));
  if (found == jobs_.end() || !found->second.runs) return;
  found->second.canceled = true;
  cancels_.push_back({id, how});
}

void Schedule::cancel_all(Stop how) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, job] : jobs_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const std::uint64_t id : ids) cancel(JobId{id}, how);
}

std::vector<JobReport> Schedule::take_unrun() {
  std::vector<JobReport> reports;
  const auto tell = [&](JobIndex index, JobReport report) {
    const auto found = jobs_.find(static_cast<std::uint64_t>(id_of(index)));
    if (found == jobs_.end()) return;  // refused
    report.id = id_of(index);
    report.attempt = std::max(plan_.attempt(index), 1U);
    jobs_.erase(found);
    reports.push_back(std::move(report));
  };
  for (const JobIndex index : plan_.take_skipped()) {
    JobReport report;
    report.kind = JobReport::Kind::kSkipped;
    report.success = true;
    report.outcome = Exited{};
    tell(index, std::move(report));
  }
  while (const std::optional<JobIndex> index = plan_.take_dropped()) {
    JobReport report;
    const bool began = plan_.attempt(*index) > 0;  // it waited for its next attempt
    report.kind = began ? JobReport::Kind::kRan : JobReport::Kind::kDropped;
    report.outcome = Canceled{began, 0};
    tell(*index, std::move(report));
  }
  return reports;
}

std::optional<Job> Schedule::next(TimePoint now) {
  while (plan_.take_opened()) {
  }
  while (true) {
    const std::optional<GraphPlan::Start> start = plan_.next(now);
    if (!start) return std::nullopt;
    const auto id = static_cast<std::uint64_t>(id_of(start->job));
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) {
      static_cast<void>(plan_.on_end(start->job, GraphPlan::End::kCanceled, {}, now));
      continue;
    }
    ServedJob& served = found->second;
    served.runs = true;
    Job job;
    job.id = {id};
    job.attempt = start->attempt;
    job.most_attempts = served.attempts;
    if (plan_.may_retry(start->job, start->attempt)) {
      job.inputs = served.recipe;
    } else {
      job.inputs = std::move(served.recipe);
    }
    job.timeout = served.timeout;
    job.prompt = start->prompt || jobs_.size() <= kFewJobs;
    return job;
  }
}

const ServedJob* Schedule::running(std::uint64_t job) const {
  const auto found = jobs_.find(job);
  return found != jobs_.end() && found->second.runs ? &found->second : nullptr;
}

std::optional<JobReport> Schedule::on_end(const JobResult& result, TimePoint now) {
  const auto found = jobs_.find(result.job.id.seq);
  if (found == jobs_.end()) return std::nullopt;
  ServedJob& job = found->second;
  const JobIndex index{static_cast<std::uint32_t>(result.job.id.seq - 1)};
  const auto* const canceled = std::get_if<Canceled>(&result.outcome);
  GraphPlan::End end = GraphPlan::End::kFailure;
  if (succeeded(result.outcome)) {
    end = GraphPlan::End::kSuccess;
  } else if (canceled != nullptr || job.canceled) {
    end = GraphPlan::End::kCanceled;
  }
  job.runs = false;
  if (plan_.on_end(index, end, result.use.wall, now) == GraphPlan::Verdict::kRetry) {
    return std::nullopt;
  }
  JobReport report;
  report.id = JobId{result.job.id.seq};
  const bool never = canceled != nullptr && !canceled->started && result.job.attempt == 1;
  report.kind = never ? JobReport::Kind::kDropped : JobReport::Kind::kRan;
  report.success = end == GraphPlan::End::kSuccess;
  report.outcome = result.outcome;
  report.use = result.use;
  report.attempt = result.job.attempt;
  report.slot = result.slot;
  report.started_at = result.started_at;
  report.output_cut = result.output_cut;
  report.left_processes = result.left_processes;
  report.processes_escaped = result.processes_escaped;
  jobs_.erase(found);
  return report;
}

}  // namespace enjoin
