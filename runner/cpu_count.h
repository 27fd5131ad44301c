#pragma once

#include <cstdint>
#include <string>

namespace enjoin {

/// What is counted as one CPU.
enum class CpuUnit : std::uint8_t { kThreads, kCores, kSockets };

/// How many there are in the machine, as far as our affinity mask lets us use one of their hardware
/// threads. At least 1. `root` goes before /sys: tests give a made-up tree.
std::uint32_t count_cpus(CpuUnit unit, const std::string& root = "");

/// The CPUs that -j is reckoned from: usable_cpus() (worker/cpu_quota.h), but no more than there
/// are of `unit`.
std::uint32_t usable_cpus(CpuUnit unit);

}  // namespace enjoin
