#include "runner/batch.h"

#include "runner/batch_run.h"
#include "runner/selection.h"

namespace enjoin {

int run_batch(const Options& options, const std::string& program) {
  if (!options.selection.retry_failed) return BatchRun(options, program).run();
  const Options retry = retry_options(options);
  return BatchRun(retry, program).run();
}

}  // namespace enjoin
