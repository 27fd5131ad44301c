#pragma once

#include "runner/cli/run_options.h"

namespace enjoin {

/// `enjoin report`: reads the record and prints, or writes, what was asked for. Returns the exit
/// status. Throws Error: no record, no such run, a file that cannot be written.
int report_command(const ReportOptions& options);

}  // namespace enjoin
