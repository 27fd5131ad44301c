#include "runner/report/json_out.h"
#include "runner/report/report_text.h"

namespace enjoin {
namespace {

constexpr std::int64_t kVersion = 1;  // raised when a reader of an older one would be misled

void put_time(std::string_view name, const std::optional<double>& time, JsonOut* out) {
  out->key(name);
  if (time) {
    out->value(*time);
  } else {
    out->null();
  }
}

void put_attempt(const AttemptFacts& attempt, bool with_output, JsonOut* out) {
  out->begin_object();
  out->member("stage", attempt.stage).member("name", attempt.name);
  out->member("command", attempt.command);
  out->member("run", attempt.run).member("attempt", attempt.attempt);
  out->member("state", attempt.state).member("outcome", attempt.outcome);
  out->member("allowed", attempt.is_allowed);
  out->member("started", attempt.started).member("wall", attempt.wall);
  out->member("user", attempt.user).member("system", attempt.system);
  out->member("max_rss", attempt.max_rss);
  constexpr const char* kNames[] = {"stdout", "stderr"};
  for (int stream = 0; with_output && stream < 2; ++stream) {
    if (attempt.bytes[stream] == 0) continue;
    out->key(kNames[stream]).begin_object();
    out->member("bytes", attempt.bytes[stream]).member("text", attempt.text[stream]);
    if (!attempt.path[stream].empty()) out->member("path", attempt.path[stream]);
    out->end_object();
  }
  out->end_object();
}

template <typename Facts>
void put_counts(const Facts& facts, JsonOut* out) {
  out->member("jobs", facts.jobs).member("succeeded", facts.succeeded);
  out->member("up_to_date", facts.up_to_date).member("failed", facts.failed);
  out->member("allowed", facts.allowed).member("dropped", facts.dropped);
}

void put_run(const RunFacts& run, JsonOut* out) {
  out->key("run").begin_object();
  out->member("run", run.run).member("mode", run.mode);
  out->key("arguments").begin_array();
  for (const std::string& word : run.arguments) out->value(word);
  out->end_array();
  out->member("folder", run.folder).member("host", run.host).member("version", run.version);
  out->member("started", run.started);
  put_time("ended", run.ended, out);
  out->key("status");
  if (run.status) {
    out->value(*run.status);
  } else {
    out->null();
  }
  out->member("cpus", run.cpus);
  put_counts(run, out);
  out->member("canceled", run.canceled);
  out->end_object();
}

void put_stages(const std::vector<StageFacts>& stages, JsonOut* out) {
  out->key("stages").begin_array();
  for (const StageFacts& stage : stages) {
    out->begin_object().member("stage", stage.name);
    out->key("needs").begin_array();
    for (const std::string& name : stage.needs) out->value(name);
    out->end_array();
    put_counts(stage, out);
    out->member("attempts", stage.attempts);
    put_time("began", stage.began, out);
    put_time("ended", stage.ended, out);
    out->member("work", stage.work).member("cpu", stage.cpu).member("longest", stage.longest);
    out->member("max_rss", stage.max_rss).end_object();
  }
  out->end_array();
}

void put_path(const Report& report, JsonOut* out) {
  out->key("critical_path").begin_object().member("wall", report.path_work);
  out->key("steps").begin_array();
  for (const PathStep& step : report.path) {
    out->begin_object().member("stage", step.stage).member("jobs", step.jobs);
    out->member("from", step.from).member("wall", step.wall);
    out->member("longest_name", step.longest_name).member("longest", step.longest).end_object();
  }
  out->end_array().end_object();
}

}  // namespace

std::string report_json(const Report& report, const std::vector<FlakyJob>& flaky) {
  JsonOut out;
  out.begin_object().member("version", kVersion);
  put_run(report.run, &out);
  out.member("failed_in_all", report.failed_in_all);
  out.key("failed").begin_array();
  for (const AttemptFacts& attempt : report.failed) put_attempt(attempt, true, &out);
  out.end_array();
  put_stages(report.stages, &out);
  out.key("slowest").begin_array();
  for (const AttemptFacts& attempt : report.slowest) put_attempt(attempt, false, &out);
  out.end_array();
  put_path(report, &out);
  const double span = report.run.last - report.run.started;
  out.key("utilisation").begin_object();
  out.member("wall", span).member("work", report.work).member("cpu", report.cpu).end_object();
  out.key("retries").begin_object().member("jobs", report.retries.jobs);
  out.member("passed", report.retries.passed).member("lost", report.retries.lost).end_object();
  out.key("flaky").begin_array();
  for (const FlakyJob& job : flaky) {
    out.begin_object().member("stage", job.stage).member("name", job.name);
    out.member("failures", job.failures).member("passes", job.passes);
    out.key("last_failure");
    put_attempt(job.last_failure, true, &out);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take();
}

}  // namespace enjoin
