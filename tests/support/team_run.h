#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>
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

/// Children of a process, zombies included.
inline std::vector<pid_t> children_of(pid_t parent) {
  const std::string number = std::to_string(parent);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  std::vector<pid_t> children;
  for (pid_t pid = 0; file >> pid;) children.push_back(pid);
  return children;
}

/// "enjoin-worker"; "" where there is no such process.
inline std::string name_of_process(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

/// The workers of this process's teams: the children of its keepers.
inline std::vector<pid_t> team_workers() {
  std::vector<pid_t> workers;
  for (const pid_t keeper : children_of(::getpid())) {
    for (const pid_t pid : children_of(keeper)) {
      if (name_of_process(pid) == "enjoin-worker") workers.push_back(pid);
    }
  }
  return workers;
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
