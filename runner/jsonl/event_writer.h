#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "runner/graph/graph_plan.h"
#include "runner/graph/job_source.h"
#include "runner/jsonl/event_stream.h"
#include "runner/jsonl/json_text.h"
#include "runner/run/observer.h"

namespace enjoin {

/// Tells programs how a run goes: one JSON object a line, described in docs/jsonl.md ("--events").
/// Each job is queued once and finished once; what happened between is told in order.
class EventWriter : public RunObserver {
 public:
  /// The version of the events, in their first line. It is raised when a field changes or goes;
  /// new fields and new events do not raise it.
  static constexpr int kVersion = 1;

  /// `path`: a file, which is emptied, or "-". "-" takes our stdout for the events: what is written
  /// to descriptor 1 from then on, by jobs too, goes to stderr. So it is made before the team.
  /// Throws Error where the file cannot be opened.
  EventWriter(const std::string& path, const GraphPlan& plan, const JobSource& source);

  void stage_opened(StageIndex stage) override;
  void stage_ended(StageIndex stage) override;
  void queued(JobIndex job) override;
  void started(JobIndex job, std::uint32_t attempt) override;
  void up_to_date(JobIndex job) override;
  void ended(const AttemptEnd& end) override;
  void dropped(JobIndex job) override;
  void turn(std::chrono::steady_clock::time_point now) override;
  std::chrono::nanoseconds until_due(std::chrono::steady_clock::time_point now) override;
  void run_ended(int status) override;

 private:
  JsonLine event(std::string_view name);
  JsonLine job_event(std::string_view name, JobIndex job);
  void tell_stage(std::string_view name, StageIndex stage);
  void tell_output(const AttemptEnd& end, int stream);
  void finish_unstarted(JobIndex job, std::string_view result);

  const GraphPlan& plan_;
  const JobSource& source_;
  EventStream stream_;
  std::string line_;
};

}  // namespace enjoin
