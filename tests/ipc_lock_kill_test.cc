#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <unistd.h>

#include <boost/interprocess/sync/scoped_lock.hpp>
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ipc/robust_mutex.h"
#include "support/ipc_views.h"
#include "support/stepper.h"

using namespace enjoin;
using namespace enjoin::ipc;
using enjoin::test::kLockLimit;

namespace {

// A lock and what it guards: two numbers that are equal whenever the lock is free.
struct Guarded {
  LockStorage storage;
  std::uint64_t left;
  std::uint64_t right;
};

class SharedGuarded {
 public:
  SharedGuarded()
      : guarded_(static_cast<Guarded*>(::mmap(nullptr, sizeof(Guarded), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(guarded_ != MAP_FAILED);
    RobustMutex::initialise(guarded_->storage);
  }
  SharedGuarded(const SharedGuarded&) = delete;
  SharedGuarded& operator=(const SharedGuarded&) = delete;
  ~SharedGuarded() { ::munmap(guarded_, sizeof(Guarded)); }
  Guarded& operator*() const { return *guarded_; }
  Guarded* operator->() const { return guarded_; }

 private:
  Guarded* guarded_;
};

[[noreturn]] void exit_holding(LockStorage& storage) {
  RobustMutex mutex(storage);
  mutex.lock();
  ::_exit(0);
}

void let_an_owner_die(LockStorage& storage) {
  const pid_t owner = ::fork();
  if (owner == 0) exit_holding(storage);
  ::waitpid(owner, nullptr, 0);
}

using Use = std::function<void(Guarded&)>;

void change(Guarded& guarded) {
  ++guarded.left;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  ++guarded.right;
}

// Blocks until process `pid` sleeps.
void wait_until_asleep(pid_t pid) {
  for (char state = 0; state != 'S'; ::usleep(1000)) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(stat, line);
    state = line.at(line.rfind(')') + 2);
  }
}

[[noreturn]] void be_traced_waiter(LockStorage& storage) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
  ::kill(::getpid(), SIGSTOP);
  RobustMutex mutex(storage);
  [[maybe_unused]] const LockAnswer got = mutex.acquire_for(kLockLimit);
  ::_exit(0);
}

[[noreturn]] void be_waiter(LockStorage& storage) {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  RobustMutex mutex(storage);
  const LockAnswer got = mutex.acquire();
  mutex.unlock();
  ::_exit(got == LockAnswer::kOk ? 0 : 1);
}

// Runs a stopped, traced child until it enters futex(2).
void run_into_futex(pid_t pid) {
  ::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
  for (;;) {
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
    int status = 0;
    ::waitpid(pid, &status, __WALL);
    REQUIRE(WIFSTOPPED(status));
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_futex) return;
  }
}

enum class Before { kFree, kOwnerDied };

class LockTrial : public test::Trial {
 public:
  LockTrial(Use use, Before before, std::size_t* deaths)
      : use_(std::move(use)), deaths_(deaths), died_before_(before == Before::kOwnerDied) {
    if (died_before_) let_an_owner_die(guarded_->storage);
  }

  void operation() override { use_(*guarded_); }

  void verify() override {
    RobustMutex mutex(guarded_->storage);
    const LockAnswer got = mutex.acquire_for(kLockLimit);
    REQUIRE((got == LockAnswer::kOk || got == LockAnswer::kOwnerDied));
    if (got == LockAnswer::kOwnerDied) {
      ++*deaths_;
      guarded_->right = guarded_->left;
    }
    // Who was not told of a death may trust the invariant.
    CHECK(guarded_->left == guarded_->right);
    mutex.unlock();
    REQUIRE(mutex.acquire_for(kLockLimit) == LockAnswer::kOk);
    mutex.unlock();
  }

  std::vector<std::span<const std::byte>> watched() const override {
    return {std::as_bytes(std::span(&*guarded_, 1))};
  }

 private:
  Use use_;
  std::size_t* deaths_;
  bool died_before_;
  SharedGuarded guarded_;
};

void sweep(const char* name, const Use& use, Before before = Before::kFree) {
  std::size_t deaths = 0;
  const test::Sweep done =
      test::kill_everywhere([&] { return std::make_unique<LockTrial>(use, before, &deaths); });
  if (!done.allowed) {
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was killed");
    return;
  }
  MESSAGE(std::string(name) << ": " << done.kill_points << " kill points in " << done.instructions
                            << " instructions, " << deaths << " deaths with the lock held");
  CHECK(done.kill_points >= 5);
  CHECK(deaths >= 2);
  CHECK(deaths < done.kill_points);
}

}  // namespace

TEST_CASE("lock kill: a lock whose holder is killed at any point is free or says so") {
  sweep("acquire", [](Guarded& guarded) {
    RobustMutex mutex(guarded.storage);
    [[maybe_unused]] const LockAnswer got = mutex.acquire();
    change(guarded);
    mutex.unlock();
  });
}

TEST_CASE("lock kill: taking with a limit leaves no more behind") {
  sweep("acquire_for", [](Guarded& guarded) {
    RobustMutex mutex(guarded.storage);
    [[maybe_unused]] const LockAnswer got = mutex.acquire_for(kLockLimit);
    change(guarded);
    mutex.unlock();
  });
}

TEST_CASE("lock kill: a holder through Boost's scoped_lock may be killed as well") {
  sweep("scoped_lock", [](Guarded& guarded) {
    RobustMutex mutex(guarded.storage);
    boost::interprocess::scoped_lock<RobustMutex> hold(mutex);
    change(guarded);
  });
}

TEST_CASE("lock kill: who repairs after a dead owner may be killed too") {
  sweep(
      "over a dead owner",
      [](Guarded& guarded) {
        RobustMutex mutex(guarded.storage);
        if (mutex.acquire() == LockAnswer::kOwnerDied) guarded.right = guarded.left;
        change(guarded);
        mutex.unlock();
      },
      Before::kOwnerDied);
}

// Unlocking wakes the first waiter; that one is killed before it runs, and meanwhile a third
// process has taken the lock without seeing that there is another waiter. The kernel passes the
// wake-up on only where it finds the lock free, so a plain pthread_mutex_lock sleeps for ever here.
TEST_CASE("lock kill: a waiter that is killed as it wakes leaves no other asleep") {
  SharedGuarded guarded;
  RobustMutex mutex(guarded->storage);
  mutex.lock();
  const pid_t first = ::fork();
  if (first == 0) be_traced_waiter(guarded->storage);
  int status = 0;
  ::waitpid(first, &status, __WALL);
  if (!WIFSTOPPED(status)) {
    mutex.unlock();
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was killed");
    return;
  }
  run_into_futex(first);
  ::ptrace(PTRACE_SYSCALL, first, nullptr, nullptr);
  wait_until_asleep(first);
  const pid_t second = ::fork();
  if (second == 0) be_waiter(guarded->storage);
  wait_until_asleep(second);

  mutex.unlock();
  ::waitpid(first, &status, __WALL);  // stopped on its way out of futex
  CHECK(WIFSTOPPED(status));
  REQUIRE(mutex.try_acquire() == LockAnswer::kOk);
  ::kill(first, SIGKILL);
  ::waitpid(first, &status, __WALL);
  CHECK(WIFSIGNALED(status));
  mutex.unlock();

  ::waitpid(second, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
