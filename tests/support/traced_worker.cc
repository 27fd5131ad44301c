#include "support/traced_worker.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "ipc/layout.h"
#include "ipc/unique_fd.h"

namespace enjoin::test {
namespace {

// More of a segment is not looked at: the jobs of a test are few.
constexpr std::size_t kMostViewed = 16 * 1024;
constexpr std::int64_t kTick = 1000;  // nanoseconds
constexpr std::int64_t kSecond = 1'000'000'000;

// Nobody else can see that these were called.
bool is_private(long call) {
  static constexpr std::array calls{
      SYS_getpid,  SYS_getppid, SYS_clock_gettime, SYS_rt_sigprocmask, SYS_rt_sigaction,
      SYS_fcntl,   SYS_fstat,   SYS_newfstatat,    SYS_mmap,           SYS_mprotect,
      SYS_munmap,  SYS_brk,     SYS_lseek,         SYS_readlink,       SYS_access,
      SYS_madvise, SYS_prctl,   SYS_getrandom,     SYS_gettid,         SYS_uname};
  return std::find(calls.begin(), calls.end(), call) != calls.end();
}

// Memory of the victim.
bool copy_memory(pid_t pid, std::uint64_t address, void* to, std::size_t size) {
  iovec here{to, size};
  iovec there{reinterpret_cast<void*>(address), size};
  return ::process_vm_readv(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(size);
}

user_regs_struct registers_of(pid_t pid) {
  user_regs_struct registers{};
  if (::ptrace(PTRACE_GETREGS, pid, nullptr, &registers) != 0) {
    throw std::runtime_error("cannot read the worker's registers");
  }
  return registers;
}

void set_registers(pid_t pid, user_regs_struct registers) {
  ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, __WALL) < 0) {
    if (errno != EINTR) throw std::runtime_error("the worker is gone");
  }
  return status;
}

}  // namespace

TracedWorker::TracedWorker(pid_t pid, const TraceSpec& spec, TracedRun* run)
    : pid_(pid), spec_(spec), run_(run) {}

TracedWorker::~TracedWorker() {
  for (const Shared& segment : shared_) {
    ::munmap(const_cast<std::byte*>(segment.view), segment.viewed);
  }
}

bool TracedWorker::Shared::changed() {
  if (std::memcmp(view, kept.data(), viewed) == 0) return false;
  std::memcpy(kept.data(), view, viewed);
  return true;
}

void TracedWorker::on_stop(int status) {
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  if (signal == (SIGTRAP | 0x80)) return on_call_stop();
  if (event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK) {
    if (!shared_.empty() && !tell(MomentKind::kBirth, place())) return;
    if (!held_) go_on();
    return;
  }
  if (event != 0) return go_on();
  if (signal == SIGSEGV) {
    siginfo_t info{};
    ::ptrace(PTRACE_GETSIGINFO, pid_, nullptr, &info);
    if (Shared* segment = shared_at(reinterpret_cast<std::uint64_t>(info.si_addr))) {
      return on_fault(*segment);
    }
  }
  if (signal == SIGTRAP && stepping_) return on_step();
  go_on(signal);
}

void TracedWorker::go_on(int signal) {
  ::ptrace(stepping_ ? PTRACE_SINGLESTEP : PTRACE_SYSCALL, pid_, nullptr, signal);
}

void TracedWorker::let_go() {
  held_ = false;
  go_on();
}

// False: the victim does not go on.
bool TracedWorker::tell(MomentKind kind, std::uint64_t place, long call) {
  ++run_->moments;
  switch (spec_.at({kind, place, call, holds_lock()})) {
    case Verdict::kGoOn:
      return true;
    case Verdict::kKill:
      kill();
      return false;
    case Verdict::kHold:
      held_ = true;
      return true;
  }
  return true;
}

void TracedWorker::kill() {
  // The kernel must be able to write to the locks that it finds held.
  if (holds_lock()) guard_all(false);
  ::kill(pid_, SIGKILL);
  while (!WIFSIGNALED(wait_for(pid_))) {
  }
  killed_ = true;
  ++run_->kills;
}

// ---- system calls ------------------------------------------------------------------------------

