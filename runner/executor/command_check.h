#pragma once

#include <string>
#include <vector>

#include "enjoin/command.h"
#include "enjoin/executor.h"
#include "ipc/unique_fd.h"

namespace enjoin {

/// Throws Error for what can never be executed as it is described: two programs or none, a NUL byte
/// in a string, a number out of its range.
void check_command(const Command& command);
void check_numbers(const JobOptions& options);

/// For messages: its name, else its first word, else its line, cut.
std::string name_of(const Command& command);

/// The host's descriptors that go with a job, and the numbers that they have there.
struct CommandDescriptors {
  std::vector<ipc::UniqueFd> copies;
  std::vector<std::int32_t> targets;
};
/// Copies those of Command::descriptors, and 0, 1, 2 as Command::output says. Throws Error.
CommandDescriptors copy_descriptors(const Command& command);

}  // namespace enjoin
