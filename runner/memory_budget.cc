#include "runner/memory_budget.h"

#include <algorithm>
#include <fstream>
#include <limits>

namespace enjoin {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// "MemTotal:       16314396 kB"
std::uint64_t machine_memory(const std::string& root) {
  std::ifstream file(root + "/proc/meminfo");
  std::string name;
  std::uint64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    if (name == "MemTotal:") return kilobytes * 1024;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return kNoLimit;
}

/// "/user.slice/x"; empty: the root, or no cgroup v2.
std::string own_cgroup(const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/") && line.size() > 4) return line.substr(3);
  }
  return "";
}

/// A file holds a number, or "max".
std::uint64_t limit_in(const std::string& folder) {
  std::ifstream file(folder + "/memory.max");
  std::uint64_t bytes = 0;
  return file >> bytes && bytes > 0 ? bytes : kNoLimit;
}

}  // namespace

std::uint64_t memory_budget(const std::string& root) {
  std::uint64_t budget = machine_memory(root);
  const std::string top = root + "/sys/fs/cgroup";
  for (std::string group = own_cgroup(root); !group.empty(); group.erase(group.rfind('/')))
    budget = std::min(budget, limit_in(top + group));
  return std::min(budget, limit_in(top));  // in a cgroup namespace it is ours
}

}  // namespace enjoin
