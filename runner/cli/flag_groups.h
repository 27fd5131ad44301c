#pragma once

#include <span>

#include "runner/cli/flag_table.h"

namespace enjoin {

// The parts of the option table, one for each file flags_*.cc. Only flag_table.cc reads them.
std::span<const Flag> input_flags();
std::span<const Flag> command_flags();
std::span<const Flag> running_flags();
std::span<const Flag> admission_flags();
std::span<const Flag> output_flags();
std::span<const Flag> record_flags();
std::span<const Flag> pipe_flags();
std::span<const Flag> semaphore_flags();
std::span<const Flag> info_flags();
std::span<const Flag> compat_flags();

}  // namespace enjoin
