#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "ipc/unique_fd.h"
#include "runner/executor/messages.h"

namespace enjoin {

/// A job that a host has added, ready to be handed to the team.
struct ServedJob {
  std::string recipe;  ///< packed: Job::inputs
  std::chrono::nanoseconds timeout{0};
  std::uint32_t attempts = 1;
  /// In the order of JobRecipe::descriptors: those of the host, then stdin, then stdout, stderr.
  std::vector<std::shared_ptr<ipc::UniqueFd>> given;
  std::optional<std::string> input;         ///< its stdin
  std::array<bool, 2> lines{false, false};  ///< its stdout, its stderr is a pipe to the host
  bool runs = false;                        ///< the team has it
  bool canceled = false;                    ///< its end, whatever it is, is the last
  bool has_descriptors() const { return !given.empty() || input || lines[0] || lines[1]; }
  bool tells_lines() const { return lines[0] || lines[1]; }
};

/// Host descriptors that are kept: copies of one open file are one here, so that ten thousand jobs
/// with the host's stdout do not take as many numbers.
class DescriptorShare {
 public:
  std::shared_ptr<ipc::UniqueFd> share(std::int32_t target, ipc::UniqueFd fd);

 private:
  std::array<std::weak_ptr<ipc::UniqueFd>, 3> last_;  ///< for 0, 1, 2
};

/// `terminal_group`: the host's process group. Throws Error: it cannot be run as it is described.
ServedJob served_job_of(AddJobMessage message, std::vector<ipc::UniqueFd> descriptors,
                        pid_t terminal_group, DescriptorShare* share);

}  // namespace enjoin
