#include "support/stepper.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#include <sys/user.h>
#endif

namespace enjoin::test {
namespace {

constexpr int kPtraceForbidden = 77;
constexpr std::size_t kTooManySteps = 3'000'000;
constexpr unsigned kFirstDeathsApart = 3 * kPointsApart;
constexpr unsigned kInterruptsApart = 9 * kPointsApart;

using Operation = std::function<void()>;

bool kills_everywhere() {
  const char* const mode = std::getenv("ENJOIN_KILL");
  return mode != nullptr && std::strcmp(mode, "every") == 0;
}

[[noreturn]] void be_child(const Operation& operation) {
  // The test framework's handlers live on in a forked child.
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kPtraceForbidden);
  const pid_t self = ::getpid();
  ::kill(self, SIGSTOP);
  operation();
  ::kill(self, SIGSTOP);
  ::_exit(0);
}

enum class Stop { kBegin, kStepped, kEnd, kForbidden };

class Child {
 public:
  explicit Child(const Operation& operation) : pid_(::fork()) {
    if (pid_ == 0) be_child(operation);
    if (pid_ < 0) throw std::runtime_error("fork failed");
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { kill_and_reap(); }

  void kill_and_reap() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }

  // Waits for the next stop; SIGSTOP is how the child says "begin" and "end".
  Stop wait_for_stop(Stop at_sigstop) {
    int status = 0;
    while (::waitpid(pid_, &status, __WALL) < 0) {
      if (errno != EINTR) throw std::runtime_error("waitpid failed");
    }
    if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP) return at_sigstop;
    if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP) return Stop::kStepped;
    if (WIFEXITED(status) || WIFSIGNALED(status)) pid_ = -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == kPtraceForbidden) return Stop::kForbidden;
    throw std::runtime_error("stepped child: unexpected wait status " + std::to_string(status));
  }

  Stop step() {
    if (::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr) != 0) {
      throw std::runtime_error("cannot single-step");
    }
    return wait_for_stop(Stop::kEnd);
  }

  // Runs at full speed to its end.
  void run_to_end() {
    ::ptrace(PTRACE_CONT, pid_, nullptr, nullptr);
    if (wait_for_stop(Stop::kEnd) != Stop::kEnd) throw std::runtime_error("never came to its end");
  }

  bool holds_lock() {
    const std::array<std::uint64_t, 3> words = robust_list();
    return words[0] != reinterpret_cast<std::uint64_t>(robust_head_) || words[2] != 0;
  }

  // Head of its robust list: first lock, and the one that it is about to take or give back.
  std::array<std::uint64_t, 3> robust_list() {
    std::array<std::uint64_t, 3> words{};
    if (robust_head_ == nullptr) {
      std::size_t size = 0;
      ::syscall(SYS_get_robust_list, pid_, &robust_head_, &size);
    }
    iovec here{words.data(), sizeof words};
    iovec there{robust_head_, sizeof words};
    if (::process_vm_readv(pid_, &here, 1, &there, 1, 0) != sizeof words) words = {};
    return words;
  }

  bool at_system_call() const {
#if defined(__x86_64__)
    const long place = ::ptrace(PTRACE_PEEKUSER, pid_, offsetof(user_regs_struct, rip), nullptr);
    // A forked child's code lies where ours does.
    std::array<unsigned char, 2> code{};
    std::memcpy(code.data(), reinterpret_cast<const void*>(place), code.size());
    return code[0] == 0x0f && code[1] == 0x05;
#else
    return false;
#endif
  }

 private:
  pid_t pid_;
  robust_list_head* robust_head_ = nullptr;
};

// What the watched memory held when it was looked at last.
class Picture {
 public:
  explicit Picture(std::vector<std::span<const std::byte>> spans) : spans_(std::move(spans)) {
    for (const auto& span : spans_) kept_.emplace_back(span.begin(), span.end());
  }
  bool changed() {
    bool any = false;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (std::memcmp(spans_[i].data(), kept_[i].data(), kept_[i].size()) == 0) continue;
      std::copy(spans_[i].begin(), spans_[i].end(), kept_[i].begin());
      any = true;
    }
    return any;
  }

 private:
  std::vector<std::span<const std::byte>> spans_;
  std::vector<std::vector<std::byte>> kept_;
};

// Where the last child was killed: after how many instructions and changes of watched memory.
struct Progress {
  std::size_t steps = 0;
  std::size_t changes = 0;
};

