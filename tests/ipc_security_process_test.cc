// What a worker process cannot do to the memory that it shares with its supervisor.

#include <cerrno>
#include <csignal>
#include <functional>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "ipc/results.h"
#include "ipc/team_memory.h"
#include "support/ipc_views.h"

using namespace enjoin;
using namespace enjoin::ipc;

namespace {

// In a process of its own, which maps the memory as a worker does; how it ended, as wait(2) says.
int as_worker(const TeamMemory& memory, const std::function<void(const TeamMemory&)>& act) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const TeamMemory view = test::worker_view(memory);
    act(view);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return status;
}

void exit_with(bool good) {
  ::_exit(good ? 0 : 1);
}

TeamMemory small_team() {
  return TeamMemory::create({.slots = 8, .workers = 2, .print_window = 8, .arena_bytes = 256});
}

}  // namespace

TEST_CASE("memory: a worker's store to the job table is a SIGSEGV, and the table as it was") {
  const TeamMemory memory = small_team();
  memory.slot(0).ticket = 7;
  const int status = as_worker(memory, [](const TeamMemory& view) { view.slot(0).ticket = 8; });
  // The sanitizers report it and exit.
  CHECK((WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) != 0));
  CHECK(memory.slot(0).ticket == 7);
}

TEST_CASE("memory: a worker cannot get the table writable by any way") {
  if (!has_future_write_seal()) {
    MESSAGE("SKIPPED: this kernel has no F_SEAL_FUTURE_WRITE");
    return;
  }
  const TeamMemory memory = small_team();
  const int status = as_worker(memory, [](const TeamMemory& view) {
    const int fd = view.table_fd();
    const bool mapped =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED;
    const bool unprotected = ::mprotect(&view.table(), 4096, PROT_READ | PROT_WRITE) == 0;
    const bool written = ::pwrite(fd, "x", 1, 0) == 1;
    const std::string again = "/proc/self/fd/" + std::to_string(fd);
    const UniqueFd opened(::open(again.c_str(), O_RDWR | O_CLOEXEC));
    const bool reopened = opened && ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
                                           opened.get(), 0) != MAP_FAILED;
    exit_with(!mapped && !unprotected && !written && !reopened);
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("memory: a worker can neither shrink nor grow nor unseal what we have mapped") {
  const TeamMemory memory = small_team();
  const Segment ring = create_results(4, {0, 1});
  for (const int fd : {memory.table_fd(), memory.control_fd(), ring.fd()}) {
    const int status = as_worker(memory, [fd](const TeamMemory&) {
      const bool shrunk = ::ftruncate(fd, 0) == 0 || errno != EPERM;
      const bool grown = ::ftruncate(fd, 1 << 30) == 0 || errno != EPERM;
      const bool holed = ::fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096) == 0;
      const bool sealed = ::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0;
      exit_with(!shrunk && !grown && !holed && !sealed);
    });
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
}

TEST_CASE("memory: pages that a worker punches out are zeroes, not a SIGBUS") {
  const TeamMemory memory = small_team();
  const int status = as_worker(memory, [](const TeamMemory& view) {
    exit_with(::fallocate(view.control_fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                          static_cast<off_t>(view.control().header.size_bytes)) == 0);
  });
  CHECK(WIFEXITED(status));
  // Damage like any other: it is found, and memory is made anew.
  CHECK(memory.control().header.magic == (WEXITSTATUS(status) == 0 ? 0 : kMagic));
  CHECK(memory.state(0).load() == 0);
}
