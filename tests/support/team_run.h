#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include "runner/team/local_team.h"
#include "support/stdout_file.h"

namespace enjoin::test {

/// A team whose jobs' inputs are their command lines.
inline TeamSpec line_spec(std::uint32_t workers) {
  ::setenv("ENJOIN_WORKER", ENJOIN_WORKER, 1);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  TeamSpec spec;
  spec.worker.shell = "/bin/bash";
  spec.worker.stop_ladder = default_stop_ladder();
  spec.worker.open_files_soft = files.rlim_cur;
  spec.worker.open_files_hard = files.rlim_max;
  spec.worker.scratch_folder = "/tmp";
  spec.workers = workers;
  return spec;
}

inline Job line_job(std::uint64_t seq, const std::string& line) {
  Job job;
  job.id.seq = seq;
  job.order = seq - 1;
  job.inputs = line + '\0';
  job.values = 1;
  return job;
}

/// Starts `jobs` as there is room, takes results in until all have ended; calls `each_turn` in
/// between.
template <typename EachTurn>
std::vector<JobResult> drive(LocalTeam& team, std::vector<Job> jobs, EachTurn&& each_turn) {
  std::vector<JobResult> results;
  std::size_t started = 0;
  while (true) {
    team.collect([&](JobResult& result) { results.push_back(std::move(result)); });
    while (started < jobs.size() && team.room() > 0) team.start(std::move(jobs[started++]));
    each_turn(results);
    if (started == jobs.size() && team.unfinished() == 0) break;
    if (team.room() == 0 || started == jobs.size()) team.wait({}, std::chrono::milliseconds(20));
  }
  team.collect([&](JobResult& result) { results.push_back(std::move(result)); });
  return results;
}

inline std::vector<JobResult> drive(LocalTeam& team, std::vector<Job> jobs) {
  return drive(team, std::move(jobs), [](const std::vector<JobResult>&) {});
}

inline std::vector<Job> line_jobs(const std::vector<std::string>& lines) {
  std::vector<Job> jobs;
  for (const std::string& line : lines) jobs.push_back(line_job(jobs.size() + 1, line));
  return jobs;
}

}  // namespace enjoin::test
