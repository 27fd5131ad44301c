#include "runner/pool/pool_size.h"

#include <string>

#include "ipc/layout.h"
#include "worker/cpu_quota.h"

namespace enjoin {

std::uint32_t pool_size(std::uint32_t asked) {
  if (asked > ipc::kMaxWorkers) {
    throw Error("a pool has at most " + std::to_string(ipc::kMaxWorkers) + " workers, not " +
                std::to_string(asked));
  }
  return asked == 0 ? usable_cpus() : asked;
}

}  // namespace enjoin
