#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include <sys/types.h>

namespace enjoin {

/// Our own living children (all threads'), zombies included; read from /proc, or found by asking
/// every process for its parent where the kernel lacks the "children" file.
std::vector<pid_t> list_children();

/// Whether any child of ours, waited for or not, is left; reaps those that have ended.
bool reap_ended_children();

/// Whether a child of ours, other than `leader`, is alive in the process group that `leader` leads.
/// Once the leader has ended, its own children are ours.
bool group_outlives(pid_t leader);

/// Whether a signal has stopped this process.
bool is_stopped(pid_t pid);

/// What a sweep came to.
enum class [[nodiscard]] SweepAnswer : std::uint8_t{
    kClean,    ///< nothing is left
    kEscaped,  ///< something was still alive when the time was over
};

/// Kills every child of ours that `spare` does not name, and every descendant that thereby becomes
/// our child (we are their subreaper), until none is left or `limit` is over. Reaps them.
SweepAnswer kill_children(std::chrono::milliseconds limit,
                          const std::function<bool(pid_t)>& spare = nullptr);

}  // namespace enjoin
