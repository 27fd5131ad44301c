#pragma once

#include <string>

#include "runner/cli/run_options.h"

namespace enjoin {

/// `enjoin run`: runs the jobs of a pipeline file or of a graph in JSON Lines, or shows what they
/// are. Returns the exit status. Throws Error where it cannot begin.
int run_graph(const RunOptions& options, const std::string& program);

/// `enjoin resume`: the last recorded run again, as it was asked for, with the options that were
/// given now on top. What is recorded as done stays done.
int resume_graph(const RunOptions& given, const std::string& program);

}  // namespace enjoin
