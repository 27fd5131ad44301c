#include "worker/detached.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "enjoin/error.h"

// How a process comes to be that is nobody's child: we clone an intermediate with the exit signal
// 0, which the kernel shows neither by SIGCHLD nor to a wait without __WCLONE or __WALL; it clones
// the program's process and leaves, so that init takes that over (or the nearest subreaper: where
// that is the host itself, it has asked for all orphans, and gets this one too).
//
// Both clones share our memory and hold their parent still (CLONE_VM | CLONE_VFORK): nothing of a
// large heap is copied, not even its page tables. Until the program is executed, our thread's
// memory, its thread-local storage included, is theirs, each on a stack of its own. So: system
// calls only, and all signals blocked, for a handler of the host would run in the wrong process.
//
// What became of it comes back over a socket and not through the shared memory, since a descriptor
// (the pidfd) must come, and since valgrind makes plain forks of such clones.

#ifdef __GLIBC__
// The same function. clone by this name is intercepted by the thread sanitizer of a host, which
// takes what shares its memory for a fork.
extern "C" int __clone(int (*main)(void*), void* stack, int flags, void* argument, ...) noexcept;
#define ENJOIN_CLONE ::__clone
#else
#define ENJOIN_CLONE ::clone
#endif
#define ENJOIN_IN_CLONE __attribute__((no_sanitize("address", "undefined", "thread")))

namespace enjoin {
namespace {

constexpr std::size_t kStackSize = 32 * 1024;
constexpr std::uint64_t kAllSignals = ~std::uint64_t{0};

/// What the intermediate, and a program that could not be executed, send. One datagram each.
struct News {
  pid_t pid = 0;
  int error = 0;
};

/// All signals blocked, glibc's own two included, in this thread as long as it lives.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kAllSignals, &before_, sizeof before_);
  }
  ~AllSignalsBlocked() { restore(); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  void restore() const {
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_);
  }

 private:
  std::uint64_t before_ = 0;
};

/// Memory of its own for the two stacks: several threads may be here at once.
class Stacks {
 public:
  Stacks()
      : base_(::mmap(nullptr, 2 * kStackSize, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {
    if (base_ == MAP_FAILED) throw system_error("cannot start a process: no stack", errno);
  }
  ~Stacks() { ::munmap(base_, 2 * kStackSize); }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  void* top(std::size_t which) const {
    return static_cast<char*>(base_) + (which + 1) * kStackSize;
  }

 private:
  void* base_;
};

struct NewsSocket {
  ipc::UniqueFd ours;
  ipc::UniqueFd theirs;

  NewsSocket() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
      throw system_error("cannot start a process: no socket", errno);
    }
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
};

[[noreturn]] ENJOIN_IN_CLONE void leave(int status) {
  while (true) ::syscall(SYS_exit_group, status);
}

/// Async-signal-safe.
ENJOIN_IN_CLONE void send_news(int socket, News news, int descriptor) {
  iovec part{&news, sizeof news};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  ::syscall(SYS_sendmsg, socket, &message, MSG_NOSIGNAL);
}

/// False: nothing (more) was sent.
bool take_news(int socket, News* news, ipc::UniqueFd* descriptor) {
  iovec part{news, sizeof *news};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof *news) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    descriptor->reset(fd);
  }
  return true;
}

/// The intermediate has left when this is called, but for its remains. Another thread's wait with
/// __WALL may have taken those.
void reap(pid_t intermediate) {
  while (::waitpid(intermediate, nullptr, static_cast<int>(__WCLONE)) < 0 && errno == EINTR) {
  }
}

struct ProgramStart {
  int program = -1;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  std::pair<int, int>* descriptors = nullptr;  ///< in the order of their targets
  std::size_t count = 0;
  void* stack = nullptr;  ///< of the program's process
  int socket = -1;        ///< for News
  std::uint64_t file_limit = 0;
};

/// Close-on-exec for all descriptors from `first` up to `last`.
ENJOIN_IN_CLONE void close_at_exec(unsigned first, unsigned last, std::uint64_t limit) {
  constexpr unsigned kCloseOnExec = 4;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
  if (first > last || ::syscall(SYS_close_range, first, last, kCloseOnExec) == 0) return;
  for (unsigned fd = first; fd <= last && fd < limit; ++fd) {
    ::syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
  }
}

ENJOIN_IN_CLONE int copy_above(int fd, int lowest) {
  return static_cast<int>(::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, lowest));
}

