#include "runner/jsonl/event_writer.h"

#include <cstring>
#include <unistd.h>
#include <variant>

namespace enjoin {
namespace {

constexpr std::chrono::milliseconds kTryAgain{20};
constexpr std::string_view kStreams[] = {"stdout", "stderr"};

std::chrono::nanoseconds since_epoch() {
  return std::chrono::system_clock::now().time_since_epoch();
}

std::string_view result_name(GraphPlan::End end) {
  switch (end) {
    case GraphPlan::End::kSuccess:
      return "success";
    case GraphPlan::End::kFailure:
      return "failure";
    case GraphPlan::End::kCanceled:
      break;
  }
  return "canceled";
}

/// What there is to say of each outcome.
struct OutcomeFields {
  JsonLine& line;
  void operator()(const Exited& it) { line.add("outcome", "exited").add("status", it.status); }
  void operator()(const Signaled& it) {
    line.add("outcome", "signaled").add("signal", it.signal);
    if (it.core_dumped) line.add("core_dumped", true);
    if (it.out_of_memory) line.add("out_of_memory", true);
  }
  void operator()(const TimedOut& it) { line.add("outcome", "timed_out").add("signal", it.signal); }
  void operator()(const Canceled& it) {
    line.add("outcome", "canceled").add("was_started", it.started).add("signal", it.signal);
  }
  void operator()(const Lost&) { line.add("outcome", "lost"); }
  void operator()(const SpawnFailed& it) {
    line.add("outcome", "spawn_failed").add("error", std::strerror(it.error));
  }
  void operator()(const OutputFailed& it) {
    line.add("outcome", "output_failed").add("error", std::strerror(it.error));
  }
  void operator()(const InputShrank&) { line.add("outcome", "input_shrank"); }
};

void add_use(const ResourceUse& use, JsonLine* line) {
  line->add("wall", use.wall)
      .add("waited", use.queued)
      .add("user", std::chrono::nanoseconds(use.user))
      .add("system", std::chrono::nanoseconds(use.system))
      .add("max_rss_kb", use.max_rss_kb)
      .add("minor_faults", use.minor_faults)
      .add("major_faults", use.major_faults)
      .add("voluntary_switches", use.voluntary_switches)
      .add("involuntary_switches", use.involuntary_switches)
      .add("blocks_in", use.blocks_in)
      .add("blocks_out", use.blocks_out);
}

void add_counts(const GraphPlan::Counts& counts, JsonLine* line) {
  line->add("jobs", counts.added)
      .add("succeeded", counts.succeeded)
      .add("up_to_date", counts.up_to_date)
      .add("failed", counts.failed)
      .add("allowed", counts.allowed)
      .add("dropped", counts.dropped);
}

}  // namespace

EventWriter::EventWriter(const std::string& path, const GraphPlan& plan, const JobSource& source)
    : plan_(plan), source_(source), stream_(path) {
  event("run_started")
      .add("version", kVersion)
      .add("enjoin", ENJOIN_VERSION)
      .add("pid", ::getpid())
      .end();
  stream_.put(line_);
}

JsonLine EventWriter::event(std::string_view name) {
  line_.clear();
  JsonLine line(&line_);
  line.add("event", name).add("time", since_epoch());
  return line;
}

JsonLine EventWriter::job_event(std::string_view name, JobIndex job) {
  const JobText text = source_.text(job);
  JsonLine line = event(name);
  line.add("seq", text.seq).add("id", text.name);
  return line;
}

void EventWriter::stage_opened(StageIndex stage) {
  event("stage_opened").add("stage", plan_.stage(stage).name).end();
  stream_.put(line_);
}

void EventWriter::stage_ended(StageIndex stage) {
  JsonLine line = event("stage_ended");
  line.add("stage", plan_.stage(stage).name);
  add_counts(plan_.counts(stage), &line);
  line.end();
  stream_.put(line_);
}

void EventWriter::queued(JobIndex job) {
  const JobText text = source_.text(job);
  JsonLine line = event("queued");
  line.add("seq", text.seq).add("id", text.name).add("stage", text.stage);
  if (plan_.is_defined(job) && source_.is_settled(job)) line.add("command", source_.command(job));
  line.end();
  stream_.put(line_);
}

void EventWriter::started(JobIndex job, std::uint32_t attempt) {
  job_event("started", job).add("attempt", attempt).end();
  stream_.put(line_);
}

void EventWriter::up_to_date(JobIndex job) {
  finish_unstarted(job, "up_to_date");
}

void EventWriter::dropped(JobIndex job) {
  finish_unstarted(job, "dropped");
}

void EventWriter::finish_unstarted(JobIndex job, std::string_view result) {
  job_event("finished", job).add("result", result).end();
  stream_.put(line_);
}

void EventWriter::ended(const AttemptEnd& end) {
  for (const int stream : {0, 1}) {
    if (end.output.bytes[stream] > 0) tell_output(end, stream);
  }
  const JobResult& result = end.result;
  JsonLine line = job_event(end.is_final ? "finished" : "attempt", end.job);
  line.add("attempt", end.attempt).add("result", result_name(end.end));
  std::visit(OutcomeFields{line}, result.outcome);
  if (!end.reason.empty()) line.add("reason", end.reason);
  if (end.is_final && end.end == GraphPlan::End::kFailure &&
      plan_.stage(plan_.stage_of(end.job)).allow_failure) {
    line.add("allowed", true);
  }
  if (result.started_at.count() > 0) line.add("start", result.started_at);
  line.add("worker", result.slot);
  add_use(result.use, &line);
  line.add("bytes_out", end.output.bytes[0]).add("bytes_err", end.output.bytes[1]);
  if (result.left_processes) line.add("left_processes", true);
  if (result.output_cut) line.add("output_cut", true);
  line.end();
  stream_.put(line_);
}

void EventWriter::tell_output(const AttemptEnd& end, int stream) {
  JsonLine line = job_event("output", end.job);
  line.add("attempt", end.attempt)
      .add("stream", kStreams[stream])
      .add("bytes", end.output.bytes[stream])
      .add("text", end.output.text[stream]);
  if (!end.output.path[stream].empty()) line.add("path", end.output.path[stream]);
  line.end();
  stream_.put(line_);
}

void EventWriter::turn(std::chrono::steady_clock::time_point) {
  stream_.flush();
}

std::chrono::nanoseconds EventWriter::until_due(std::chrono::steady_clock::time_point) {
  return stream_.is_waiting() ? kTryAgain : std::chrono::nanoseconds(-1);
}

void EventWriter::run_ended(int status) {
  JsonLine line = event("run_ended");
  line.add("status", status);
  add_counts(plan_.counts(), &line);
  line.end();
  stream_.put(line_);
  stream_.finish();
}

}  // namespace enjoin
