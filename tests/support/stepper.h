#pragma once

// Kills a process at every point of an operation that matters.
//
// A forked child runs the operation under ptrace, one instruction at a time. A point matters where
// shared memory differs from what the last point left behind, where the list of robust locks
// changed (the kernel acts on it when the process dies), or where a system call has just returned,
// whose effect may lie outside of memory. A kill at any other instruction leaves the same world as
// a kill at the point before it. For each point the world is built anew, the child is stepped there
// and killed, and the world's own check runs.
//
//   (nothing)          the points that matter; for every third a second death; every ninth
//                      instruction interrupted (under sanitizers a quarter of these)
//   ENJOIN_KILL=every  every instruction; every pair of deaths at points that matter (an hour)

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "support/sanitized.h"

namespace enjoin::test {

/// A world in shared memory, what a process does in it, and what must hold however far it came.
class Trial {
 public:
  virtual ~Trial() = default;
  /// Runs in the child: nothing but the operation, no test assertions.
  virtual void operation() = 0;
  /// Runs in the test once the child is dead and reaped.
  virtual void verify() = 0;
  /// Runs in a second child, once the first is dead: what the repairer does, which is killed as
  /// well (kill_twice). No test assertions.
  virtual void repair() {}
  /// Runs in the test while the child stands still (interrupt_everywhere).
  virtual void meanwhile() {}
  /// Shared memory whose every change is a point to kill at. A lock's own bytes may be left out:
  /// taking and giving back a robust lock shows in the list of robust locks.
  virtual std::vector<std::span<const std::byte>> watched() const = 0;
};

using MakeTrial = std::function<std::unique_ptr<Trial>()>;

struct Sweep {
  std::size_t kill_points = 0;   ///< children killed; one more ran to its end
  std::size_t instructions = 0;  ///< up to the last of them
  bool allowed = true;           ///< false: this machine forbids ptrace; nothing was tested
};

/// Of the points of a long operation, each so many-th: sanitized code takes ten times the steps.
inline constexpr unsigned kPointsApart = kSanitized ? 4 : 1;

/// Does all of it, at each `apart`-th point. Verifies a child that is not killed as well. Throws
/// std::runtime_error where the child does something unexpected (crashes, never ends).
Sweep kill_everywhere(const MakeTrial& make, unsigned apart = 1);

/// Kills the child at each point and who repairs after it as well: Sweep::kill_points are pairs.
Sweep kill_twice(const MakeTrial& make);

/// Stops the child at instructions where it holds no lock, runs meanwhile(), lets it go on to its
/// end, and verifies: what two do at once is done once.
Sweep interrupt_everywhere(const MakeTrial& make);

}  // namespace enjoin::test
