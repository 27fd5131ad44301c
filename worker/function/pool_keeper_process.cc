#include "worker/function/pool_keeper_process.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <sys/prctl.h>

#include "enjoin/pool.h"
#include "ipc/shared/hooks.h"
#include "worker/function/function_start.h"
#include "worker/function/function_worker.h"
#include "worker/keeper.h"

namespace enjoin {
namespace {

constexpr char kKeeperTitle[] = "enjoin-keeper";
constexpr char kWorkerTitle[] = "enjoin-worker";

/// What the host has put into the environment. False: this is no keeper.
bool read_variable(int* socket, int* host) {
  const char* const value = std::getenv(kKeeperVariable);
  if (value == nullptr) return false;
  const char* const end = value + std::strlen(value);
  const auto first = std::from_chars(value, end, *socket);
  if (first.ec != std::errc{} || first.ptr == end) return false;
  return std::from_chars(first.ptr + 1, end, *host).ec == std::errc{};
}

// What functions do to the process is theirs: nothing of the program's own end (atexit, static
// objects) runs in a worker, but what they have printed is printed.
[[noreturn]] void leave(int status) {
  std::fflush(nullptr);
  ::_exit(status);
}

[[noreturn]] void worker_process(const WorkerStart& start, const sigset_t& mask) {
  ::prctl(PR_SET_NAME, kWorkerTitle);
  ::signal(SIGCHLD, SIG_DFL);
  int status = kFunctionWorkerFailed;
  try {
    FunctionWorker worker(FunctionStart::from(start));
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    status = worker.run();
    if (status == kFunctionWorkerLeft) {
      shared::leave_memories();
      leave(status);  // its memory and descriptors go with the process, sooner than one by one
    }
  } catch (const std::exception& error) {
    ::dprintf(STDERR_FILENO, "a worker of a pool cannot begin: %s", error.what());
  }
  leave(status);
}

}  // namespace

void pool_keeper_process(int socket, int host, KeeperOrigin origin, const sigset_t& mask) {
  ::prctl(PR_SET_NAME, kKeeperTitle);
  if (origin == KeeperOrigin::kCopy) {
    __fpurge(stdout);  // it is the host's, who will write it
  }
  if (!send_keeper_answer(socket, {.news = KeeperNews::kHere, .id = {}})) ::_exit(0);
  WorkerStart start;
  {
    Keeper keeper(
        {.socket = socket, .supervisor = host, .death_signal = SIGKILL, .temp_names = {}});
    if (keeper.run(&start) == Keeper::Role::kKeeper) ::_exit(0);
  }
  worker_process(start, mask);
}

void leave_without_worker_main() {
  int socket = -1;
  int host = -1;
  if (!read_variable(&socket, &host)) return;
  static_cast<void>(send_keeper_answer(
      socket, {.news = KeeperNews::kNotStarted, .id = {}, .code = kNoWorkerMain}));
  ::_exit(0);
}

void worker_main(int, char**) {
  int socket = -1;
  int host = -1;
  if (!read_variable(&socket, &host)) return;
  ::unsetenv(kKeeperVariable);
  for (const int fd : {socket, host}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  sigset_t none;
  sigemptyset(&none);
  pool_keeper_process(socket, host, KeeperOrigin::kProgram, none);
}

}  // namespace enjoin
