#pragma once

#include <chrono>

#include "runner/team/local_team.h"

namespace enjoin {

/// Tries `attempt(limit)` until it has got its lock. False: that cannot be had; memory is
/// condemned.
template <typename Attempt>
bool LocalTeam::with_lock(Attempt&& attempt) {
  ipc::LockAnswer got = ipc::LockAnswer::kBusy;
  do {
    got = attempt(std::chrono::milliseconds(100));
  } while (got == ipc::LockAnswer::kBusy && locks_are_sane());
  if (got == ipc::LockAnswer::kOk || got == ipc::LockAnswer::kOwnerDied) return true;
  condemn("a lock cannot be had");
  return false;
}

}  // namespace enjoin
