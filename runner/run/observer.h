#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "runner/graph/graph_plan.h"
#include "runner/graph/job_source.h"
#include "runner/team/job.h"

namespace enjoin {

/// What a job wrote, as far as it was captured: the ends of both streams, at most kMostKept each.
struct CapturedOutput {
  static constexpr std::size_t kMostKept = 64 * 1024;
  std::string_view text[2];         ///< of stdout, stderr; valid during the call
  std::uint64_t bytes[2] = {0, 0};  ///< in all
  std::string path[2];              ///< a file that holds all of it, where it is more; else empty
};

/// How an attempt ended.
struct AttemptEnd {
  JobIndex job{};
  std::uint32_t attempt = 1;
  GraphPlan::End end = GraphPlan::End::kSuccess;
  bool is_final = true;     ///< false: another attempt follows
  const JobResult& result;  ///< outcome, resources, times
  const CapturedOutput& output;
  std::string_view reason;  ///< why it failed beside its outcome: "output x.bam is missing"
};

/// Whoever wants to hear how a run goes: the record, the events, the display, the joblog. Calls
/// come in the order in which things happened, in the supervisor's thread. What an observer throws
/// (Error) ends the run, after what was started.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void stage_opened(StageIndex) {}
  virtual void stage_ended(StageIndex) {}
  virtual void queued(JobIndex) {}
  virtual void started(JobIndex, std::uint32_t /*attempt*/) {}
  virtual void up_to_date(JobIndex) {}
  virtual void ended(const AttemptEnd&) {}
  virtual void dropped(JobIndex) {}
  virtual void turn(std::chrono::steady_clock::time_point /*now*/) {}  ///< once in each loop
  /// When turn() is to be called again at the latest.
  virtual std::chrono::nanoseconds until_due(std::chrono::steady_clock::time_point /*now*/) {
    return std::chrono::nanoseconds(-1);
  }
  /// Something else is about to be written to our terminal, or we are about to be stopped (^Z).
  virtual void make_way() {}
  virtual void run_ended(int /*status*/) {}
};

}  // namespace enjoin
