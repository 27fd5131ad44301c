// How a pool's worker processes come, and go.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <numeric>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "enjoin/pool.h"
#include "ipc/unique_fd.h"

using enjoin::Future;
using enjoin::Pool;
using enjoin::Start;

namespace pool_processes {

int prepared = 0;

int twice(int x) {
  return 2 * x;
}

int own_pid() {
  return ::getpid();
}

void prepare(int value) {
  prepared += value;
}

int see_prepared(int) {
  return prepared;
}

void refuse(const std::string& why) {
  throw std::invalid_argument(why);
}

void crash() {
  std::fprintf(stderr, "cannot begin\n");
  std::abort();
}

int use_memory(int bytes) {
  static std::vector<std::string> kept;
  kept.emplace_back(static_cast<std::size_t>(bytes), 'x');
  return ::getpid();
}

std::vector<int> open_fds() {
  std::vector<int> open;
  for (int fd = 0; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) open.push_back(fd);
  }
  return open;
}

bool stdin_is_empty() {
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) == 0;
}

std::string environment_of(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value != nullptr ? value : "";
}

// A pool in a worker: which is the host then. What it is told to leave behind lives until it ends.
std::vector<int> be_host(bool forks) {
  static const std::unique_ptr<Pool> inner = std::make_unique<Pool>(enjoin::PoolOptions{.size = 1});
  const std::vector<int> pids = inner
                                    ->submit([] {
                                      const pid_t child = ::fork();
                                      if (child == 0) {
                                        ::setsid();
                                        while (true) ::pause();
                                      }
                                      return std::vector<int>{::getppid(), ::getpid(), child};
                                    })
                                    .get();
  if (forks && ::fork() == 0) {
    while (true) ::pause();  // with a copy of every descriptor
  }
  return pids;
}

}  // namespace pool_processes

ENJOIN_FUNCTION(pool_processes::prepare);
ENJOIN_FUNCTION(pool_processes::refuse);
ENJOIN_FUNCTION(pool_processes::crash);

using namespace pool_processes;

