#pragma once

#include <functional>
#include <vector>

#include "ipc/unique_fd.h"
#include "runner/team/job.h"

namespace enjoin {

/// What a job gets for JobRecipe::descriptors: as many, in that order. Where it is not as many, or
/// `error` is set, the job does not start.
struct JobDescriptors {
  int error = 0;                          ///< errno; with 0 they are there
  std::vector<int> numbers;               ///< somebody else's, or of `owned`
  std::vector<ipc::UniqueFd> owned = {};  ///< closed once the worker has them

  static JobDescriptors failed(int error) { return {error, {}, {}}; }
  void add(int fd) { numbers.push_back(fd); }
  void add(ipc::UniqueFd fd) {
    numbers.push_back(fd.get());
    owned.push_back(std::move(fd));
  }
};

/// Must not call the team. What it names without owning stays open until the call of the team that
/// it was called in returns.
using DescriptorProvider = std::function<JobDescriptors(const Job&)>;

}  // namespace enjoin
