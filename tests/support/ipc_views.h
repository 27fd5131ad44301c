#pragma once

#include <chrono>
#include <fcntl.h>

#include "ipc/segment.h"
#include "ipc/team_memory.h"
#include "ipc/unique_fd.h"

namespace enjoin::test {

/// Longer than any healthy lock is held, and an end for a test that has found a broken one.
inline constexpr std::chrono::seconds kLockLimit{10};

inline ipc::UniqueFd duplicate(int fd) {
  return ipc::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/// A team's memory as a worker maps it.
inline ipc::TeamMemory worker_view(const ipc::TeamMemory& memory) {
  return ipc::TeamMemory::attach(duplicate(memory.table_fd()), duplicate(memory.control_fd()));
}

}  // namespace enjoin::test
