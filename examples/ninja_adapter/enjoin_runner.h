#pragma once

#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "build.h"  // ninja's
#include "enjoin/executor.h"

/// Runs the commands of a ninja build in an enjoin::Executor, in place of ninja's own fork, exec
/// and poll. ninja decides what runs and when; it waits here for the next end.
///
/// While it lives, INT, TERM and HUP end the build, as with ninja's own runner.
class EnjoinRunner : public CommandRunner {
 public:
  explicit EnjoinRunner(const BuildConfig& config);
  ~EnjoinRunner() override;

  bool CanRunMore() const override;
  bool StartCommand(Edge* edge) override;
  bool WaitForCommand(Result* result) override;
  std::vector<Edge*> GetActiveEdges() override;
  void Abort() override;

 private:
  void take_end(const enjoin::JobReport& report);

  const BuildConfig& config_;
  std::optional<enjoin::Executor> executor_;  ///< made for the first command
  std::map<enjoin::JobId, Edge*> running_;
  std::deque<Result> ended_;
  sigset_t usual_mask_{};
  struct sigaction usual_[3] = {};
};

/// ninja's builder, with that runner.
struct BuilderOnEnjoin : Builder {
  BuilderOnEnjoin(State* state, const BuildConfig& config, BuildLog* build_log, DepsLog* deps_log,
                  DiskInterface* disk, Status* status, int64_t start_time_millis)
      : Builder(state, config, build_log, deps_log, disk, status, start_time_millis) {
    if (!config.dry_run) command_runner_.reset(new EnjoinRunner(config));
  }
};
