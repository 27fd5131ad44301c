#pragma once

#include <string>

#include "runner/cli/options.h"

namespace enjoin {

/// Runs one command over its inputs, as the command line asked: the whole of the batch mode.
/// Returns the exit status. Throws Error where it cannot begin or go on.
int run_batch(const Options& options, const std::string& program);

}  // namespace enjoin
