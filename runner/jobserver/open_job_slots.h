#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runner/jobserver/job_slots.h"

namespace enjoin {

/// --jobserver.
enum class JobserverMode : std::uint8_t {
  kAuto,  ///< take slots where a make offers them; else serve where the command is a make itself
  kOff,
  kPipe,  ///< serve, as a pipe
  kFifo,  ///< serve, as a fifo
};

struct JobSlotsSpec {
  JobserverMode mode = JobserverMode::kAuto;
  std::uint32_t slots = 1;     ///< of a jobserver of ours
  std::string scratch_folder;  ///< where its fifos are made
  std::string_view command;    ///< of all jobs, for kAuto; empty: they differ
};

/// Null: jobs need no slots. Throws Error.
std::unique_ptr<JobSlots> open_job_slots(const JobSlotsSpec& spec);

/// The style in which a command likes to be served by a jobserver, by its program's name: make,
/// gmake, cargo, ninja, enjoin; kNone: it is none of those.
JobserverStyle style_for(std::string_view command);

/// The number of jobs that a make which offers us slots was given (-jN); 0: there is none, or it
/// does not say.
std::uint32_t jobs_of_make(JobserverMode mode);

}  // namespace enjoin