namespace {

enjoin::ipc::UniqueFd pidfd_of(int pid) {
  return enjoin::ipc::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void wait_for_end(const enjoin::ipc::UniqueFd& pidfd) {
  pollfd watched{pidfd.get(), POLLIN, 0};
  while (::poll(&watched, 1, -1) <= 0) {
  }
}

std::string why_of(Pool& pool) {
  try {
    pool.submit<twice>(1).get();
  } catch (const enjoin::Error& e) {
    return e.what();
  }
  return {};
}

/// What a host program (tests/hosts/) prints, and its status.
std::string run_host(const std::string& words, int* status) {
  const std::string hosts = std::string(ENJOIN_TEST_HOSTS) + "/";
  std::string line;
  for (std::size_t at = 0; at < words.size(); at = words.find_first_not_of(' ', at)) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    line += hosts + words.substr(at, end - at) + " ";
    at = end;
  }
  std::FILE* const host = ::popen((line + "2>&1").c_str(), "re");
  REQUIRE(host != nullptr);
  std::string said;
  char part[256];
  while (std::fgets(part, sizeof part, host) != nullptr) said += part;
  *status = ::pclose(host);
  return said;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("pool processes: workers are no children of the host") {
  Pool pool({.size = 2});
  CHECK(pool.submit<own_pid>().get() != ::getpid());
  CHECK(::waitpid(-1, nullptr, WNOHANG | __WALL) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("pool processes: a worker has an empty stdin, our environment, and few descriptors") {
  ::setenv("POOL_PROCESSES_TEST", "here", 1);
  const int leaked = ::open("/dev/null", O_RDONLY);  // not marked: it must not reach them
  Pool pool({.size = 1});
  CHECK(pool.submit<stdin_is_empty>().get());
  CHECK(pool.submit<environment_of>("POOL_PROCESSES_TEST").get() == "here");
  CHECK(pool.submit<environment_of>("ENJOIN_POOL_KEEPER").get() == "");
  CHECK(pool.submit<open_fds>().get().size() <= 16);
  ::unsetenv("POOL_PROCESSES_TEST");
  ::close(leaked);
}

TEST_CASE("pool processes: forks of the host know what it knew") {
  prepared = 30;
  Pool pool({.size = 2, .start = Start::kFork});
  prepared = 0;
  CHECK(pool.submit<see_prepared>(0).get() == 30);
  CHECK(pool.map<twice>(std::vector{1, 2, 3}) == std::vector{2, 4, 6});
  CHECK(::waitpid(-1, nullptr, WNOHANG | __WALL) == -1);
}

TEST_CASE("pool processes: the initializer is called once in each worker, before all else") {
  Pool pool({.size = 2, .initializer = enjoin::call(prepare, 5)});
  const std::vector<int> seen = pool.map<see_prepared>(std::vector<int>(200));
  CHECK(std::count(seen.begin(), seen.end(), 5) == 200);
}

TEST_CASE("pool processes: where the initializer throws, calls fail with what it threw") {
  Pool pool({.size = 2, .initializer = enjoin::call(refuse, std::string("no database"))});
  const std::string why = why_of(pool);
  CHECK(has(why, "initializer"));
  CHECK(has(why, "std::invalid_argument: no database"));
  CHECK(why_of(pool) == why);
}

TEST_CASE("pool processes: where no worker comes through the initializer, calls fail") {
  Pool pool({.size = 2, .initializer = enjoin::call(crash)});
  const std::string why = why_of(pool);
  CHECK(has(why, "signal 6"));
  CHECK(has(why, "cannot begin"));
}

TEST_CASE("pool processes: a program without worker_main() is told of") {
  Pool ends({.size = 1, .worker_program = "/bin/true"});
  CHECK(has(why_of(ends), "worker_main"));
  CHECK_THROWS_AS(Pool({.worker_program = "/no/such/program"}), enjoin::Error);
  Pool cannot({.size = 1, .worker_program = "/dev/null"});
  CHECK(has(why_of(cannot), "/dev/null"));
}

TEST_CASE("pool processes: workers are replaced after their number of jobs") {
  Pool pool({.size = 1, .jobs_per_worker = 10});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool.submit<own_pid>());
  std::set<int> pids;
  for (auto& future : futures) pids.insert(future.get());
  CHECK(pids.size() == 10);
  CHECK(pool.workers_lost() == 0);
}

TEST_CASE("pool processes: workers are replaced when they have grown") {
  Pool pool({.size = 1, .growth_per_worker = 20U << 20});
  std::set<int> pids;
  for (int i = 0; i < 12; ++i) pids.insert(pool.submit<use_memory>(10 << 20).get());
  CHECK(pids.size() >= 3);
  CHECK(pids.size() <= 6);
}

TEST_CASE("pool processes: workers are replaced when they are old") {
  Pool pool({.size = 1, .worker_age = std::chrono::nanoseconds(1)});
  std::set<int> pids;
  for (int i = 0; i < 5; ++i) pids.insert(pool.submit<own_pid>().get());
  CHECK(pids.size() == 5);
}

TEST_CASE("pool processes: when the host is killed, workers and what they started end") {
  for (const bool forks : {false, true}) {
    Pool pool({.size = 1});
    const int host = pool.submit<own_pid>().get();
    std::vector<enjoin::ipc::UniqueFd> ends;
    for (const int pid : pool.submit<be_host>(forks).get()) {
      ends.push_back(pidfd_of(pid));
      REQUIRE(ends.back());
    }
    REQUIRE(::kill(host, SIGKILL) == 0);
    for (const auto& end : ends) wait_for_end(end);
  }
}

TEST_CASE("pool processes: several pools live beside each other") {
  std::vector<std::unique_ptr<Pool>> pools;
  for (int i = 0; i < 5; ++i)
    pools.push_back(std::make_unique<Pool>(enjoin::PoolOptions{.size = 2}));
  std::vector<Future<int>> futures;
  for (int x = 0; x < 100; ++x) {
    for (auto& pool : pools) futures.push_back(pool->submit<twice>(x));
  }
  for (std::size_t i = 0; i < futures.size(); ++i) {
    CHECK(futures[i].get() == 2 * static_cast<int>(i / pools.size()));
  }
}

TEST_CASE("pool processes: a pool that was never used, and one that is empty, end at once") {
  { const Pool pool({.size = 4}); }
  { const Pool pool({.size = 2, .start = Start::kFork}); }
  Pool pool({.size = 2});
  pool.submit<twice>(1).get();
  pool.join();
}

TEST_CASE("pool processes: a host that forgets worker_main() is told so, by one process of it") {
  int status = 0;
  const std::string said = run_host("no_worker_main", &status);
  CHECK(WEXITSTATUS(status) == 3);
  CHECK(has(said, "enjoin::worker_main(argc, argv)"));
  CHECK(std::count(said.begin(), said.end(), '\n') == 1);
}

TEST_CASE("pool processes: a plug-in has a pool with workers of its own, and comes again") {
  int status = 0;
  CHECK(run_host("pool_plugin_host pool_plugin.so pool_plugin_worker", &status) ==
        "328350\n328350\n");
  CHECK(status == 0);
}
