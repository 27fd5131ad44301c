#pragma once

// The kernel's list of the robust locks that a thread holds (get_robust_list(2)), kept so that no
// byte of shared memory is ever believed.
//
// When a thread dies the kernel walks a list of its locks and marks each word "owner died". The
// list's links lie in the locks, hence in shared memory, where anybody may have scribbled on them.
// The C library follows them when it takes a lock out: one wild store while the supervisor holds a
// lock, and it writes to wherever that store points. Here the links are only written, for the
// kernel, which checks what it reads; what we hold is remembered privately.

#include <cstdint>

#include "ipc/layout.h"

namespace enjoin::ipc {

/// The locks that the calling thread holds. For RobustMutex alone.
class HeldLocks {
 public:
  /// The calling thread's own. The first call makes system calls, the others none; a forked child
  /// begins anew.
  static HeldLocks& of_thread() noexcept;

  /// The kernel's number of this thread, as it stands in the words of its locks.
  std::uint32_t thread_id() const noexcept { return thread_id_; }

  /// Between these two the kernel looks at `lock` as well, should the thread die: its word may be
  /// ours without being in the list, or be free with nobody woken.
  void begin(LockStorage& lock) noexcept;
  void end() noexcept;

  void add(LockStorage& lock) noexcept;
  void remove(LockStorage& lock) noexcept;

 private:
  static constexpr std::uint32_t kMost = 4;
  void enlist() noexcept;

  void* head_ = nullptr;   // robust_list_head: the C library's, or one of ours
  void* below_ = nullptr;  // what the list held before our first lock
  LockStorage* held_[kMost] = {};
  std::uint32_t count_ = 0;
  std::uint32_t thread_id_ = 0;
};

}  // namespace enjoin::ipc
