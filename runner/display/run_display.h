#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runner/display/estimate.h"
#include "runner/display/frame.h"
#include "runner/message_writer.h"
#include "runner/run/observer.h"

namespace enjoin {

/// How a run is shown. display_settings() fills in what the terminal and the environment say.
struct DisplaySettings {
  using TimePoint = std::chrono::steady_clock::time_point;

  std::string program = "enjoin";  ///< begins its messages
  bool quiet = false;              ///< failures are told, nothing else
  bool redraws = false;            ///< a terminal to be drawn on; else there are plain lines
  bool colour = false;
  /// What a job wrote may be printed after its failure was told, or not at all (-k, output that is
  /// thrown away): its last lines come with the failure.
  bool repeats_output = false;
  std::chrono::nanoseconds line_every = std::chrono::seconds(10);  ///< plain lines
  std::function<ScreenSize()> size = {};
  std::function<TimePoint()> clock = {};
  /// How many jobs workers have begun: others were given to them ahead (LocalTeam). None: all have.
  std::function<std::size_t()> running = {};
  /// What a running job wrote last (LocalTeam); none: not shown. An empty string: nothing yet.
  std::function<std::string(JobIndex)> latest_line = {};
  /// Calls what it is given while no worker prints; false: one does. None: it is called at once.
  std::function<bool(const std::function<void()>&)> between_output = {};
};

/// For a display on `fd`: a terminal is drawn on, but not with TERM=dumb; colours unless $NO_COLOR
/// is set to something.
DisplaySettings display_settings(int fd);

/// Shows a run on stderr. On a terminal: a bar for each stage, the running jobs with what they
/// wrote last, and how long it will take, redrawn up to four times a second below whatever else is
/// printed. Elsewhere: a line every ten seconds, and when a stage has ended. Failures are told at
/// once, and all that counts again at the end.
///
/// The cursor rests on the first column of the first line of what is drawn. So "\033[J" is all
/// that takes it off the terminal, for whoever writes there (WorkerConfig::wipes_status), whatever
/// its size and whatever became of the terminal's.
class RunDisplay final : public RunObserver {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// All are borrowed. `messages` writes to the terminal or file that `settings` is about.
  RunDisplay(DisplaySettings settings, const JobSource& source, const GraphPlan& plan,
             MessageWriter& messages);
  ~RunDisplay() override;
  RunDisplay(const RunDisplay&) = delete;
  RunDisplay& operator=(const RunDisplay&) = delete;

  void stage_ended(StageIndex stage) override;
  void started(JobIndex job, std::uint32_t attempt) override;
  void ended(const AttemptEnd& end) override;
  void dropped(JobIndex job) override;
  void turn(TimePoint now) override;
  std::chrono::nanoseconds until_due(TimePoint now) override;
  void make_way() override;
  void run_ended(int status) override;

 private:
  struct Running {
    TimePoint since;
    std::uint32_t attempt = 1;
  };
  struct Failure {
    JobIndex job{};
    std::string why;
  };

  void say(const std::string& text);
  void tell_failure(const AttemptEnd& end, bool is_allowed);
  void tell_leftovers(const AttemptEnd& end, StageIndex stage);
  void draw(TimePoint now);
  Frame frame(TimePoint now) const;
  std::vector<std::pair<TimePoint, JobIndex>> begun_jobs() const;
  std::vector<RunningLine> running_lines(const std::vector<std::pair<TimePoint, JobIndex>>& begun,
                                         TimePoint now) const;
  std::string name(JobIndex job) const;

  DisplaySettings settings_;
  const JobSource& source_;
  const GraphPlan& plan_;
  MessageWriter& messages_;
  TimePoint began_;
  TimePoint drawn_;  // when something was shown last
  TimePoint next_;   // when something is to be shown next
  bool is_shown_ = false;
  bool was_printed_over_ = true;  // others may have left the cursor within a line
  std::unordered_map<std::uint32_t, Running> running_;  // by job
  Estimate estimate_;
  std::vector<Failure> failures_;                   // the first of them
  std::vector<JobIndex> dropped_;                   // likewise
  std::size_t told_ = 0;                            // failures
  std::unordered_set<std::size_t> left_processes_;  // stages, of which that was told
};

}  // namespace enjoin
