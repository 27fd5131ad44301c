// Worker processes of a pool that die, and what becomes of their calls.

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <numeric>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "enjoin/pool.h"
#include "enjoin/shared.h"
#include "support/sanitized.h"

using enjoin::Future;
using enjoin::OnDeath;
using enjoin::Pool;

namespace pool_deaths {

int twice(int x) {
  return 2 * x;
}

int die_at(int x, int bad) {
  if (x == bad) {
    std::fprintf(stderr, "first line\nbad is %d\n", x);
    ::raise(SIGUSR2);
  }
  return 2 * x;
}

int leave(int status) {
  std::exit(status);
}

int own_pid() {
  return ::getpid();
}

int parent_pid() {
  return ::getppid();
}

void count_in(enjoin::shared::Counter counter) {
  counter.add(1);
}

void die_with(enjoin::shared::Lock lock) {
  lock.lock();
  ::raise(SIGKILL);
}

void sleep_long() {
  while (true) ::pause();
}

int say(int x) {
  std::fprintf(stderr, "said %d\n", x);
  return x;
}

// Adds a byte to a file that the host has open. True: it is the first.
bool mark(int file_of_host, int host) {
  const std::string path = "/proc/" + std::to_string(host) + "/fd/" + std::to_string(file_of_host);
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const bool first = ::lseek(file, 0, SEEK_END) == 0;
  const bool written = ::write(file, "x", 1) == 1;
  ::close(file);
  return first && written;
}

int die_once(int file_of_host, int host) {
  if (mark(file_of_host, host)) ::raise(SIGKILL);
  return 7;
}

void mark_and_sleep(int file_of_host, int host) {
  mark(file_of_host, host);
  sleep_long();
}

int fork_and_return() {
  const pid_t child = ::fork();
  if (child > 0) ::waitpid(child, nullptr, 0);
  return 5;
}

}  // namespace pool_deaths

using namespace pool_deaths;

namespace {

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// The process's stderr goes into a file while this lives.
class CapturedStderr {
 public:
  CapturedStderr()
      : file_(::memfd_create("stderr", MFD_CLOEXEC)),
        before_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    ::dup2(file_, STDERR_FILENO);
  }
  ~CapturedStderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    ::close(file_);
  }
  std::string text() const {
    std::string all(static_cast<std::size_t>(::lseek(file_, 0, SEEK_END)), '\0');
    const ssize_t got = ::pread(file_, all.data(), all.size(), 0);
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }

 private:
  int file_;
  int before_;
};

}  // namespace

TEST_CASE("pool deaths: exactly the call that a worker died in fails, named, with what it said") {
  const CapturedStderr captured;
  Pool pool({.size = 2});
  std::vector<Future<int>> futures;
  for (int x = 0; x < 3000; ++x) futures.push_back(pool.submit<die_at>(x, 1500));
  int failed = 0;
  for (int x = 0; x < 3000; ++x) {
    try {
      const int result = futures[static_cast<std::size_t>(x)].get();
      if (result != 2 * x) FAIL(x);
    } catch (const enjoin::WorkerDied& death) {
      ++failed;
      CHECK(x == 1500);
      CHECK(death.signal() == SIGUSR2);
      CHECK(death.last_lines() == "first line\nbad is 1500");
      CHECK(std::string(death.what()).find("die_at") != std::string::npos);
    }
  }
  CHECK(failed == 1);
  CHECK(pool.workers_lost() == 1);
  CHECK(captured.text() == "first line\nbad is 1500\n");
}

TEST_CASE("pool deaths: a call that leaves the process has died, whatever its status") {
  Pool pool({.size = 1});
  for (const int status : {0, 3, 84, 85}) {
    try {
      pool.submit<leave>(status).get();
      FAIL("it returned");
    } catch (const enjoin::WorkerDied& death) {
      CHECK(death.signal() == 0);
      CHECK(death.status() == status);
    }
  }
  CHECK(pool.submit<twice>(4).get() == 8);
}

TEST_CASE("pool deaths: with kRetry a call is made again, and fails when it has killed too many") {
  Pool pool({.size = 2, .on_death = OnDeath::kRetry, .most_attempts = 3});
  const int marks = ::memfd_create("marks", MFD_CLOEXEC);
  CHECK(pool.submit<die_once>(marks, ::getpid()).get() == 7);
  ::close(marks);
  CHECK(pool.workers_lost() == 1);
  CHECK_THROWS_AS(pool.submit<die_at>(1, 1).get(), enjoin::WorkerDied);
  CHECK(pool.workers_lost() == 4);
  CHECK(pool.submit<twice>(4).get() == 8);
}

TEST_CASE("pool deaths: a call that takes too long is killed, and those behind it run") {
  Pool pool({.size = 1, .timeout = std::chrono::milliseconds(50)});
  Future<void> slow = pool.submit<sleep_long>();
  Future<int> quick = pool.submit<twice>(1);
  CHECK_THROWS_AS(slow.get(), enjoin::JobTimedOut);
  CHECK(quick.get() == 2);
}

