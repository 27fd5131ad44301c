#pragma once

#include "runner/cli/options.h"

namespace enjoin {

/// --dry-run: prints the commands and runs none. Returns the exit status. Throws Error.
int print_commands(const Options& options);

}  // namespace enjoin