/// Async-signal-safe. False: errno says why.
ENJOIN_IN_CLONE bool place_descriptors(ProgramStart& start) {
  const int above = start.count == 0 ? 3 : start.descriptors[start.count - 1].second + 1;
  // First out of each other's way, the ones that are still needed included.
  for (std::size_t at = 0; at < start.count; ++at) {
    start.descriptors[at].first = copy_above(start.descriptors[at].first, above);
    if (start.descriptors[at].first < 0) return false;
  }
  start.program = copy_above(start.program, above);
  start.socket = copy_above(start.socket, above);
  if (start.program < 0 || start.socket < 0) return false;
  unsigned next = 3;  // 0-2 are inherited where they are not named
  for (std::size_t at = 0; at < start.count; ++at) {
    const int target = start.descriptors[at].second;
    if (::syscall(SYS_dup3, start.descriptors[at].first, target, 0) < 0) return false;
    if (target < 3) continue;
    close_at_exec(next, static_cast<unsigned>(target) - 1, start.file_limit);
    next = static_cast<unsigned>(target) + 1;
  }
  close_at_exec(next, UINT_MAX, start.file_limit);
  return true;
}

ENJOIN_IN_CLONE int program_main(void* argument) {
  auto& start = *static_cast<ProgramStart*>(argument);
  const int socket = start.socket;
  ::setpgid(0, 0);
  if (place_descriptors(start)) {
    ::syscall(SYS_execveat, start.program, "", start.argv, start.environment, AT_EMPTY_PATH);
  }
  // The first number of the socket may be a target that has been overwritten.
  send_news(start.socket >= 0 ? start.socket : socket, {0, errno}, -1);
  leave(127);
}

ENJOIN_IN_CLONE int intermediate_main(void* argument) {
  auto& start = *static_cast<ProgramStart*>(argument);
  const int socket = start.socket;  // the program's process changes its own
  const pid_t pid =
      ENJOIN_CLONE(program_main, start.stack, CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
  if (pid < 0) {
    send_news(socket, {0, errno}, -1);
    leave(127);
  }
  // Not reaped by us, its number is its own until we have left.
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  send_news(socket, {pid, 0}, pidfd);
  leave(0);
}

std::vector<char*> words_of(const std::vector<std::string>& texts) {
  std::vector<char*> words;
  words.reserve(texts.size() + 1);
  for (const std::string& text : texts) words.push_back(const_cast<char*>(text.c_str()));
  words.push_back(nullptr);
  return words;
}

/// What the intermediate, which has left, has said.
Detached detached_from(const NewsSocket& socket, const std::string& what) {
  Detached result;
  News news;
  int error = 0;
  while (take_news(socket.ours.get(), &news, &result.pidfd)) {
    if (news.error != 0) error = news.error;
    if (news.pid != 0) result.pid = news.pid;
  }
  if (error == 0 && result.pid != 0) return result;
  throw system_error(what, error != 0 ? error : EAGAIN);
}

}  // namespace

Detached start_detached(const DetachedStart& start) {
  const std::string name = start.argv.empty() ? std::string("a program") : start.argv.front();
  const std::vector<char*> argv = words_of(start.argv);
  const std::vector<char*> environment = words_of(start.environment);
  std::vector<std::pair<int, int>> descriptors = start.descriptors;
  std::sort(descriptors.begin(), descriptors.end(),
            [](const auto& left, const auto& right) { return left.second < right.second; });
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const Stacks stacks;
  NewsSocket socket;
  ProgramStart request{start.program,      argv.data(),   environment.data(),  descriptors.data(),
                       descriptors.size(), stacks.top(1), socket.theirs.get(), files.rlim_cur};
  {
    const AllSignalsBlocked blocked;
    const pid_t intermediate =
        ENJOIN_CLONE(intermediate_main, stacks.top(0), CLONE_VM | CLONE_VFORK, &request);
    if (intermediate < 0) throw system_error("cannot start " + name, errno);
    reap(intermediate);
  }
  return detached_from(socket, "cannot execute " + name);
}

Detached fork_detached() {
  NewsSocket socket;
  const AllSignalsBlocked blocked;
  const pid_t intermediate = static_cast<pid_t>(::syscall(SYS_clone, 0, 0, 0, 0, 0));
  if (intermediate < 0) throw system_error("cannot fork", errno);
  if (intermediate == 0) {
    const pid_t pid = ::fork();  // glibc's, which puts the memory of its own in order
    if (pid == 0) {
      ::setpgid(0, 0);
      return {};
    }
    const int error = pid < 0 ? errno : 0;
    const int pidfd = pid < 0 ? -1 : static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    send_news(socket.theirs.get(), {std::max(pid, 0), error}, pidfd);
    leave(0);
  }
  reap(intermediate);
  return detached_from(socket, "cannot fork");
}

}  // namespace enjoin