TEST_CASE("pool deaths: a running call can be cancelled, and its worker is replaced") {
  Pool pool({.size = 1});
  const int before = pool.submit<own_pid>().get();
  const int marks = ::memfd_create("marks", MFD_CLOEXEC);
  Future<void> slow = pool.submit<mark_and_sleep>(marks, ::getpid());
  while (::lseek(marks, 0, SEEK_END) == 0) std::this_thread::yield();
  ::close(marks);
  CHECK(slow.cancel());
  CHECK_THROWS_AS(slow.get(), enjoin::JobCanceled);
  CHECK(pool.submit<own_pid>().get() != before);
  CHECK(pool.workers_lost() == 0);
}

TEST_CASE("pool deaths: cancelling a call hits no other one") {
  Pool pool({.size = 2});
  std::vector<Future<int>> futures;
  int canceled = 0;
  for (int x = 0; x < 3000; ++x) {
    futures.push_back(pool.submit<twice>(x));
    if (x % 5 == 4 && futures[static_cast<std::size_t>(x - 3)].cancel()) ++canceled;
  }
  int missing = 0;
  for (int x = 0; x < 3000; ++x) {
    try {
      if (futures[static_cast<std::size_t>(x)].get() != 2 * x) FAIL(x);
    } catch (const enjoin::JobCanceled&) {
      ++missing;
      CHECK(x % 5 == 1);
    }
  }
  CHECK(missing == canceled);
  CHECK(pool.workers_lost() == 0);
}

TEST_CASE("pool deaths: the pool goes on when its keeper is killed") {
  Pool pool({.size = 2});
  const int keeper = pool.submit<parent_pid>().get();
  const int marks = ::memfd_create("marks", MFD_CLOEXEC);
  Future<void> lost = pool.submit<mark_and_sleep>(marks, ::getpid());
  while (::lseek(marks, 0, SEEK_END) == 0) std::this_thread::yield();
  ::close(marks);
  REQUIRE(::kill(keeper, SIGKILL) == 0);
  CHECK_THROWS_AS(lost.get(), enjoin::WorkerDied);
  const int next = pool.submit<parent_pid>().get();
  CHECK(next != keeper);
  CHECK(pool.map<twice>(numbers(1000)).size() == 1000);
}

TEST_CASE("pool deaths: workers are killed at random, and no result is wrong or missing") {
  constexpr int kCalls = enjoin::test::kSanitized ? 10'000 : 100'000;
  constexpr int kKills = enjoin::test::kSanitized ? 5 : 20;
  for (const OnDeath on_death : {OnDeath::kFail, OnDeath::kRetry}) {
    Pool pool({.size = 2, .on_death = on_death, .most_attempts = 100});
    std::vector<Future<int>> futures;
    int kills = 0;
    int failed = 0;
    for (int x = 0; x < kCalls; ++x) futures.push_back(pool.submit<twice>(x));
    for (int x = 0; x < kCalls; ++x) {
      if (x % (kCalls / kKills) == kCalls / kKills - 1) {
        try {
          // Once it is known it may be another's: only a child of the keeper is ours.
          const int pid = pool.submit<own_pid>().get();
          if (::kill(pid, SIGKILL) == 0) ++kills;
        } catch (const enjoin::WorkerDied&) {
        }
      }
      try {
        if (futures[static_cast<std::size_t>(x)].get() != 2 * x) FAIL(x);
      } catch (const enjoin::WorkerDied&) {
        ++failed;
      }
    }
    CHECK(failed <= kills);
    if (on_death == OnDeath::kRetry) CHECK(failed == 0);
  }
}

TEST_CASE("pool deaths: shared objects arrive as the same ones, and a lock outlives its holder") {
  enjoin::shared::Memory memory;
  enjoin::shared::Counter counter(memory);
  enjoin::shared::Lock lock(memory);
  Pool pool({.size = 2, .shared = &memory});
  pool.map<count_in>(std::vector(500, counter));
  CHECK(counter.load() == 500);
  CHECK_THROWS_AS(pool.submit<die_with>(lock).get(), enjoin::WorkerDied);
  CHECK(lock.lock() == enjoin::shared::Acquired::kOwnerDied);
  lock.unlock();
}

TEST_CASE("pool deaths: what workers say on stderr arrives whole, and in lines") {
  const CapturedStderr captured;
  std::size_t lines = 0;
  {
    Pool pool({.size = 2});
    pool.map<say>(numbers(2000));
  }
  const std::string text = captured.text();
  std::vector<bool> seen(2000);
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    int number = -1;
    REQUIRE(std::sscanf(text.substr(begin, end - begin).c_str(), "said %d", &number) == 1);
    REQUIRE(text.substr(begin, end - begin) == "said " + std::to_string(number));
    seen[static_cast<std::size_t>(number)] = true;
    ++lines;
  }
  CHECK(lines == 2000);
  CHECK(std::count(seen.begin(), seen.end(), true) == 2000);
}

TEST_CASE("pool deaths: a child that a call forks and that returns is no worker") {
  Pool pool({.size = 1});
  for (int i = 0; i < 3; ++i) CHECK(pool.submit<fork_and_return>().get() == 5);
  CHECK(pool.workers_lost() == 0);
}
