#pragma once

#include <cstddef>
#include <cstdint>

#include "enjoin/executor.h"

namespace enjoin {

// What an Executor's epoll descriptor says of what has become readable: one of these, or the pipe
// of a job's stream (0: stdout, 1: stderr).
inline constexpr std::uint64_t kSocketKey = 0;
inline constexpr std::uint64_t kEventKey = 1;

constexpr std::uint64_t pipe_key(JobId job, std::size_t stream) {
  return static_cast<std::uint64_t>(job) << 1 | stream;  // from 2, for ids begin with 1
}

constexpr JobId job_of(std::uint64_t key) {
  return JobId{key >> 1};
}

}  // namespace enjoin
