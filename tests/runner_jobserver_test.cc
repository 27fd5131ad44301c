// The jobserver's fifos, and a client at one of them.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/select.h>
#include <sys/stat.h>

#include "ipc/unique_fd.h"
#include "runner/jobserver/jobserver_client.h"
#include "runner/jobserver/jobserver_server.h"
#include "support/folder.h"

using namespace enjoin;

namespace {

const JobSlots::TimePoint kNow{std::chrono::hours(1)};

/// A jobserver of so many slots.
struct Served {
  explicit Served(std::uint32_t slots) : server(JobserverStyle::kFifo, slots, folder.path(), "k") {}

  bool begin(std::uint64_t job) {
    if (!server.try_take()) return false;
    server.began(job);
    return true;
  }
  std::string fifo(std::uint64_t job) const {
    return server.spec().folder + '/' + std::to_string(job);
  }
  /// What runs in the job.
  std::unique_ptr<JobserverClient> client_in(std::uint64_t job) const {
    MakeFlags flags;
    flags.style = JobserverStyle::kFifo;
    flags.path = fifo(job);
    return JobserverClient::connect(flags);
  }

  test::Folder folder;
  JobserverServer server;
};

/// How many jobs a client may start now.
int most_of(JobSlots& slots) {
  int jobs = 0;
  while (slots.try_take()) slots.began(static_cast<std::uint64_t>(++jobs));
  return jobs;
}

}  // namespace

TEST_CASE("jobserver: a job's client gets all slots but those of other jobs") {
  Served served(4);
  REQUIRE(served.begin(1));
  served.server.turn(kNow);
  const auto client = served.client_in(1);
  REQUIRE(client);
  CHECK(most_of(*client) == 4);
  CHECK_FALSE(served.server.try_take());
}

TEST_CASE("jobserver: what an ended job's client held is free") {
  Served served(3);
  REQUIRE(served.begin(1));
  served.server.turn(kNow);
  const auto client = served.client_in(1);
  CHECK(most_of(*client) == 3);
  CHECK_FALSE(served.begin(2));
  served.server.ended(1);
  served.server.ended(1);
  CHECK(served.begin(2));
  CHECK(served.server.ledger().free() == 2);
}

TEST_CASE("jobserver: a client gives back what it does not need, and another job may start") {
  Served served(2);
  REQUIRE(served.begin(1));
  served.server.turn(kNow);
  const auto client = served.client_in(1);
  CHECK(most_of(*client) == 2);
  CHECK_FALSE(served.begin(2));
  client->ended(2);
  client->turn(kNow);
  CHECK(client->tokens() == 0);
  served.server.turn(kNow);
  CHECK(served.server.until_due(kNow).count() == 0);
  CHECK(served.begin(2));
}

TEST_CASE("jobserver: slots that one client leaves move to another that has none") {
  Served served(6);
  REQUIRE(served.begin(1));
  REQUIRE(served.begin(2));
  served.server.turn(kNow);
  const auto client = served.client_in(1);
  CHECK(most_of(*client) == 3);
  served.server.turn(kNow);
  CHECK(client->try_take());
  client->began(4);
  // The last one moves when nobody has taken it for a while.
  CHECK_FALSE(client->try_take());
  served.server.turn(kNow);
  CHECK_FALSE(client->try_take());
  const auto patience = served.server.until_due(kNow);
  CHECK(patience.count() > 0);
  served.server.turn(kNow + patience);
  CHECK(client->try_take());
}

TEST_CASE("jobserver: what a job takes and brings back is told") {
  Served served(3);
  REQUIRE(served.begin(1));
  served.server.turn(kNow);
  served.server.turn(kNow);
  if (served.server.wait_fd() < 0) return;  // no inotify here
  const auto has_news = [&] {
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(served.server.wait_fd(), &readable);
    timeval none{};
    return ::select(served.server.wait_fd() + 1, &readable, nullptr, nullptr, &none) == 1;
  };
  CHECK_FALSE(has_news());
  const auto client = served.client_in(1);
  CHECK(most_of(*client) == 3);
  CHECK(has_news());
  served.server.turn(kNow);
  CHECK_FALSE(has_news());
  client->ended(1);
  client->turn(kNow);
  CHECK(has_news());
}

