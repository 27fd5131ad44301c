#include "worker/cpu_quota.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <sched.h>
#include <string_view>
#include <vector>

namespace enjoin {
namespace {

/// The whole of a small file; empty where it cannot be read.
std::string content_of(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  std::string content;
  if (!file) return content;
  char bytes[4096];
  while (const std::size_t size = std::fread(bytes, 1, sizeof bytes, file.get()))
    content.append(bytes, size);
  return content;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool has_item(std::string_view list, std::string_view item) {
  const std::vector<std::string_view> items = split(list, ',');
  return std::find(items.begin(), items.end(), item) != items.end();
}

/// A number of microseconds; nothing for "max", "-1" and anything else that limits nothing.
std::optional<double> microseconds(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return static_cast<double>(value);
}

/// What one cgroup's own files say.
std::optional<double> quota_of(const std::string& folder, bool unified) {
  std::optional<double> quota;
  std::optional<double> period;
  if (unified) {
    const std::string content = content_of(folder + "/cpu.max");
    const std::size_t blank = content.find(' ');
    if (blank == std::string::npos) return std::nullopt;
    quota = microseconds(std::string_view(content).substr(0, blank));
    period = microseconds(std::string_view(content).substr(blank + 1));
  } else {
    quota = microseconds(content_of(folder + "/cpu.cfs_quota_us"));
    period = microseconds(content_of(folder + "/cpu.cfs_period_us"));
  }
  if (!quota || !period) return std::nullopt;
  return *quota / *period;
}

/// A mounted hierarchy: which part of it (`top`) is visible where.
struct Hierarchy {
  bool unified;
  std::string top;
  std::string mount_point;
};

/// The hierarchies that limit CPU time, by /proc/self/mountinfo:
/// `ID PARENT DEVICE TOP MOUNT_POINT OPTIONS… - TYPE SOURCE SUPER_OPTIONS`.
std::vector<Hierarchy> cpu_hierarchies(const std::string& mountinfo) {
  std::vector<Hierarchy> found;
  for (const std::string_view line : split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const std::vector<std::string_view> where = split(line.substr(0, dash), ' ');
    const std::vector<std::string_view> what = split(line.substr(dash + 3), ' ');
    if (where.size() < 5 || what.size() < 3) continue;
    const bool unified = what[0] == "cgroup2";
    if (unified || (what[0] == "cgroup" && has_item(what[2], "cpu")))
      found.push_back({unified, std::string(where[3]), std::string(where[4])});
  }
  return found;
}

/// This process's path in a hierarchy, by /proc/self/cgroup: lines `ID:CONTROLLERS:PATH`.
std::string own_path(const std::string& membership, bool unified) {
  for (const std::string_view line : split(membership, '\n')) {
    const std::size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (unified ? controllers.empty() : has_item(controllers, "cpu"))
      return std::string(line.substr(second + 1));
  }
  return "/";
}

/// `path` as seen below the mount point. In a container the mount shows a part only, and the path
/// may be given from the top of the machine: then what lies above `top` is cut off.
std::string visible_path(const std::string& path, const std::string& top) {
  if (top == "/") return path;
  if (path == top) return "";
  if (path.starts_with(top + "/")) return path.substr(top.size());
  return "";
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const std::string& root) {
  const std::string membership = content_of(root + "/proc/self/cgroup");
  std::optional<double> least;
  for (const Hierarchy& tree : cpu_hierarchies(content_of(root + "/proc/self/mountinfo"))) {
    std::string path = visible_path(own_path(membership, tree.unified), tree.top);
    while (path.ends_with('/')) path.pop_back();
    for (;;) {
      const std::optional<double> quota = quota_of(root + tree.mount_point + path, tree.unified);
      if (quota) least = std::min(*quota, least.value_or(*quota));
      if (path.empty()) break;
      path.resize(std::min(path.rfind('/'), path.size() - 1));
    }
  }
  return least;
}

std::uint32_t usable_cpus() {
  int allowed = 0;
  // A kernel with more CPUs than the set has bits says EINVAL: then a larger set is asked for.
  for (std::size_t bits = 1024; allowed == 0 && bits <= 1U << 20; bits *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(
        CPU_ALLOC(bits), [](cpu_set_t* memory) { CPU_FREE(memory); });
    const std::size_t size = CPU_ALLOC_SIZE(bits);
    if (set && sched_getaffinity(0, size, set.get()) == 0) allowed = CPU_COUNT_S(size, set.get());
  }
  double cpus = std::max(allowed, 1);
  if (const std::optional<double> quota = cgroup_cpu_quota()) cpus = std::min(cpus, *quota);
  return static_cast<std::uint32_t>(std::max(std::ceil(cpus), 1.0));
}

}  // namespace enjoin
