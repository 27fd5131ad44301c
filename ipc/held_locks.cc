#include "ipc/held_locks.h"

#include <atomic>
#include <cstddef>
#include <pthread.h>
#include <unistd.h>

#include <linux/futex.h>
#include <sys/syscall.h>

#include "ipc/check.h"

namespace enjoin::ipc {
namespace {

constexpr long kOffset = -static_cast<long>(offsetof(LockStorage, next));
static_assert(offsetof(LockStorage, word) == 0);

thread_local HeldLocks own_locks;
// For a C library that keeps no such list, or has its words at another distance.
thread_local robust_list_head own_head;

robust_list* link_of(LockStorage& lock) {
  return reinterpret_cast<robust_list*>(&lock.next);
}

robust_list_head& head_at(void* head) {
  return *static_cast<robust_list_head*>(head);
}

// What counts is the order in which a death finds the stores, which no other thread sees.
void in_order() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

HeldLocks& HeldLocks::of_thread() noexcept {
  HeldLocks& locks = own_locks;
  if (locks.thread_id_ == 0) [[unlikely]]
    locks.enlist();
  return locks;
}

void HeldLocks::enlist() noexcept {
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, [] { own_locks = HeldLocks(); });
  robust_list_head* head = nullptr;
  std::size_t size = 0;
  const long error = ::syscall(SYS_get_robust_list, 0, &head, &size);
  if (error != 0 || head == nullptr || size != sizeof *head || head->futex_offset != kOffset) {
    own_head = {.list = {&own_head.list}, .futex_offset = kOffset, .list_op_pending = nullptr};
    head = &own_head;
    ::syscall(SYS_set_robust_list, head, sizeof *head);
  }
  head_ = head;
  thread_id_ = static_cast<std::uint32_t>(::gettid());
}

void HeldLocks::begin(LockStorage& lock) noexcept {
  head_at(head_).list_op_pending = link_of(lock);
  in_order();
}

void HeldLocks::end() noexcept {
  in_order();
  head_at(head_).list_op_pending = nullptr;
}

void HeldLocks::add(LockStorage& lock) noexcept {
  robust_list_head& head = head_at(head_);
  ENJOIN_CHECK(count_ < kMost, count_, kMost);
  in_order();
  if (count_ == 0) below_ = head.list.next;
  link_of(lock)->next = head.list.next;
  held_[count_++] = &lock;
  in_order();
  head.list.next = link_of(lock);
}

void HeldLocks::remove(LockStorage& lock) noexcept {
  std::uint32_t at = 0;
  while (at < count_ && held_[at] != &lock) ++at;
  ENJOIN_CHECK(at < count_, at, count_);
  auto* const before = at == 0 ? static_cast<robust_list*>(below_) : link_of(*held_[at - 1]);
  (at + 1 == count_ ? head_at(head_).list.next : link_of(*held_[at + 1])->next) = before;
  for (--count_; at < count_; ++at) held_[at] = held_[at + 1];
  in_order();
}

}  // namespace enjoin::ipc