// Steps the child to the next point after `*last`. Up to there it looks at memory only, which is
// cheap; the same program takes the same way, but for a few instructions (memcpy's depend on where
// the heap has put its source), so no change of memory is passed by. False: the operation ended
// before the next point. With `every`, each instruction is a point. `nth`: not the next, a later
// one.
bool step_to_next(Child& child, Trial& trial, Progress* last, bool every, unsigned nth = 1) {
  Picture picture(trial.watched());
  Progress now;
  std::array<std::uint64_t, 3> robust{};
  for (;;) {
    if (now.steps > kTooManySteps) throw std::runtime_error("stepped child never ends");
    const bool looking = now.steps >= last->steps;
    if (now.steps == last->steps) robust = child.robust_list();
    const bool calling = looking && child.at_system_call();
    if (child.step() == Stop::kEnd) return false;
    ++now.steps;
    if (picture.changed()) ++now.changes;
    const bool changed = now.changes > last->changes;
    const bool any = every && now.steps > last->steps;
    if (!any && !changed && !calling && (!looking || child.robust_list() == robust)) continue;
    now.changes = std::max(now.changes, last->changes);
    *last = now;
    if (--nth == 0) return true;
    robust = child.robust_list();
  }
}

}  // namespace

Sweep kill_everywhere(const MakeTrial& make, unsigned apart) {
  Sweep sweep;
  // Once in this process: what the dynamic linker does at a function's first call is not stepped.
  make()->operation();
  Progress last;
  bool killed = true;
  for (bool first = true; killed; first = false) {
    const std::unique_ptr<Trial> trial = make();
    Child child([&trial] { trial->operation(); });
    if (child.wait_for_stop(Stop::kBegin) == Stop::kForbidden) {
      sweep.allowed = false;
      return sweep;
    }
    if (!first) {
      killed =
          step_to_next(child, *trial, &last, kills_everywhere(), kills_everywhere() ? 1 : apart);
    }
    child.kill_and_reap();
    trial->verify();
    if (killed) ++sweep.kill_points;
  }
  sweep.instructions = last.steps;
  return sweep;
}

Sweep kill_twice(const MakeTrial& make) {
  Sweep sweep;
  const unsigned apart = kills_everywhere() ? 1 : kFirstDeathsApart;
  make()->operation();
  make()->repair();
  Progress before;
  // Without the long mode, the second deaths are spread over the repair, and a few first ones do.
  Progress second;
  while (true) {
    bool again = true;
    Progress first;
    if (kills_everywhere()) second = {};
    do {
      const std::unique_ptr<Trial> trial = make();
      Child victim([&trial] { trial->operation(); });
      if (victim.wait_for_stop(Stop::kBegin) == Stop::kForbidden) {
        sweep.allowed = false;
        return sweep;
      }
      first = before;
      if (!step_to_next(victim, *trial, &first, false, apart)) return sweep;
      victim.kill_and_reap();
      Child repairer([&trial] { trial->repair(); });
      static_cast<void>(repairer.wait_for_stop(Stop::kBegin));
      again = step_to_next(repairer, *trial, &second, false);
      if (!again) second = {};
      repairer.kill_and_reap();
      trial->verify();
      ++sweep.kill_points;
      sweep.instructions = std::max(sweep.instructions, first.steps + second.steps);
    } while (again && kills_everywhere());
    before = first;
  }
}

// At instructions where nothing has changed too: what the child has read counts. In the short mode
// not at each of these.
Sweep interrupt_everywhere(const MakeTrial& make) {
  Sweep sweep;
  const unsigned apart = kills_everywhere() ? 1 : kInterruptsApart;
  make()->operation();
  for (;; sweep.instructions += apart) {
    const std::unique_ptr<Trial> trial = make();
    Child child([&trial] { trial->operation(); });
    if (child.wait_for_stop(Stop::kBegin) == Stop::kForbidden) {
      sweep.allowed = false;
      return sweep;
    }
    for (std::size_t done = 0; done <= sweep.instructions; ++done) {
      if (child.step() == Stop::kEnd) return sweep;
    }
    for (; child.holds_lock(); ++sweep.instructions) {
      if (child.step() == Stop::kEnd) return sweep;
    }
    trial->meanwhile();
    child.run_to_end();
    child.kill_and_reap();
    trial->verify();
    ++sweep.kill_points;
  }
}

}  // namespace enjoin::test
