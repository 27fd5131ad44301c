#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "runner/sem/semaphore.h"

using enjoin::Semaphore;
using enjoin::semaphore_file_name;
using enjoin::ipc::UniqueFd;
using std::chrono::milliseconds;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "enjoin-sem-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string sem() const { return path_ + "/a/sem"; }
  std::string path() const { return path_; }
  std::string file(const char* id) const { return sem() + '/' + semaphore_file_name(id); }

 private:
  std::string path_;
};

// A process that takes a permit, says so, and keeps it until it is told to end, or is killed.
class Holder {
 public:
  Holder(const Folder& folder, std::uint32_t permits, const char* id = "x") {
    int said[2];
    int told[2];
    REQUIRE(::pipe(said) == 0);
    REQUIRE(::pipe(told) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      for (const int signal : {SIGSEGV, SIGABRT, SIGTERM, SIGINT}) ::signal(signal, SIG_DFL);
      ::close(said[0]);
      ::close(told[1]);
      hold(folder.sem(), permits, id, said[1], told[0]);
    }
    said_.reset(said[0]);
    told_.reset(told[1]);
    ::close(said[1]);
    ::close(told[0]);
  }
  Holder(Holder&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        said_(std::move(other.said_)),
        told_(std::move(other.told_)) {}
  ~Holder() {
    if (pid_ > 0) kill();
  }

  void wait_has() {
    char byte = 0;
    REQUIRE(::read(said_.get(), &byte, 1) == 1);
  }
  pollfd watched() const { return {said_.get(), POLLIN, 0}; }
  bool has() const {
    pollfd fd = watched();
    return ::poll(&fd, 1, 0) == 1;
  }
  // Waits until it sleeps in the kernel, so that it stands in the queue.
  void wait_asleep() const {
    std::string word;
    do {
      std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
      std::string skipped;
      stat >> skipped >> skipped >> word;
    } while (word != "S");
  }
  void let_go() {
    REQUIRE(::write(told_.get(), "x", 1) == 1);  // others may hold the pipe open
    reap();
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    reap();
  }

 private:
  [[noreturn]] static void hold(const std::string& folder, std::uint32_t permits, const char* id,
                                int said, int told) {
    Semaphore semaphore(folder, id);
    if (!semaphore.wait_acquire(permits, std::nullopt)) ::_exit(1);
    char byte = 'y';
    if (::write(said, &byte, 1) != 1) ::_exit(1);
    static_cast<void>(::read(told, &byte, 1));
    semaphore.release();
    ::_exit(0);
  }
  void reap() {
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }

  pid_t pid_ = -1;
  UniqueFd said_;
  UniqueFd told_;
};

Semaphore::Deadline at_once() {
  return Semaphore::Clock::now();
}

bool is_free(const Folder& folder, std::uint32_t permits) {
  return Semaphore(folder.sem(), "x").wait_acquire(permits, at_once());
}

}  // namespace

TEST_CASE("semaphore: no more hold it than there are permits") {
  const Folder folder;
  Holder one(folder, 2);
  Holder two(folder, 2);
  one.wait_has();
  two.wait_has();
  CHECK(!is_free(folder, 2));
  CHECK(!is_free(folder, 1));
  CHECK(is_free(folder, 3));
  one.let_go();
  CHECK(is_free(folder, 2));
  CHECK(!is_free(folder, 1));  // fewer permits count the same holders
}

TEST_CASE("semaphore: a killed holder's permit is free at once") {
  const Folder folder;
  Holder holder(folder, 1);
  holder.wait_has();
  Holder waiter(folder, 1);
  waiter.wait_asleep();
  CHECK(!waiter.has());
  holder.kill();
  waiter.wait_has();
}

TEST_CASE("semaphore: who waits is served when a holder lets go, and a killed waiter is passed") {
  const Folder folder;
  Holder holder(folder, 1);
  holder.wait_has();
  Holder first(folder, 1);
  first.wait_asleep();
  Holder second(folder, 1);
  second.wait_asleep();
  first.kill();
  CHECK(!second.has());
  holder.let_go();
  second.wait_has();
}

