#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/batch_setup.h"
#include "runner/cli/run_options.h"
#include "runner/display/run_display.h"
#include "runner/graph/graph_plan.h"
#include "runner/graph/job_source.h"
#include "runner/jsonl/event_writer.h"
#include "runner/message_writer.h"
#include "runner/record/run_recorder.h"
#include "runner/run/run_joblog.h"
#include "runner/run/run_loop.h"
#include "runner/signals.h"
#include "runner/team/local_team.h"

namespace enjoin {

/// All that one run of a graph needs, put together from its options, in the order in which it is
/// needed: what may fail fails before anything is started.
class GraphRun {
 public:
  /// Throws Error.
  GraphRun(const RunOptions& options, std::unique_ptr<JobSource> source,
           const std::string& program);
  int run();

 private:
  TeamSpec team_spec() const;
  std::unique_ptr<EventWriter> open_events() const;
  std::unique_ptr<RunRecorder> open_record() const;
  DisplaySettings display();
  void survey();
  bool is_up_to_date(JobIndex job);
  std::string latest_line(JobIndex job) const;
  void say(const std::string& text);

  const RunOptions& options_;
  const std::string program_;
  MessageWriter messages_;
  const OpenFiles open_files_;
  const std::uint32_t workers_;
  const std::uint32_t slots_;  ///< workers_, or more with -j auto
  std::unique_ptr<JobSource> source_;
  SignalEvents signals_;
  GraphPlan plan_;
  std::unique_ptr<EventWriter> events_;  ///< null: none; may take our stdout: before the team
  std::unique_ptr<RunRecorder> record_;  ///< null: --no-db
  std::optional<RunJoblog> joblog_;
  std::optional<AutoJobs> auto_jobs_;
  std::unique_ptr<JobSlots> job_slots_;  ///< of a jobserver; null: jobs need none
  LocalTeam team_;
  RunDisplay display_;
  std::vector<bool> forgotten_;  ///< --from: jobs whose earlier success counts no longer
};

}  // namespace enjoin
