#include "runner/jobserver/open_job_slots.h"

#include <algorithm>
#include <cstdlib>

#include "runner/jobserver/jobserver_client.h"
#include "runner/jobserver/jobserver_server.h"

namespace enjoin {
namespace {

constexpr std::uint32_t kMostSlots = 4096;  // what a pipe of one page holds

}  // namespace

JobserverStyle style_for(std::string_view command) {
  command.remove_prefix(std::min(command.find_first_not_of(' '), command.size()));
  std::string_view program = command.substr(0, command.find_first_of(" \t\n;&|<>()"));
  program.remove_prefix(program.rfind('/') + 1);
  if (program == "ninja") return JobserverStyle::kFifo;  // it knows no other
  const bool is_client =
      program == "make" || program == "gmake" || program == "cargo" || program == "enjoin";
  return is_client ? JobserverStyle::kPipe : JobserverStyle::kNone;
}

std::uint32_t jobs_of_make(JobserverMode mode) {
  return mode == JobserverMode::kAuto ? offered_jobserver().jobs : 0;
}

std::unique_ptr<JobSlots> open_job_slots(const JobSlotsSpec& spec) {
  JobserverStyle style = JobserverStyle::kNone;
  switch (spec.mode) {
    case JobserverMode::kOff:
      return nullptr;
    case JobserverMode::kPipe:
      style = JobserverStyle::kPipe;
      break;
    case JobserverMode::kFifo:
      style = JobserverStyle::kFifo;
      break;
    case JobserverMode::kAuto:
      if (auto client = JobserverClient::connect(offered_jobserver())) return client;
      style = style_for(spec.command);
      break;
  }
  if (style == JobserverStyle::kNone) return nullptr;
  const char* const makeflags = std::getenv("MAKEFLAGS");
  return std::make_unique<JobserverServer>(style, std::min(spec.slots, kMostSlots),
                                           spec.scratch_folder,
                                           makeflags != nullptr ? makeflags : "");
}

}  // namespace enjoin
