#pragma once

#include <string>
#include <vector>

#include "runner/pipeline/pipeline_file.h"

namespace enjoin {

/// Which stages of a pipeline are wanted, as the person said it. All empty: all of them. (Not the
/// SelectionSpec of the batch mode.)
struct StageSelection {
  std::vector<std::string> stages = {};  ///< these, and all that they need
  std::vector<std::string> only = {};    ///< --only: these, and nothing that they need
  std::vector<std::string> from = {};    ///< --from: of those, these and all that needs them
};

/// By stage of the file, whether it is to run. What the others would have made is taken to be
/// there. Throws Error: a name that no stage has, with what may have been meant; --only together
/// with others.
std::vector<bool> select_stages(const PipelineFile& file, const StageSelection& spec);

/// The stages that `stage` waits for: needs, needs_each, foreach; no doubles.
std::vector<std::size_t> direct_needs(const PipelineStage& stage);

/// All stages, each behind those that it needs, otherwise in the order of the file.
std::vector<std::size_t> in_order_of_needs(const PipelineFile& file);

}  // namespace enjoin
