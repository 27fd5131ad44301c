#pragma once

#include <string>
#include <vector>

namespace enjoin {

/// Runs `argv`, found in PATH, and returns what it writes to stdout. Its stdin is /dev/null, its
/// stderr ours. It is killed where we are told to stop meanwhile (INT, TERM or HUP is pending).
/// Throws Error where it cannot be started or does not exit with 0: why, without what it is for.
std::string run_for_output(const std::vector<std::string>& argv);

}  // namespace enjoin
