#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "runner/executor/frame_socket.h"
#include "runner/executor/messages.h"
#include "runner/graph/graph_plan.h"
#include "runner/serve/served_job.h"
#include "runner/team/job.h"

namespace enjoin {

/// What a host has told of, and what is to become of it: its frames on one side, a plan on the
/// other. It starts nothing, sends nothing and reads no clock.
///
/// Ids of the host count from 1, as the plan's indexes do from 0: a job that is refused takes a
/// place in the plan, too. Jobs without a stage are of the plan's first one, which is never closed.
class Schedule {
 public:
  using TimePoint = GraphPlan::TimePoint;

  /// `terminal_group`: the host's process group.
  Schedule(GraphPlanSpec spec, pid_t terminal_group);

  /// Takes one frame, but kSetup. Throws Error: it is damage, or of an unknown kind.
  void take(SocketFrame frame);

  // What came of it, each once.
  std::vector<RefusedMessage> take_refused() { return std::exchange(refused_, {}); }
  /// Of jobs that the team has.
  std::vector<CancelMessage> take_cancels() { return std::exchange(cancels_, {}); }
  /// Ends of jobs that were not run: dropped or skipped.
  std::vector<JobReport> take_unrun();
  /// As the host set it; 0: it did not.
  std::uint32_t cpus() const { return cpus_; }

  /// The job to hand to the team now.
  std::optional<Job> next(TimePoint now);
  std::optional<TimePoint> next_start(TimePoint now) const { return plan_.next_start(now); }
  void set_cpus(std::uint32_t cpus) { plan_.set_cpus(cpus); }
  void set_look_ahead(std::uint32_t jobs) { plan_.set_look_ahead(jobs); }
  /// Of a job that the team has; null: there is none.
  const ServedJob* running(std::uint64_t job) const;

  /// What the host is to be told of a job that the team says has ended, but for its output;
  /// nullopt: it will be tried again.
  std::optional<JobReport> on_end(const JobResult& result, TimePoint now);

  std::size_t unfinished() const { return jobs_.size(); }

 private:
  void take_job(SocketFrame frame);
  void take_stage(const SocketFrame& frame);
  void take_need(const SocketFrame& frame);
  void take_answer(const SocketFrame& frame);
  void cancel(JobId job, Stop how);
  void cancel_all(Stop how);
  JobIndex known(JobId job) const;
  StageIndex known(StageId stage) const;
  Requirement requirement_of(const JobOptions& options) const;
  template <typename Body>
  static Body body_of(const SocketFrame& frame);

  GraphPlan plan_;
  pid_t terminal_group_;
  std::uint64_t last_job_ = 0;
  std::uint32_t last_stage_ = 0;
  std::uint32_t last_limit_ = 0;
  std::uint32_t cpus_ = 0;
  std::unordered_map<std::uint64_t, ServedJob> jobs_;  ///< unfinished, by id
  DescriptorShare share_;
  std::vector<RefusedMessage> refused_;
  std::vector<CancelMessage> cancels_;
};

}  // namespace enjoin
