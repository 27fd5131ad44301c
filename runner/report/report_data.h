#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enjoin {

// What there is to say about a recorded run. Times are seconds since 1970, durations seconds, sizes
// bytes, as in the record.

/// One attempt at a job.
struct AttemptFacts {
  std::int64_t id = 0;  ///< of its row
  std::int64_t run = 0;
  std::string stage;
  std::string name;
  std::string command;
  std::uint64_t attempt = 1;
  bool is_allowed = false;  ///< failures of its stage are
  std::string state;        ///< "succeeded", "failed", "canceled"
  std::string outcome;      ///< for people: "exit status 3", "signal 9 (SIGKILL)"
  double started = 0;
  double wall = 0;
  double user = 0;
  double system = 0;
  std::uint64_t max_rss = 0;
  std::string text[2];  ///< what it wrote, or the end of that; where it was asked for
  std::uint64_t bytes[2] = {0, 0};
  std::string path[2];  ///< a file that holds all of it; else empty
};

struct StageFacts {
  std::string name;
  std::vector<std::string> needs;
  std::uint64_t jobs = 0, succeeded = 0, up_to_date = 0, failed = 0, allowed = 0, dropped = 0;
  std::uint64_t attempts = 0;
  std::optional<double> began;  ///< its first attempt
  std::optional<double> ended;  ///< its last
  double work = 0;              ///< wall time of all attempts
  double cpu = 0;
  double longest = 0;
  std::uint64_t max_rss = 0;
};

struct RunFacts {
  std::int64_t run = 0;
  std::string mode;
  std::vector<std::string> arguments;
  std::string folder;
  std::string host;
  std::string version;
  double started = 0;
  double last = 0;  ///< its end, or that of its last attempt where it has not ended
  std::optional<double> ended;
  std::optional<std::int64_t> status;
  std::uint64_t cpus = 0;  ///< 0: not known
  std::uint64_t jobs = 0, succeeded = 0, up_to_date = 0, failed = 0, allowed = 0, dropped = 0;
  std::uint64_t canceled = 0;  ///< among those that are none of the others
};

/// Neighbours of one stage on the chain of jobs that the run's end waited for.
struct PathStep {
  std::string stage;
  std::uint64_t jobs = 0;
  double from = 0;  ///< since the run's start
  double wall = 0;
  std::string longest_name;
  double longest = 0;
};

struct Retries {
  std::uint64_t jobs = 0;    ///< took more than one attempt
  std::uint64_t passed = 0;  ///< and succeeded in the end
  double lost = 0;           ///< wall time of the attempts that another followed
};

/// A job that passed after it had failed, without having changed.
struct FlakyJob {
  std::string stage;
  std::string name;
  std::uint64_t failures = 0;
  std::uint64_t passes = 0;
  AttemptFacts last_failure;
};

struct Report {
  RunFacts run;
  std::vector<StageFacts> stages;
  std::vector<AttemptFacts> failed;  ///< the first of them, with what they wrote last
  std::uint64_t failed_in_all = 0;   ///< allowed ones included
  std::vector<AttemptFacts> slowest;
  std::vector<PathStep> path;  ///< in order of time
  double path_work = 0;        ///< how much of the run's time that is
  double work = 0;             ///< wall time of all attempts
  double cpu = 0;
  Retries retries;
};

}  // namespace enjoin