TEST_CASE("semaphore: a permit is free when the last process that shares it is gone") {
  const Folder folder;
  Holder other(folder, 2);
  other.wait_has();
  {
    Semaphore mine(folder.sem(), "x");
    CHECK(mine.wait_acquire(2, at_once()));
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    { const Semaphore closed = std::move(mine); }
    CHECK(!is_free(folder, 2));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  CHECK(is_free(folder, 2));
}

TEST_CASE("semaphore: when the time is over there is no permit, but one can be taken anyway") {
  const Folder folder;
  Holder holder(folder, 1);
  holder.wait_has();
  Semaphore late(folder.sem(), "x");
  CHECK(!late.wait_acquire(1, Semaphore::Clock::now() + milliseconds(20)));
  late.take_anyway();
  CHECK(!is_free(folder, 2));
  CHECK(is_free(folder, 3));
}

TEST_CASE("semaphore: a deadline counts in the queue as well") {
  const Folder folder;
  Holder holder(folder, 1);
  holder.wait_has();
  Holder first(folder, 1);
  first.wait_asleep();
  CHECK(!Semaphore(folder.sem(), "x").wait_acquire(1, Semaphore::Clock::now() + milliseconds(20)));
}

TEST_CASE("semaphore: waiting for the end of all lets none go by") {
  const Folder folder;
  CHECK(Semaphore(folder.sem(), "x").wait_idle(at_once()));
  Holder one(folder, 2);
  Holder two(folder, 2);
  one.wait_has();
  two.wait_has();
  CHECK(!Semaphore(folder.sem(), "x").wait_idle(at_once()));
  one.let_go();
  CHECK(!Semaphore(folder.sem(), "x").wait_idle(Semaphore::Clock::now() + milliseconds(10)));
  two.kill();
  CHECK(Semaphore(folder.sem(), "x").wait_idle(std::nullopt));
}

TEST_CASE("semaphore: no file is left behind, and ids do not mix") {
  const Folder folder;
  Holder one(folder, 1, "x");
  one.wait_has();
  Holder other(folder, 1, "y");
  other.wait_has();
  one.let_go();
  CHECK(!std::filesystem::exists(folder.file("x")));
  CHECK(std::filesystem::exists(folder.file("y")));
  other.let_go();
  CHECK(std::filesystem::is_empty(folder.sem()));
}

TEST_CASE("semaphore: a file that somebody removes hangs nobody") {
  const Folder folder;
  Holder holder(folder, 1);
  holder.wait_has();
  Holder waiter(folder, 1);
  waiter.wait_asleep();
  SUBCASE("the file") {
    std::filesystem::remove(folder.file("x"));
  }
  SUBCASE("the folder") {
    std::filesystem::remove_all(folder.path() + "/a");
  }
  waiter.wait_has();
  CHECK(!is_free(folder, 1));
  waiter.let_go();
  CHECK(is_free(folder, 1));
}

TEST_CASE("semaphore: many processes never exceed the number") {
  const Folder folder;
  std::vector<Holder> holders;
  for (int i = 0; i < 20; ++i) holders.emplace_back(folder, 3);
  int served = 0;
  while (served < 20) {
    std::vector<pollfd> watched;
    for (const Holder& holder : holders) watched.push_back(holder.watched());
    REQUIRE(::poll(watched.data(), watched.size(), -1) > 0);
    std::vector<Holder> waiting;
    std::vector<Holder> have;
    for (Holder& holder : holders) (holder.has() ? have : waiting).push_back(std::move(holder));
    CHECK(have.size() <= 3);
    for (Holder& holder : have) {
      if (++served % 4 == 0) {
        holder.kill();
      } else {
        holder.let_go();
      }
    }
    holders = std::move(waiting);
  }
}

TEST_CASE("semaphore: a folder that others may write in is refused") {
  const Folder folder;
  std::filesystem::create_directories(folder.sem());
  ::chmod(folder.sem().c_str(), 0777);
  CHECK_THROWS_AS(Semaphore(folder.sem(), "x"), enjoin::Error);
}

TEST_CASE("semaphore: a symbolic link in the place of its file is refused") {
  const Folder folder;
  std::filesystem::create_directories(folder.sem());
  ::chmod(folder.sem().c_str(), 0700);
  std::filesystem::create_symlink("/dev/null", folder.file("x"));
  CHECK_THROWS_AS(Semaphore(folder.sem(), "x"), enjoin::Error);
}

TEST_CASE("semaphore: any bytes make a file's name, and different ones different names") {
  CHECK(semaphore_file_name("plain-1.x_y") == "id-plain-1.x_y");
  CHECK(semaphore_file_name("/dev/pts/0") == "id-%2fdev%2fpts%2f0");
  CHECK(semaphore_file_name("a\n\xff%") == "id-a%0a%ff%25");
  const std::string one = semaphore_file_name(std::string(5000, 'a') + '1');
  CHECK(one.size() <= 255);
  CHECK(one != semaphore_file_name(std::string(5000, 'a') + '2'));
}
