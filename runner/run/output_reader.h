#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "runner/record/output_files.h"
#include "runner/run/observer.h"
#include "runner/team/local_team.h"

namespace enjoin {

/// Fetches what a job wrote from where the team keeps it.
class OutputReader {
 public:
  /// `files`: where all of a large output is put; null: nowhere.
  explicit OutputReader(OutputFiles* files) : files_(files) {}

  /// Of the result that LocalTeam::collect() delivers now. Valid until the next call. Throws Error
  /// where a large output cannot be put into its file.
  CapturedOutput read(const LocalTeam& team, const JobResult& result, std::uint64_t seq);

 private:
  OutputFiles* files_;
  std::array<std::string, 2> text_;
};

}  // namespace enjoin
