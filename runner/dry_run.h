#pragma once

#include <vector>

#include "runner/cli/options.h"

namespace enjoin {

/// --dry-run: prints the commands of all stages and runs none. Returns the exit status. Throws
/// Error.
int print_commands(const std::vector<Options>& stages);

}  // namespace enjoin
