#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sched.h>
#include <stdexcept>
#include <string>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "support/injector.h"

// Which calls the kernel lets fail with which error, as their manual pages say.

namespace enjoin::test {
namespace {

using Call = FaultClass::Call;

bool makes_file(const std::uint64_t* arguments) {
  return (arguments[2] & (O_CREAT | __O_TMPFILE)) != 0;
}

// A few descriptors are polled without any memory.
bool polls_many(const std::uint64_t* arguments) {
  return arguments[1] > 9;
}

bool duplicates(const std::uint64_t* arguments) {
  return arguments[1] == F_DUPFD || arguments[1] == F_DUPFD_CLOEXEC;
}

bool waits_for_lock(const std::uint64_t* arguments) {
  return arguments[1] == F_SETLKW || arguments[1] == F_OFD_SETLKW;
}

bool locks(const std::uint64_t* arguments) {
  return waits_for_lock(arguments) || arguments[1] == F_SETLK || arguments[1] == F_OFD_SETLK;
}

bool seals_or_sizes(const std::uint64_t* arguments) {
  return arguments[1] == F_ADD_SEALS || arguments[1] == F_SETPIPE_SZ;
}

bool futex_waits(const std::uint64_t* arguments) {
  const int operation = static_cast<int>(arguments[1]) & FUTEX_CMD_MASK;
  return operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
}

// Descriptors that clone makes beside the process.
bool with_pidfd(const std::uint64_t* arguments) {
  return (arguments[0] & CLONE_PIDFD) != 0;
}

// Old calls that newer architectures lack.
void add_old(std::vector<Call>* calls, std::initializer_list<long> numbers) {
  for (const long number : numbers) {
    if (number >= 0) calls->push_back({number});
  }
}

#ifdef SYS_poll
constexpr long kPoll = SYS_poll;
constexpr long kEpollWait = SYS_epoll_wait;
constexpr long kFork = SYS_fork;
constexpr long kVfork = SYS_vfork;
constexpr long kMkdir = SYS_mkdir;
constexpr long kUnlink = SYS_unlink;
constexpr long kRmdir = SYS_rmdir;
constexpr long kPipe = SYS_pipe;
#else
constexpr long kPoll = -1;
constexpr long kEpollWait = -1;
constexpr long kFork = -1;
constexpr long kVfork = -1;
constexpr long kMkdir = -1;
constexpr long kUnlink = -1;
constexpr long kRmdir = -1;
constexpr long kPipe = -1;
#endif

std::vector<Call> no_memory() {
  std::vector<Call> calls{{SYS_mmap},
                          {SYS_mremap},
                          {SYS_clone},
                          {SYS_clone3},
                          {SYS_execve},
                          {SYS_openat},
                          {SYS_memfd_create},
                          {SYS_epoll_ctl},
                          {SYS_epoll_create1},
                          {SYS_socketpair},
                          {SYS_eventfd2},
                          {SYS_pipe2},
                          {SYS_ppoll, polls_many},
                          {SYS_sendmsg},
                          {SYS_recvmsg},
                          {SYS_ftruncate},
                          {SYS_mkdirat},
                          {SYS_signalfd4},
                          {SYS_pidfd_open},
                          {SYS_fcntl, seals_or_sizes}};
  if (kPoll >= 0) calls.push_back({kPoll, polls_many});
  add_old(&calls, {kFork, kVfork, kMkdir, kPipe});
  return calls;
}

std::vector<Call> no_descriptor() {
  std::vector<Call> calls{{SYS_openat},         {SYS_memfd_create},  {SYS_socketpair},
                          {SYS_socket},         {SYS_epoll_create1}, {SYS_eventfd2},
                          {SYS_pipe2},          {SYS_dup},           {SYS_fcntl, duplicates},
                          {SYS_signalfd4},      {SYS_pidfd_open},    {SYS_clone, with_pidfd},
                          {SYS_timerfd_create}, {SYS_inotify_init1}};
  add_old(&calls, {kPipe});
  return calls;
}

std::vector<Call> no_space() {
  std::vector<Call> calls{
      {SYS_write},     {SYS_pwrite64},          {SYS_writev},   {SYS_ftruncate},
      {SYS_fallocate}, {SYS_mkdirat},           {SYS_sendfile}, {SYS_copy_file_range},
      {SYS_splice},    {SYS_openat, makes_file}};
  add_old(&calls, {kMkdir});
  return calls;
}

std::vector<Call> no_process() {
  std::vector<Call> calls{{SYS_clone}, {SYS_clone3}};
  add_old(&calls, {kFork, kVfork});
  return calls;
}

std::vector<Call> interruptible() {
  std::vector<Call> calls{{SYS_read},
                          {SYS_write},
                          {SYS_readv},
                          {SYS_writev},
                          {SYS_pread64},
                          {SYS_pwrite64},
                          {SYS_ppoll},
                          {SYS_waitid},
                          {SYS_wait4},
                          {SYS_futex, futex_waits},
                          {SYS_sendfile},
                          {SYS_splice},
                          {SYS_vmsplice},
                          {SYS_tee},
                          {SYS_copy_file_range},
                          {SYS_accept4},
                          {SYS_connect},
                          {SYS_recvmsg},
                          {SYS_recvfrom},
                          {SYS_sendmsg},
                          {SYS_sendto},
                          {SYS_nanosleep},
                          {SYS_clock_nanosleep},
                          {SYS_epoll_pwait},
                          {SYS_flock},
                          {SYS_fcntl, waits_for_lock},
                          {SYS_getrandom},
                          {SYS_ftruncate},
                          {SYS_fallocate},
                          {SYS_pselect6},
                          {SYS_rt_sigtimedwait},
                          {SYS_fsync},
                          {SYS_openat}};
  add_old(&calls, {kPoll, kEpollWait});
  return calls;
}

std::vector<Call> broken_disk() {
  std::vector<Call> calls{{SYS_read},    {SYS_pread64},         {SYS_write},      {SYS_pwrite64},
                          {SYS_writev},  {SYS_ftruncate},       {SYS_fallocate},  {SYS_sendfile},
                          {SYS_splice},  {SYS_copy_file_range}, {SYS_fsync},      {SYS_openat},
                          {SYS_mkdirat}, {SYS_unlinkat},        {SYS_readlinkat}, {SYS_getdents64},
                          {SYS_fstat},   {SYS_statx},           {SYS_execve}};
  add_old(&calls, {kMkdir, kUnlink, kRmdir});
  return calls;
}

std::vector<Call> forbidden() {
  std::vector<Call> calls{{SYS_clone3},
                          {SYS_pidfd_open},
                          {SYS_pidfd_send_signal},
                          {SYS_memfd_create},
                          {SYS_close_range},
                          {SYS_prctl},
                          {SYS_prlimit64},
                          {SYS_setrlimit},
                          {SYS_setpriority},
                          {SYS_setpgid},
                          {SYS_setsid},
                          {SYS_fcntl, seals_or_sizes},
                          {SYS_fcntl, locks},
                          {SYS_fchmod},
                          {SYS_fchmodat},
                          {SYS_unlinkat},
                          {SYS_mkdirat},
                          {SYS_openat},
                          {SYS_sched_getaffinity},
                          {SYS_fallocate},
                          {SYS_mprotect}};
  add_old(&calls, {kMkdir, kUnlink, kRmdir});
  return calls;
}

// What an older kernel, another file system or a sandbox lacks.
std::vector<Call> missing() {
  std::vector<Call> calls{{SYS_clone3},
                          {SYS_pidfd_open},
                          {SYS_pidfd_send_signal},
                          {SYS_close_range},
                          {SYS_statx},
                          {SYS_copy_file_range},
                          {SYS_memfd_create},
                          {SYS_getrandom},
                          {SYS_inotify_init1},
                          {SYS_sendfile},
                          {SYS_splice},
                          {SYS_vmsplice},
                          {SYS_tee},
                          {SYS_fallocate},
                          {SYS_signalfd4},
                          {SYS_sched_getaffinity},
                          {SYS_prlimit64},
                          {SYS_set_robust_list},
                          {SYS_getcpu},
                          {SYS_rseq}};
#ifdef SYS_openat2
  calls.push_back({SYS_openat2});
#endif
  return calls;
}

std::vector<FaultClass> make_classes() {
  return {{"EINTR", EINTR, true, interruptible()},   {"EMFILE", EMFILE, false, no_descriptor()},
          {"ENOMEM", ENOMEM, false, no_memory()},    {"ENOSPC", ENOSPC, false, no_space()},
          {"EAGAIN", EAGAIN, true, no_process()},    {"EIO", EIO, false, broken_disk()},
          {"EPERM", EPERM, false, forbidden()},      {"ENOSYS", ENOSYS, false, missing()},
          {"ENFILE", ENFILE, false, no_descriptor()}};
}

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::kSupervisor:
      return "supervisor";
    case Role::kKeeper:
      return "keeper";
    case Role::kWorker:
      return "worker";
    case Role::kJob:
      break;
  }
  return "job";
}

const std::vector<FaultClass>& fault_classes() {
  static const std::vector<FaultClass> all = make_classes();
  return all;
}

const FaultClass& fault_class(std::string_view name) {
  for (const FaultClass& kind : fault_classes()) {
    if (kind.name == name) return kind;
  }
  throw std::runtime_error("no such class of faults: " + std::string(name));
}

}  // namespace enjoin::test
