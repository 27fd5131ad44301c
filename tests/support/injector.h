#pragma once

// Makes system calls of enjoin's processes fail, one at a time, without their knowing.
//
// The program runs under a seccomp filter that asks the test about each call of the chosen class
// (SECCOMP_RET_USER_NOTIF). The test tells from whom it comes, counts, lets it go on, or answers
// with an error in the kernel's stead. Jobs inherit the filter, but nothing of theirs ever fails.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/cli.h"

namespace enjoin::test {

/// Whose call it is. A child between clone and exec still runs its parent's code and counts as it.
enum class Role : std::uint8_t { kSupervisor, kKeeper, kWorker, kJob };
std::string_view name_of(Role role);

/// System calls that may fail with one error.
struct FaultClass {
  const char* name;
  int error;
  /// While an error lasts, trying again for ever is right (EINTR, EAGAIN); so it comes once only.
  bool only_once;
  struct Call {
    long number;
    /// Of the arguments; null: always.
    bool (*counts)(const std::uint64_t* arguments) = nullptr;
  };
  std::vector<Call> calls;
};

/// All that there are, in the order in which they are worth trying.
const std::vector<FaultClass>& fault_classes();
const FaultClass& fault_class(std::string_view name);

struct Fault {
  const FaultClass* kind = nullptr;  ///< null: all are counted, nothing fails
  Role role = Role::kSupervisor;
  std::size_t nth = 0;   ///< from 1; 0: none, only counts
  bool lasting = false;  ///< and all that follow
};

/// What became of a run.
struct Faulted {
  Ran ran;
  bool hung = false;         ///< it was killed after the bound
  std::size_t matching = 0;  ///< calls of the class and role, the failed ones among them
  /// Without a class: the calls of each class (in the order of fault_classes()) by role.
  std::map<Role, std::vector<std::size_t>> counted;
  std::size_t injected = 0;
  std::string call;               ///< the first that failed
  bool was_message = false;       ///< that was a write to stderr
  bool removal_failed = false;    ///< a file or folder could not be removed for it
  std::vector<std::string> left;  ///< processes that outlived it, now killed
};

/// Whether this machine allows it; says so loudly where not.
bool can_inject();

/// Runs enjoin in the sandbox. Waits until it and all that it started are gone, half a minute for
/// either. Makes the calling process a child subreaper, and reaps all of its children.
Faulted run_with_fault(const Sandbox& box, const std::vector<std::string>& arguments,
                       const RunOptions& options, const Fault& fault);

}  // namespace enjoin::test
