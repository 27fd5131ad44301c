#include "ipc/bells.h"

#include <bit>
#include <cerrno>
#include <ctime>
#include <unistd.h>

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "enjoin/error.h"

namespace enjoin::ipc {
namespace {

// Shared futexes (no FUTEX_PRIVATE_FLAG): the waiter and the waker are different processes.
long futex(AtomicU32& word, int operation, std::uint32_t value, const timespec* limit) noexcept {
  return ::syscall(SYS_futex, &word, operation, value, limit, nullptr, 0);
}

constexpr std::uint64_t bit_of(std::uint32_t worker) {
  return std::uint64_t{1} << (worker % 64);
}

}  // namespace

std::uint32_t Bells::bell_value(std::uint32_t worker) const noexcept {
  return memory_->block(worker).bell.load(std::memory_order_seq_cst);
}

void Bells::announce_idle(std::uint32_t worker) noexcept {
  memory_->control().idle[worker / 64].fetch_or(bit_of(worker), std::memory_order_seq_cst);
}

void Bells::withdraw_idle(std::uint32_t worker) noexcept {
  AtomicU64& word = memory_->control().idle[worker / 64];
  // Mostly whoever rang has cleared it.
  if ((word.load(std::memory_order_relaxed) & bit_of(worker)) == 0) return;
  word.fetch_and(~bit_of(worker), std::memory_order_seq_cst);
}

void Bells::wait_for_bell(std::uint32_t worker, std::uint32_t seen,
                          std::uint32_t limit_ms) noexcept {
  const timespec limit{static_cast<time_t>(limit_ms / 1000),
                       static_cast<long>(limit_ms % 1000) * 1'000'000};
  futex(memory_->block(worker).bell, FUTEX_WAIT, seen, limit_ms == 0 ? nullptr : &limit);
}

void Bells::raise_only(WorkerBlock& block) noexcept {
  block.bell.fetch_add(1, std::memory_order_seq_cst);
}

void Bells::ring(std::uint32_t worker) noexcept {
  raise_only(memory_->block(worker));
  futex(memory_->block(worker).bell, FUTEX_WAKE, 1, nullptr);
}

bool Bells::any_idle() const noexcept {
  const std::uint32_t words = (memory_->workers() + 63) / 64;
  for (std::uint32_t i = 0; i < words; ++i) {
    if (memory_->control().idle[i].load(std::memory_order_seq_cst) != 0) return true;
  }
  return false;
}

bool Bells::is_idle(std::uint32_t worker) const noexcept {
  const AtomicU64& word = memory_->control().idle[worker / 64];
  return (word.load(std::memory_order_seq_cst) & bit_of(worker)) != 0;
}

bool Bells::ring_one_idle() noexcept {
  const std::uint32_t words = (memory_->workers() + 63) / 64;
  for (std::uint32_t i = 0; i < words; ++i) {
    AtomicU64& word = memory_->control().idle[i];
    std::uint64_t idle = word.load(std::memory_order_seq_cst);
    while (idle != 0) {
      const auto worker = i * 64 + static_cast<std::uint32_t>(std::countr_zero(idle));
      const std::uint64_t before = word.fetch_and(~bit_of(worker), std::memory_order_seq_cst);
      if ((before & bit_of(worker)) != 0 && worker < memory_->workers()) {
        ring(worker);
        return true;
      }
      idle = before & ~bit_of(worker);
    }
  }
  return false;
}

void Bells::announce_supervisor_waits() noexcept {
  memory_->control().supervisor_waits.store(1, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Bells::withdraw_supervisor_waits() noexcept {
  memory_->control().supervisor_waits.store(0, std::memory_order_relaxed);
}

void Bells::tell_supervisor(int event_fd) noexcept {
  AtomicU32& waits = memory_->control().supervisor_waits;
  // What was published before must be visible before this look: the other half of the barrier in
  // announce_supervisor_waits.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (waits.load(std::memory_order_seq_cst) == 0) return;
  if (waits.exchange(0, std::memory_order_seq_cst) == 0) return;
  const std::uint64_t one = 1;
  while (::write(event_fd, &one, sizeof one) < 0) {
    if (errno == EINTR) continue;
    // The next to tell something rings.
    return waits.store(1, std::memory_order_seq_cst);
  }
}

UniqueFd make_event_fd() {
  UniqueFd made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!made) throw system_error("cannot make an eventfd", errno);
  return made;
}

}  // namespace enjoin::ipc
