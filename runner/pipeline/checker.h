#pragma once

#include <vector>

#include "runner/pipeline/complaints.h"
#include "runner/pipeline/pipeline_file.h"
#include "runner/pipeline/stage_draft.h"

namespace enjoin {

/// Makes `file->stages` of the drafts: looks names up, finds rings, columns, and reads all texts.
/// Variables and pools are there already.
void check_stages(std::vector<StageDraft> drafts, PipelineFile* file, Complaints* complaints);

/// Stages in a ring, each needing the one after it, the last the first. Tells of each ring once.
/// Gives all stages, each behind those that it needs (where there is no ring).
std::vector<std::size_t> check_rings(const PipelineFile& file,
                                     const std::vector<StageDraft>& drafts, Complaints* complaints);

}  // namespace enjoin
