// An Executor that takes slots of a make's jobserver, or shares out its own.

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>

#include "doctest/doctest.h"
#include "enjoin/executor.h"
#include "runner/executor/protocol.h"
#include "support/executor.h"
#include "support/folder.h"

namespace enjoin {
namespace {

using test::executor_options;
using test::shell;

Command in(const test::Folder& folder, Command command) {
  command.folder = folder.path();
  return command;
}

/// Ends when so many of its like have run at once; then looks a few times how many do.
std::string meeting(int at_once) {
  return "mkdir -p on; : >on/$$; more=5; while [ $more -gt 0 ]; do set -- on/*; echo $# >>seen; "
         "[ $# -lt " +
         std::to_string(at_once) +
         " ] || : >full; [ ! -e full ] || more=$((more - 1)); sleep 0.01; done; rm on/$$";
}

int most_seen(const test::Folder& folder) {
  const std::string text = folder.read("seen");
  int most = 0;
  for (const char digit : text) {
    if (digit != '\n') most = std::max(most, digit - '0');
  }
  return most;
}

/// A make's jobserver with one token, as our caller would have given it to us.
class Given {
 public:
  explicit Given(int reading = 61, int writing = 62) : reading_(reading), writing_(writing) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const int high[2] = {::fcntl(ends[0], F_DUPFD_CLOEXEC, 100),
                         ::fcntl(ends[1], F_DUPFD_CLOEXEC, 100)};
    ::close(ends[0]);
    ::close(ends[1]);
    for (int i = 0; i < 2; ++i) {
      const int number = i == 0 ? reading : writing;
      others_[i] = ::fcntl(number, F_DUPFD_CLOEXEC, 100);  // what whoever runs the tests has there
      REQUIRE(::dup2(high[i], number) == number);
      ::close(high[i]);
    }
    REQUIRE(::write(writing, "t", 1) == 1);
    const std::string flags =
        " -j2 --jobserver-auth=" + std::to_string(reading) + "," + std::to_string(writing);
    ::setenv("MAKEFLAGS", flags.c_str(), 1);
  }
  ~Given() {
    ::unsetenv("MAKEFLAGS");
    for (int i = 0; i < 2; ++i) {
      const int number = i == 0 ? reading_ : writing_;
      ::close(number);
      if (others_[i] < 0) continue;
      ::dup3(others_[i], number, O_CLOEXEC);
      ::close(others_[i]);
    }
  }
  Given(const Given&) = delete;
  Given& operator=(const Given&) = delete;
  /// What lies there.
  std::string left() const {
    REQUIRE(::fcntl(reading_, F_SETFL, O_NONBLOCK) == 0);
    char bytes[8];
    const ssize_t size = ::read(reading_, bytes, sizeof bytes);
    return {bytes, size > 0 ? static_cast<std::size_t>(size) : 0};
  }

 private:
  int reading_;
  int writing_;
  int others_[2] = {-1, -1};
};

ExecutorOptions options_with(Jobserver jobserver, std::uint32_t cpus) {
  ExecutorOptions options = executor_options();
  options.jobserver = jobserver;
  options.cpus = cpus;
  return options;
}

}  // namespace

TEST_CASE("executor's jobserver: a make has the slots that no job uses") {
  const test::Folder folder;
  folder.write("Makefile", "all: 1 2 3 4\n1 2 3 4:\n\t@sh ./step\n");
  folder.write("step", meeting(3));
  {
    Executor executor(options_with(Jobserver::kPipe, 3));
    executor.add(in(folder, shell("make -s")));
    CHECK(executor.wait_all());
  }
  CHECK(most_seen(folder) == 3);
}

TEST_CASE("executor's jobserver: jobs find it in MAKEFLAGS, in the style that was asked for") {
  const auto flags = [](Jobserver jobserver) {
    Executor executor(options_with(jobserver, 2));
    executor.add(shell("echo \"${MAKEFLAGS-none}\""));
    CHECK(executor.wait_all());
    return executor.try_take()->out;
  };
  CHECK(flags(Jobserver::kNone) == "none\n");
  CHECK(flags(Jobserver::kPipe).starts_with(" -j2 --jobserver-auth=1"));
  CHECK(flags(Jobserver::kFifo).starts_with(" -j2 --jobserver-auth=fifo:/"));
}

TEST_CASE("executor's jobserver: jobs take slots of the make that started the host") {
  const Given given;
  const test::Folder folder;
  {
    Executor executor(options_with(Jobserver::kClient, 8));
    for (int i = 0; i < 4; ++i) executor.add(in(folder, shell(meeting(2))));
    CHECK(executor.wait_all());
  }
  CHECK(most_seen(folder) == 2);
  CHECK(given.left() == "t");
}

// The helper finds its socket under a number: under another where the pipe has that.
TEST_CASE("executor's jobserver: a make's pipe may have any numbers") {
  const std::pair<int, int> numbers[] = {{kExecutorSocket, kExecutorSocket + 1},
                                         {kExecutorSocket + 1, kExecutorSocket}};
  for (const auto& [reading, writing] : numbers) {
    const Given given(reading, writing);
    const test::Folder folder;
    {
      Executor executor(options_with(Jobserver::kClient, 8));
      for (int i = 0; i < 3; ++i) executor.add(in(folder, shell(meeting(2))));
      CHECK(executor.wait_all());
    }
    CHECK(most_seen(folder) == 2);
    CHECK(given.left() == "t");
  }
}

TEST_CASE("executor's jobserver: without `cpus` there are as many jobs as that make has") {
  const Given given;
  const test::Folder folder;
  Executor executor(options_with(Jobserver::kClient, 0));
  for (int i = 0; i < 3; ++i) executor.add(in(folder, shell(meeting(2))));
  CHECK(executor.wait_all());
  CHECK(most_seen(folder) == 2);
}

}  // namespace enjoin
