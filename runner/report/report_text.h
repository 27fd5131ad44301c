#pragma once

#include <string>
#include <vector>

#include "runner/report/report_data.h"

namespace enjoin {

/// `enjoin report`: what failed and its last lines, the stages, the slowest jobs, the critical
/// path, how busy the CPUs were, what was tried again. Safe to be shown on a terminal.
std::string report_text(const Report& report, const std::string& record);
/// `enjoin report --flaky`.
std::string flaky_text(const std::vector<FlakyJob>& jobs);

/// `--json`: an object, documented in docs/record.md.
std::string report_json(const Report& report, const std::vector<FlakyJob>& flaky);

/// "0.42s", "12.3s", "3m05s".
std::string seconds_text(double seconds);

}  // namespace enjoin
