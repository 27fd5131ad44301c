#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runner/pipeline/items.h"
#include "runner/pipeline/pipeline_file.h"

namespace enjoin {

/// Whether what it brings lies outside of the pipeline file: in files, or in a command's output.
bool reads_outside(const ForeachSource& source);
bool reads_outside(const PipelineStage& stage);

/// Reads one source that is not a stage. `shell`: for its command. Throws Error: where in the
/// pipeline file, or in the table, and why.
ItemTable read_items(const PipelineFile& file, const ForeachSource& source,
                     const std::vector<std::string>& shell, std::shared_ptr<TextPool> pool);

/// What a text comes to that holds variables only, as one value.
std::string constant_text(const PipeText& text);

}  // namespace enjoin
