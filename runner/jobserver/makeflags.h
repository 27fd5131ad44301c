#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/jobserver_spec.h"

namespace enjoin {

/// What a MAKEFLAGS says of jobs and of a jobserver.
struct MakeFlags {
  JobserverStyle style = JobserverStyle::kNone;
  int read_fd = -1;  ///< of kPipe
  int write_fd = -1;
  std::string path;        ///< of kFifo
  std::uint32_t jobs = 0;  ///< -jN; 0: not said
};

/// Reads what GNU make writes: `--jobserver-auth=R,W`, `--jobserver-auth=fifo:PATH` and, before
/// 4.2, `--jobserver-fds=R,W`; the last counts. What is malformed counts as no jobserver, and so
/// does what make writes where there is none for this child (-2,-2).
MakeFlags parse_makeflags(std::string_view text);

/// The MAKEFLAGS of jobs that a jobserver of `slots` slots serves, as JobserverSpec::before and
/// ::behind: `text`, our own, without what it says of jobs and of another jobserver.
void compose_makeflags(std::string_view text, std::uint32_t slots, JobserverSpec* spec);

}  // namespace enjoin
