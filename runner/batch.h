#pragma once

#include <string>
#include <vector>

#include "runner/cli/options.h"

namespace enjoin {

/// Runs commands over their inputs, stage after stage, as the command line asked: the whole of the
/// batch mode. A stage begins when all jobs of the one before it have ended, and not at all where
/// one failed (but see --keep-going). Returns the exit status. Throws Error where it cannot begin
/// or go on.
int run_batch(const std::vector<Options>& stages, const std::string& program);

}  // namespace enjoin
