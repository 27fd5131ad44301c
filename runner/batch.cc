#include "runner/batch.h"

#include "runner/batch_run.h"
#include "runner/selection.h"

namespace enjoin {

int run_batch(const Options& options, const std::string& program) {
  return BatchRun(selected_options(options), program).run();
}

}  // namespace enjoin
