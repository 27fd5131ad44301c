#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "enjoin/api.h"

namespace enjoin {

/// How a job ended. Exactly one of these is recorded for every job.

/// It ended by itself with this exit status (0-255).
struct Exited {
  int status = 0;
};
/// A signal ended it that we did not send.
struct Signaled {
  int signal = 0;
  bool core_dumped = false;
  bool out_of_memory = false;  ///< SIGKILL, while the kernel killed processes for lack of memory
};
/// It ran longer than it was allowed to; its whole tree was ended.
struct TimedOut {
  int signal = 0;  ///< what ended its leader; 0: it exited by itself while being ended
};
/// We ended it, or never started it, because the run was being stopped.
struct Canceled {
  bool started = false;
  int signal = 0;
};
/// It had started when its worker died, and what it did is not known.
struct Lost {};
/// It could not be started: errno of the call that failed (ENOENT, E2BIG, …).
struct SpawnFailed {
  int error = 0;
};
/// It ended, but what it wrote could not be kept (errno, ENOSPC mostly).
struct OutputFailed {
  int error = 0;
};

/// It ended, but a file that its stdin is a part of had become shorter: it did not see all.
struct InputShrank {};

using Outcome = std::variant<Exited, Signaled, TimedOut, Canceled, Lost, SpawnFailed, OutputFailed,
                             InputShrank>;

/// True for exit status 0 only.
ENJOIN_API bool succeeded(const Outcome& outcome);

/// A few words for people: "exit status 3", "signal 9 (Killed)", "timed out".
ENJOIN_API std::string to_string(const Outcome& outcome);

/// What a job used, as the kernel accounted it: the job's leader and all its descendants that were
/// waited for. Zero where no process was needed.
struct ResourceUse {
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds queued{0};  ///< from its publication to its start
  std::chrono::microseconds user{0};
  std::chrono::microseconds system{0};
  std::uint64_t max_rss_kb = 0;  ///< of the largest single process
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::uint64_t blocks_in = 0;
  std::uint64_t blocks_out = 0;
  std::uint64_t bytes_out = 0;  ///< written to stdout, where it was captured
  std::uint64_t bytes_err = 0;
};

}  // namespace enjoin
