#include "runner/pool/pool_size.h"

#include <sched.h>
#include <string>
#include <thread>

#include "ipc/layout.h"

namespace enjoin {

std::uint32_t usable_cpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return static_cast<std::uint32_t>(count);
  }
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : count;
}

std::uint32_t pool_size(std::uint32_t asked) {
  if (asked > ipc::kMaxWorkers) {
    throw Error("a pool has at most " + std::to_string(ipc::kMaxWorkers) + " workers, not " +
                std::to_string(asked));
  }
  return asked == 0 ? usable_cpus() : asked;
}

}  // namespace enjoin
