#include "runner/cpu_count.h"

#include <algorithm>
#include <fstream>
#include <sched.h>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "worker/cpu_quota.h"

namespace enjoin {
namespace {

constexpr int kMostCpus = CPU_SETSIZE;

/// A number in a file of the CPU's topology; -1 where it cannot be read.
int topology(const std::string& root, int cpu, const char* name) {
  std::ifstream file(fmt::format("{}/sys/devices/system/cpu/cpu{}/topology/{}", root, cpu, name));
  int number = -1;
  return file >> number ? number : -1;
}

}  // namespace

std::uint32_t count_cpus(CpuUnit unit, const std::string& root) {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return 1;
  std::set<std::pair<int, int>> found;
  for (int cpu = 0; cpu < kMostCpus; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &usable) == 0) continue;
    if (unit == CpuUnit::kThreads) {
      found.emplace(cpu, 0);
      continue;
    }
    const int socket = topology(root, cpu, "physical_package_id");
    // Without a topology each thread counts as a core, and all as one socket.
    const int core = socket < 0 ? cpu : topology(root, cpu, "core_id");
    found.emplace(socket, unit == CpuUnit::kCores ? core : 0);
  }
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(found.size()));
}

std::uint32_t usable_cpus(CpuUnit unit) {
  const std::uint32_t threads = usable_cpus();
  return unit == CpuUnit::kThreads ? threads : std::min(threads, count_cpus(unit));
}

}  // namespace enjoin