void TracedWorker::on_call_stop() {
  __ptrace_syscall_info info{};
  ::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info);
  call_instruction_ = info.instruction_pointer - 2;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    std::copy(std::begin(info.entry.args), std::end(info.entry.args), arguments_.begin());
    on_call_entry(static_cast<long>(info.entry.nr));
  } else {
    on_call_exit(info.exit.rval);
  }
  if (!killed_ && !held_) go_on();
}

// sendfile(2) stores its offset in shared memory. The pages cannot be opened up here, inside the
// call: it is skipped, and made once more when they are open.
void TracedWorker::on_call_entry(long number) {
  if (again_ == 2) return;
  call_ = number;
  const bool writes = number == SYS_sendfile && shared_at(arguments_[2]) != nullptr;
  if (!writes) return;
  user_regs_struct registers = registers_of(pid_);
  registers.orig_rax = ~0ULL;
  set_registers(pid_, registers);
  again_ = 1;
}

void TracedWorker::on_call_exit(std::int64_t result) {
  if (again_ == 1) {
    guard_all(false);
    user_regs_struct registers = registers_of(pid_);
    registers.rax = static_cast<unsigned long long>(call_);
    registers.rip -= 2;
    set_registers(pid_, registers);
    again_ = 2;
    return;
  }
  if (again_ == 2) {
    guard_all(true);
    again_ = 0;
  }
  if (call_ == SYS_mmap && result > 0) take_mapping(static_cast<std::uint64_t>(result));
  if (call_ == SYS_clock_gettime && spec_.slow_time) slow_clock_down();
  if (!shared_.empty() && !is_private(call_)) tell(MomentKind::kCall, call_instruction_, call_);
}

// The worker has mapped something: a segment of the team that it can write?
void TracedWorker::take_mapping(std::uint64_t address) {
  const bool writable = (arguments_[2] & PROT_WRITE) != 0 && (arguments_[3] & MAP_SHARED) != 0;
  if (!writable) return;
  const std::string path =
      "/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(static_cast<int>(arguments_[4]));
  const ipc::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ipc::SegmentHeader header{};
  if (!file || ::pread(file.get(), &header, sizeof header, 0) != ssize_t{sizeof header}) return;
  if (header.magic != ipc::kMagic) return;
  Shared& segment = shared_.emplace_back();
  segment.address = address;
  segment.size = (header.size_bytes + 4095) / 4096 * 4096;
  segment.viewed = std::min<std::size_t>(header.size_bytes, kMostViewed);
  void* const view = ::mmap(nullptr, segment.viewed, PROT_READ, MAP_SHARED, file.get(), 0);
  if (view == MAP_FAILED) throw std::runtime_error("cannot map the worker's segment");
  segment.view = static_cast<const std::byte*>(view);
  segment.kept.assign(segment.view, segment.view + segment.viewed);
  guard(segment, true);
}

// ---- stores ------------------------------------------------------------------------------------

TracedWorker::Shared* TracedWorker::shared_at(std::uint64_t address) {
  for (Shared& segment : shared_) {
    if (segment.guarded && address - segment.address < segment.size) return &segment;
  }
  return nullptr;
}

void TracedWorker::on_fault(Shared& segment) {
  const std::uint64_t here = place();
  if (const Robust now = robust_list(); now != robust_) {
    robust_ = now;
    if (!tell(MomentKind::kLock, here)) return;
  }
  if (!held_ && !tell(MomentKind::kBefore, here)) return;
  guard(segment, false);
  static_cast<void>(segment.changed());  // by others, meanwhile
  stepping_ = true;
  step_place_ = here;
  step_call_ = -1;
  if (!held_) go_on();
}

void TracedWorker::on_step() {
  ++run_->instructions;
  bool stored = false;
  for (Shared& segment : shared_) {
    if (!segment.guarded && segment.changed()) stored = true;
  }
  const Robust now = robust_list();
  const bool relisted = now != robust_;
  robust_ = now;
  bool lives = true;
  if (stored) {
    lives = tell(MomentKind::kStore, step_place_);
  } else if (relisted) {
    lives = tell(MomentKind::kLock, step_place_);
  } else if (step_call_ >= 0) {
    lives = tell(MomentKind::kCall, step_place_, step_call_);
  } else if (spec_.every_step) {
    lives = tell(MomentKind::kStep, step_place_);
  }
  if (!lives) return;
  if (holds_lock()) {
    look_at_next_instruction();
  } else {
    guard_all(true);
    stepping_ = false;
  }
  if (!held_) go_on();
}

