#include "runner/team/worker_process.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace enjoin {
namespace {

std::string own_executable() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size > 0) return {path, static_cast<std::size_t>(size)};
  const auto* name = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));  // no /proc
  return name != nullptr ? name : "enjoin";
}

bool executable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

struct ChildStart {
  const char* path;
  char* const* argv;
  int descriptors[WorkerStart::kDescriptors];
  int null;
  int output;
  int error;
};

// Shares our memory until exec: system calls only.
__attribute__((no_sanitize("address", "undefined"))) int child_main(void* argument) {
  auto& start = *static_cast<ChildStart*>(argument);
  for (const int fd : start.descriptors) ::fcntl(fd, F_SETFD, 0);
  ::dup2(start.null, STDIN_FILENO);
  if (start.output != STDOUT_FILENO) ::dup2(start.output, STDOUT_FILENO);
  ::execve(start.path, start.argv, environ);
  start.error = errno;
  ::_exit(127);
}

alignas(64) char child_stack[64 * 1024];

}  // namespace

WorkerExecutable::WorkerExecutable() {
  if (const char* chosen = std::getenv("ENJOIN_WORKER"); chosen != nullptr && *chosen != '\0') {
    path_ = chosen;
    return;
  }
  const std::string self = own_executable();
  const std::string folder = self.substr(0, self.rfind('/') + 1);
  for (const char* place : {"../libexec/enjoin/enjoin-worker", "enjoin-worker"}) {
    if (executable(folder + place)) {
      path_ = folder + place;
      return;
    }
  }
  path_ = self;
}

void WorkerProcess::wake() const {
  const char byte = 1;
  ::send(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void WorkerProcess::kill() const {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

int start_worker(const std::string& executable, const WorkerStart& start, int output_fd,
                 WorkerProcess* worker) {
  std::string word = to_word(start);
  char name[] = "enjoin-worker";
  char* const argv[] = {name, word.data(), nullptr};
  const ipc::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ChildStart child{
      executable.c_str(),
      argv,
      {start.table, start.control, start.results, start.config, start.event, start.socket,
       start.spool[0], start.spool[1], start.capture[0], start.capture[1]},
      null.get(),
      output_fd,
      0};
  // Until the worker has set its own mask, no signal of the terminal may end it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const pid_t pid = ::clone(child_main, child_stack + sizeof child_stack,
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &child, &pidfd);
  const int clone_error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return clone_error;
  worker->pidfd.reset(pidfd);
  if (child.error != 0) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return child.error;
  }
  worker->pid = pid;
  return 0;
}

}  // namespace enjoin
