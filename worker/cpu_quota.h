#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace enjoin {

/// The CPUs that this process's cgroup and all cgroups above it allow, as bandwidth: 1.5 is one and
/// a half CPUs' time. Nothing where no quota is set or none can be read. The smallest counts, for a
/// group gets no more than the groups that it lies in. Both cgroup v2 (cpu.max) and v1
/// (cpu.cfs_quota_us) are looked at. `root` goes before /proc and before every mount point: tests
/// give a made-up tree.
std::optional<double> cgroup_cpu_quota(const std::string& root = "");

/// The CPUs that this process may really use: the affinity mask, and no more than the cgroup quota
/// (v1 and v2, rounded up). At least 1.
std::uint32_t usable_cpus();

}  // namespace enjoin
