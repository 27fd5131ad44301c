#pragma once

#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace enjoin {

/// What /proc shows of a process.
struct ProcessSight {
  char state = '?';  ///< R runs or could, S sleeps, D cannot be woken, T stopped, t traced, Z ended
  std::uint64_t cpu_ticks = 0;
};

/// nullopt: there is no such process, or no /proc.
std::optional<ProcessSight> see_process(pid_t pid);

/// Whether a child of it has not ended. True where that cannot be known.
bool has_living_child(pid_t pid);

}  // namespace enjoin
