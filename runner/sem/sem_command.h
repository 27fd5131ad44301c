#pragma once

#include <string>

#include "runner/cli/options.h"

namespace enjoin {

/// `enjoin sem`, `parallel --semaphore`: runs one command with a permit of a semaphore, or waits
/// for all of its jobs. Without --fg it comes back as soon as there is a permit; a child of ours
/// then holds the permit, runs the command and prints what it wrote. Returns the exit status:
/// with --fg the command's (128+n for signal n, 255 where it was stopped), 1 where the time for a
/// permit was over and spec.give_up, else 0. Throws Error, UsageError.
int run_semaphore(const Options& options, const SemaphoreSpec& spec, const std::string& program);

}  // namespace enjoin
