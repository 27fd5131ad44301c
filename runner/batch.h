#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runner/cli/options.h"

namespace enjoin {

/// Runs one command over its inputs, as the command line asked: the whole of the batch mode.
/// Returns the exit status. Throws Error where it cannot begin or go on.
int run_batch(const Options& options, const std::string& program);

/// How the inputs are grouped where `workers` jobs run at once.
BatchSpec batch_spec(const Options& options, std::uint32_t workers);

/// What --tag and --tagstring begin each line with; nullopt: nothing.
std::optional<TemplateSpec> tag_template(const Options& options);

}  // namespace enjoin
