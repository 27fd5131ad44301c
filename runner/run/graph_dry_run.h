#pragma once

#include <string_view>

#include "runner/graph/job_source.h"

namespace enjoin {

/// Writes all of it to our stdout. Throws Error.
void print_out(std::string_view text);

/// --dry-run of a machine-made graph: reads all of it, checks it, and prints the commands in an
/// order in which they could run. Returns the exit status. Throws Error.
int print_graph(JobSource& source);

}  // namespace enjoin
