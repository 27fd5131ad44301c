#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "runner/pipeline/pipeline_file.h"
#include "runner/pipeline/stage_selection.h"

namespace enjoin {

/// What people are shown of a pipeline instead of running it.
enum class PipelineView : std::uint8_t {
  kList,       ///< --list: the stages, with the number of their jobs and what they need
  kCommands,   ///< --dry-run: the commands of all jobs, in an order in which they could run
  kGraphText,  ///< --graph: the stages and their jobs, indented
  kGraphDot,   ///< the stages, for Graphviz
};

/// Gives the text to `write`, piece by piece, whole lines each. Items that can be known only when
/// other stages have run are looked for now; where they cannot be had yet, a line says so. Throws
/// Error, where the selection is wrong.
void show_pipeline(PipelineView view, PipelineFile file, const StageSelection& selection,
                   const std::function<void(std::string_view)>& write);

}  // namespace enjoin