TEST_CASE("jobserver: a pipe that cannot be opened once more gives tokens without waiting, too") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);  // given: make's pipes are not close-on-exec
  const ipc::UniqueFd reading(ends[0]);
  const ipc::UniqueFd writing(ends[1]);
  REQUIRE(::write(writing.get(), "abc", 3) == 3);
  MakeFlags flags;
  flags.style = JobserverStyle::kPipe;
  flags.read_fd = reading.get();
  flags.write_fd = writing.get();
  auto client = JobserverClient::connect(flags, "/nonexistent/");
  REQUIRE(client);
  CHECK(most_of(*client) == 4);  // and then it is refused: nobody waits
  CHECK(client->tokens() == 3);
  client->turn(kNow);
  CHECK(client->wait_fd() >= 0);
  REQUIRE(::write(writing.get(), "d", 1) == 1);
  CHECK(client->try_take());
  client->began(5);
  CHECK((::fcntl(reading.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(writing.get(), F_GETFL) & O_NONBLOCK) == 0);
  client.reset();
  char back[8];
  REQUIRE(::read(reading.get(), back, sizeof back) == 4);
  std::sort(back, back + 4);
  CHECK(std::string(back, 4) == "abcd");
}

TEST_CASE("jobserver: tokens that go round a pipe of the smallest size never fill it") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const ipc::UniqueFd reading(ends[0]);
  const ipc::UniqueFd writing(ends[1]);
  REQUIRE(::fcntl(writing.get(), F_SETPIPE_SZ, 4096) > 0);
  REQUIRE(::write(writing.get(), "abc", 3) == 3);
  MakeFlags flags;
  flags.style = JobserverStyle::kPipe;
  flags.read_fd = reading.get();
  flags.write_fd = writing.get();
  for (int round = 0; round < 100; ++round) {
    const auto client = JobserverClient::connect(flags, "/nonexistent/");
    REQUIRE(client);
    REQUIRE(most_of(*client) == 4);
  }
}

TEST_CASE("jobserver: tokens that a job makes itself are thrown away") {
  Served served(2);
  REQUIRE(served.begin(1));
  served.server.turn(kNow);
  const ipc::UniqueFd fifo(::open(served.fifo(1).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(::write(fifo.get(), "xxxx", 4) == 4);
  served.server.turn(kNow);
  CHECK(most_of(*served.client_in(1)) == 2);
}

TEST_CASE("jobserver: an attempt finds nothing of the one before") {
  Served served(3);
  REQUIRE(served.begin(1));
  served.server.turn(kNow);
  const auto stray = served.client_in(1);
  CHECK(most_of(*stray) == 3);
  served.server.ended(1);
  REQUIRE(served.begin(1));
  served.server.turn(kNow);
  for (int job = 1; job <= 3; ++job) stray->ended(static_cast<std::uint64_t>(job));
  ::signal(SIGPIPE, SIG_IGN);
  stray->turn(kNow);
  ::signal(SIGPIPE, SIG_DFL);
  CHECK(most_of(*served.client_in(1)) == 3);
}

TEST_CASE("jobserver: nothing is left of it, and only we may look into it") {
  test::Folder folder;
  std::string path;
  {
    JobserverServer server(JobserverStyle::kPipe, 2, folder.path(), "");
    path = server.spec().folder;
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700);
    REQUIRE(server.try_take());
    server.began(7);
    CHECK(::access((path + "/7").c_str(), F_OK) == 0);
  }
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("jobserver: a slot that was taken for nothing goes back") {
  Served served(1);
  REQUIRE(served.server.try_take());
  CHECK_FALSE(served.server.try_take());
  served.server.put_back();
  CHECK(served.begin(1));
}
