#pragma once

#include <string>

#include "runner/cli/options.h"

namespace enjoin {

/// True where one process with one captured output is all that is needed: none of the options that
/// make of a job more than that (a joblog, retries, --pipe, --tag, …).
bool is_simple_job(const Options& options);

/// Runs the one job of a simple command, without a team: stdin is ours. Signals that ask us to stop
/// end it, whole tree. Returns its exit status, 128+n for signal n, 255 where we ended it.
/// Throws Error.
int run_simple_job(const Options& options);

}  // namespace enjoin
