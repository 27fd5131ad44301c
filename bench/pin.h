#pragma once

#include <algorithm>
#include <cstddef>
#include <sched.h>
#include <vector>

#include <sys/resource.h>

#include "bench/spawn.h"

namespace bench {

/// Pins to the n-th CPU that this process may use, or the last one where there are fewer.
inline void pin_to(std::size_t n) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) die("sched_getaffinity");
  std::vector<std::size_t> cpus;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  CPU_SET(cpus[std::min(n, cpus.size() - 1)], &wanted);
  if (sched_setaffinity(0, sizeof wanted, &wanted) != 0) die("sched_setaffinity");
}

/// CPU time of this process (RUSAGE_SELF) or of its reaped children (RUSAGE_CHILDREN).
inline double cpu_ns(int who) {
  struct rusage usage {};
  getrusage(who, &usage);
  const auto seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
  const auto micros = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  return static_cast<double>(seconds) * 1e9 + static_cast<double>(micros) * 1e3;
}

}  // namespace bench
