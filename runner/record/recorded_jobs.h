#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/record/database.h"
#include "runner/record/identity.h"

namespace enjoin {

/// What of a job makes it run again when it changes: --rerun-on.
struct RerunOn {
  bool input = true;
  bool command = true;
  bool environment = true;
};

/// "input,command,env", each at most once; "none": nothing but missing outputs. Throws Error.
RerunOn parse_rerun_on(std::string_view text);

/// Identity::input of a job whose inputs were not looked at: equal to any.
inline constexpr std::uint64_t kInputNotLooked = 1;

/// The jobs that earlier runs recorded, by key: each job's latest row. About 64 bytes a job.
class RecordedJobs {
 public:
  using Key = std::array<std::uint64_t, 2>;
  struct Job {
    Identity identity;
    std::int64_t row = 0;   ///< jobs.job
    std::int64_t done = 0;  ///< the attempt that succeeded; 0: it has to run
  };

  RecordedJobs() = default;
  /// Reads all of them. Throws Error.
  explicit RecordedJobs(Database& record);

  /// nullptr: not recorded. Until the next put().
  Job* find(const Key& key);
  /// Adds a job, or replaces the one with its key.
  void put(const Job& job);
  std::size_t size() const { return jobs_.size(); }

 private:
  std::uint32_t* place_of(const Key& key);
  void grow();

  std::vector<Job> jobs_;
  std::vector<std::uint32_t> index_;  // open addressing; places in jobs_ from 1, 0: free
};

}  // namespace enjoin
