#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "enjoin/executor.h"

namespace enjoin {

/// Which unfinished job waits for which, as far as rings are concerned: those are refused when they
/// would come to be, in the host, where the mistake was made.
class Needs {
 public:
  void add_stage(StageId stage, const std::vector<StageId>& needs);
  void add_job(JobId job, StageId stage, const std::vector<JobId>& needs);
  void add_need(JobId job, JobId on);
  void ended(JobId job);

  /// Whether a new job of `stage` with these needs would wait for itself.
  bool ring_with(StageId stage, const std::vector<JobId>& needs) const;
  /// Whether `job` would, if it needed `on`.
  bool ring_with(JobId job, JobId on) const;

 private:
  struct Job {
    StageId stage{};
    std::vector<JobId> needs;
    std::size_t place = 0;  ///< in its stage's jobs
  };
  struct Stage {
    std::vector<StageId> needs;
    std::vector<JobId> jobs;
    bool needed = false;  ///< by another stage
  };
  bool reaches(const std::vector<JobId>& from, JobId job, StageId stage) const;
  bool any_waits_for(StageId stage) const;
  const Stage* find(StageId stage) const;

  std::unordered_map<std::uint64_t, Job> jobs_;
  std::unordered_map<std::uint32_t, Stage> stages_;
  std::uint32_t last_stage_ = 0;
};

}  // namespace enjoin