void TracedWorker::look_at_next_instruction() {
  step_place_ = place();
  step_call_ = -1;
  std::array<unsigned char, 2> code{};
  if (copy_memory(pid_, step_place_, code.data(), code.size()) && code[0] == 0x0f &&
      code[1] == 0x05) {
    step_call_ = static_cast<long>(registers_of(pid_).rax);
  }
}

std::uint64_t TracedWorker::place() const {
  return static_cast<std::uint64_t>(
      ::ptrace(PTRACE_PEEKUSER, pid_, offsetof(user_regs_struct, rip), nullptr));
}

// First lock, offset, and the lock that it is about to take or give back.
TracedWorker::Robust TracedWorker::robust_list() {
  Robust words{};
  if (robust_head_ == 0) {
    std::size_t size = 0;
    robust_list_head* head = nullptr;
    ::syscall(SYS_get_robust_list, pid_, &head, &size);
    robust_head_ = reinterpret_cast<std::uint64_t>(head);
    robust_ = {robust_head_, 0, 0};
    if (copy_memory(pid_, robust_head_, words.data(), sizeof words)) robust_[1] = words[1];
  }
  if (!copy_memory(pid_, robust_head_, words.data(), sizeof words)) words = {};
  return words;
}

bool TracedWorker::holds_lock() {
  const Robust words = robust_list();
  return words[0] != robust_head_ || words[2] != 0;
}

// ---- its pages ---------------------------------------------------------------------------------

void TracedWorker::guard(Shared& segment, bool on) {
  if (segment.guarded == on) return;
  segment.guarded = on;
  const int rights = on ? PROT_READ : PROT_READ | PROT_WRITE;
  inject(SYS_mprotect, segment.address, segment.size, static_cast<std::uint64_t>(rights));
}

void TracedWorker::guard_all(bool on) {
  for (Shared& segment : shared_) guard(segment, on);
}

// Has the stopped victim make a system call of ours. Not between a call's two stops.
void TracedWorker::inject(long number, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  const user_regs_struct before = registers_of(pid_);
  user_regs_struct call = before;
  call.rax = static_cast<unsigned long long>(number);
  call.orig_rax = ~0ULL;
  call.rdi = a;
  call.rsi = b;
  call.rdx = c;
  call.rip = call_instruction_;
  set_registers(pid_, call);
  for (;;) {
    ::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, 0);
    const int status = wait_for(pid_);
    if (!WIFSTOPPED(status)) throw std::runtime_error("the worker ended in a call of ours");
    if (WSTOPSIG(status) == SIGTRAP && status >> 16 == 0) break;
    // A signal of its own: once more, and it gets that later or never (SIGUSR1 of a dead parent).
    set_registers(pid_, call);
  }
  if (registers_of(pid_).rax != 0) throw std::runtime_error("cannot guard the worker's pages");
  set_registers(pid_, before);
}

// It has just looked at its clock, by a system call (it sees no vDSO).
void TracedWorker::slow_clock_down() {
  if (arguments_[0] != CLOCK_MONOTONIC) return;
  std::array<std::int64_t, 2> time{};  // seconds and nanoseconds
  if (!copy_memory(pid_, arguments_[1], time.data(), sizeof time)) return;
  if (clock_began_ == 0) clock_began_ = time[0] * kSecond + time[1];
  const std::int64_t slow = clock_began_ + ++looks_at_clock_ * kTick;
  time = {slow / kSecond, slow % kSecond};
  iovec here{time.data(), sizeof time};
  iovec there{reinterpret_cast<void*>(arguments_[1]), sizeof time};
  [[maybe_unused]] const ssize_t done = ::process_vm_writev(pid_, &here, 1, &there, 1, 0);
}

}  // namespace enjoin::test

#endif
