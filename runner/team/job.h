#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "enjoin/outcome.h"

namespace enjoin {

/// A job's number for people: its place in the input, from 1. {#} and the joblog's Seq.
struct JobSeq {
  std::uint64_t seq = 0;
  friend bool operator==(JobSeq, JobSeq) = default;
};

/// One job as a Team takes it. It serialises: strings and numbers only.
struct Job {
  JobSeq id;
  std::uint32_t attempt = 1;
  std::uint32_t most_attempts = 1;  ///< 0: without end
  /// The inputs that the team's command is expanded with: `values` strings, each ended by a NUL
  /// byte, `columns` for each record.
  std::string inputs;
  std::uint32_t values = 0;
  std::uint32_t columns = 1;
  /// Its place in ordered output; jobs of a team without order leave it 0.
  std::uint64_t order = 0;
  std::chrono::nanoseconds timeout{0};  ///< 0: the team's
  /// A failure will be followed by another attempt, so its output is not to be printed.
  bool hold_output_if_failed = false;
  /// Others wait for its end: it is told at once. Ends of other jobs may be told some milliseconds
  /// later, several together.
  bool prompt = false;
};

/// What a team says of a job that ended. Serialises likewise.
struct JobResult {
  Job job;  ///< as it was started, inputs included
  Outcome outcome;
  ResourceUse use;
  std::chrono::nanoseconds started_at{0};  ///< since the epoch; 0: never started
  std::uint32_t slot = 0;                  ///< {%}: the worker's number, from 1
  bool output_cut = false;                 ///< --max-output was reached
  bool left_processes = false;             ///< something outlived the job
  bool processes_escaped = false;          ///< and not all of it could be killed, as was asked for
  bool output_held_back = false;           ///< dropped, because another attempt follows
  bool input_short = false;                ///< a file of its stdin had become shorter while it ran
  bool announced = false;                  ///< Team::watch_ends() told of its end before
};

}  // namespace enjoin
