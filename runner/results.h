#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "ipc/unique_fd.h"
#include "runner/cli/options.h"
#include "worker/kept_output.h"

namespace enjoin {

/// A template for text of the run's own (a tag, a file's name), with the command's replacement
/// strings. Nothing is quoted, nothing appended.
TemplateSpec text_template(const Options& options, const std::string& text);

/// What --results and --files come to; `scratch_folder` as for --files. Makes the folder of results
/// where there is to be one, so that a run whose results cannot be written does not begin. Throws
/// Error, and UsageError where options contradict each other.
ResultsSpec results_spec(const Options& options, const std::string& scratch_folder);

/// The file of a table, in place of our stdout; none where there is no table or it goes to stdout
/// ("-.csv"). Empties it, but a resumed run goes on behind what is there. Throws Error.
ipc::UniqueFd open_table(const Options& options);

/// Writes the heading of a table, where there is one, to `file`, once the first job's number of
/// values is known. Throws Error.
void write_heading(const Options& options, std::size_t values, int file);

}  // namespace enjoin
