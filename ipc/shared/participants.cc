// Who uses the memory of shared objects, and what becomes of what they hold when they are gone.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <string>
#include <unistd.h>

#include <linux/futex.h>
#include <sys/syscall.h>

#include "ipc/held_locks.h"
#include "ipc/shared/mapped.h"

namespace enjoin::shared::detail {
namespace {

constexpr std::chrono::milliseconds kLookEach{100};

// Another one after each fork: a child is a process of its own.
std::uint32_t epoch() {
  static AtomicU32 current{1};
  [[maybe_unused]] static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { current.fetch_add(1, std::memory_order_relaxed); });
  return current.load(std::memory_order_relaxed);
}

struct Life {
  char state = 0;  // as in /proc/PID/stat; 0: not known
  std::uint64_t start_time = 0;
};

// No streams: a process that has just been forked comes here too.
Life look_at(pid_t pid) {
  char path[40];
  char text[512];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  const ipc::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t got = file ? ::read(file.get(), text, sizeof text - 1) : 0;
  if (got <= 0) return {};
  text[got] = '\0';
  // The name in parentheses may hold anything. Behind it: state is the 3rd field, this the 22nd.
  const char* at = std::strrchr(text, ')');
  if (at == nullptr || at[1] != ' ') return {};
  Life life{.state = at[2], .start_time = 0};
  for (int field = 2; field < 22 && at != nullptr; ++field) at = std::strchr(at + 1, ' ');
  if (at != nullptr) life.start_time = std::strtoull(at + 1, nullptr, 10);
  return life;
}

bool is_alive(const Participant& known) {
  const auto pid = static_cast<pid_t>(known.pid.load(std::memory_order_relaxed));
  if (pid <= 0 || (::kill(pid, 0) != 0 && errno == ESRCH)) return false;
  const std::uint64_t start_time = known.start_time.load(std::memory_order_relaxed);
  const Life life = look_at(pid);
  if (life.state == 0 || start_time == 0) return true;  // there is no telling
  return life.state != 'Z' && life.state != 'X' && life.start_time == start_time;
}

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace

std::uint32_t thread_number() noexcept {
  return ipc::HeldLocks::of_thread().thread_id();
}

void wake(AtomicU32& word, std::uint32_t most) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, most, nullptr, nullptr, 0);
}

Participant& Mapped::participant(std::uint32_t number) const {
  return *segment_.at<Participant>(sizeof(SharedHeader) +
                                   sizeof(Participant) * std::uint64_t{number - 1});
}

std::uint32_t Mapped::self() {
  const std::uint32_t now = epoch();
  const std::uint64_t known = self_.load(std::memory_order_acquire);
  if (known >> 32 == now) [[likely]]
    return static_cast<std::uint32_t>(known);
  return enlist();
}

std::uint32_t Mapped::enlist() {
  const std::uint64_t start_time = look_at(::getpid()).start_time;
  std::uint32_t number = try_enlist(start_time);
  if (number == 0 && look_for_dead(true) != 0) number = try_enlist(start_time);
  if (number != 0) return number;
  throw Error("shared memory is used by " + std::to_string(processes_) +
              " processes already: see MemoryOptions::processes");
}

std::uint32_t Mapped::try_enlist(std::uint64_t start_time) {
  const Guard guard(header().lock);
  const std::uint64_t known = self_.load(std::memory_order_acquire);
  if (known >> 32 == epoch()) return static_cast<std::uint32_t>(known);  // another thread did
  for (std::uint32_t number = 1; number <= processes_; ++number) {
    Participant& free = participant(number);
    if (free.presence.load(std::memory_order_acquire) !=
        static_cast<std::uint32_t>(Presence::kFree)) {
      continue;
    }
    free.pid.store(static_cast<std::uint32_t>(::getpid()), std::memory_order_relaxed);
    free.start_time.store(start_time, std::memory_order_relaxed);
    if (header().highest.load(std::memory_order_relaxed) < number) {
      header().highest.store(number, std::memory_order_release);
    }
    free.presence.store(static_cast<std::uint32_t>(Presence::kPresent), std::memory_order_release);
    self_.store(std::uint64_t{epoch()} << 32 | number, std::memory_order_release);
    return number;
  }
  return 0;
}

std::uint32_t Mapped::look_for_dead(bool at_once) {
  const std::uint64_t now = now_ns();
  std::uint64_t last = header().looked.load(std::memory_order_relaxed);
  if (!at_once) {
    const auto apart = static_cast<std::uint64_t>(std::chrono::nanoseconds(kLookEach).count());
    if (now - last < apart / 2) return 0;
    if (!header().looked.compare_exchange_strong(last, now, std::memory_order_relaxed)) return 0;
  }
  std::uint32_t found = 0;
  for (std::uint32_t number = 1; number <= highest(); ++number) {
    Participant& known = participant(number);
    const auto presence = static_cast<Presence>(known.presence.load(std::memory_order_acquire));
    if (presence == Presence::kFree || (presence == Presence::kPresent && is_alive(known))) {
      continue;
    }
    process_ended(static_cast<pid_t>(known.pid.load(std::memory_order_relaxed)), Gone::kDied);
    ++found;
  }
  return found;
}

// Whoever is killed in here leaves kGone or kLeft behind, and the next who looks does it again.
void Mapped::process_ended(pid_t pid, Gone how_known) {
  const Guard guard(header().lock);
  for (std::uint32_t number = 1; number <= highest(); ++number) {
    Gone how = how_known;
    Participant& known = participant(number);
    const auto presence = static_cast<Presence>(known.presence.load(std::memory_order_acquire));
    if (presence == Presence::kFree ||
        known.pid.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(pid)) {
      continue;
    }
    // It may be another that has the number by now.
    if (how == Gone::kDied && presence == Presence::kPresent && is_alive(known)) continue;
    if (presence == Presence::kLeft) how = Gone::kLeft;
    known.presence.store(
        static_cast<std::uint32_t>(how == Gone::kDied ? Presence::kGone : Presence::kLeft),
        std::memory_order_release);
    put_in_order(number, how);
    known.presence.store(static_cast<std::uint32_t>(Presence::kFree), std::memory_order_release);
  }
}

void Mapped::leave() {
  const std::uint64_t known = self_.exchange(0, std::memory_order_acq_rel);
  if (known >> 32 == epoch()) process_ended(::getpid(), Gone::kLeft);
}

bool Mapped::sleep(AtomicU32& word, std::uint32_t seen, const Until& until) {
  std::chrono::nanoseconds limit = kLookEach;
  if (until) {
    const auto left = *until - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) return false;
    limit = std::min<std::chrono::nanoseconds>(limit, left);
  }
  const timespec time{0, static_cast<long>(limit.count())};
  const long done = ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &time, nullptr, 0);
  if (done != 0 && errno == ETIMEDOUT && limit == kLookEach) look_for_dead(false);
  return true;
}

}  // namespace enjoin::shared::detail
