#pragma once

#include <sys/types.h>

#include "ipc/unique_fd.h"

namespace enjoin {

/// The foreground of our controlling terminal, lent by one process group to another. SIGTTOU must
/// be blocked or ignored.
class ForegroundLoan {
 public:
  ForegroundLoan() = default;  ///< of nothing
  /// To take it from `owner`; of nothing where that group does not have it.
  explicit ForegroundLoan(pid_t owner);
  /// The terminal; -1: nothing can be taken.
  int terminal() const { return terminal_.get(); }
  /// Gives it back to its owner, where `borrower` has it or a group that is no more. Who got it in
  /// another way meanwhile (a shell whose ^Z was heard) keeps it.
  void give_back(pid_t borrower);

 private:
  pid_t owner_ = 0;
  ipc::UniqueFd terminal_;
};

/// After the death of who was to give it back to `owner`: does so, where a group has the foreground
/// that is no more.
void restore_foreground(pid_t owner);

}  // namespace enjoin
