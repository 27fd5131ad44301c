#include "runner/batch.h"

#include "runner/batch_run.h"
#include "runner/selection.h"
#include "runner/terminal_guard.h"

namespace enjoin {

int run_batch(const Options& options, const std::string& program) {
  const TerminalGuard terminal;
  return BatchRun(selected_options(options), program).run();
}

}  // namespace enjoin
