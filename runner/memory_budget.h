#pragma once

#include <cstdint>
#include <string>

namespace enjoin {

/// How much memory jobs can have together: that of the machine, and no more than our cgroup and all
/// above it allow (cgroup v2). Bytes. `root` goes before /proc and /sys: tests give a made-up tree.
std::uint64_t memory_budget(const std::string& root = "");

}  // namespace enjoin
