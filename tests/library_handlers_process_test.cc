// Handlers of an Executor that throw, and hosts that fork while lines come.

#include <fcntl.h>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include <sys/stat.h>

#include "doctest/doctest.h"
#include "enjoin/executor.h"
#include "ipc/unique_fd.h"
#include "support/executor.h"
#include "support/folder.h"
#include "support/forked.h"

namespace enjoin {
namespace {

using test::executor_options;
using test::shell;

Command lines_of(std::string line) {
  Command job = shell(std::move(line));
  job.output = Output::kLines;
  return job;
}

}  // namespace

TEST_CASE("executor handlers: a job whose lines make its handler throw ends all the same") {
  const test::Folder folder;
  const std::string fifo = folder.path() + "/fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  Executor executor(executor_options());
  JobOptions options;
  std::set<std::string> lines;
  int ends = 0;
  int thrown = 0;
  options.handlers.on_line = [&](JobId, int, std::string_view line) {
    lines.emplace(line);
    throw std::runtime_error("from a handler");
  };
  options.handlers.on_end = [&](const JobReport& report) {
    ++ends;
    CHECK(report.success);
  };
  // Its start, lines and end all wait for us when the next one runs: without a newline the lines
  // are complete at the end only.
  JobOptions after;
  after.needs = {executor.add(lines_of("printf one; printf two >&2"), options)};
  executor.add(shell("echo >'" + fifo + "'"), after);
  const ipc::UniqueFd next(::open(fifo.c_str(), O_RDONLY | O_CLOEXEC));
  while (executor.unfinished() > 0) {
    try {
      executor.wait();
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  CHECK(lines == std::set<std::string>{"one", "two"});
  CHECK(thrown == 2);
  CHECK(ends == 1);
}

TEST_CASE("executor handlers: after one that threw the lines that came with its own are told") {
  const test::Folder folder;
  Executor executor(executor_options());
  JobOptions options;
  std::vector<std::string> lines;
  // The job ends when the file is there, which is made when its last line has come.
  options.handlers.on_line = [&](JobId, int, std::string_view line) {
    lines.emplace_back(line);
    if (line == "three") folder.write("go", "");
    if (line == "one") throw std::runtime_error("from a handler");
  };
  Command job = lines_of("printf 'one\\ntwo\\nthree\\n'; until test -e go; do sleep 0.01; done");
  job.folder = folder.path();
  executor.add(job, options);
  while (executor.unfinished() > 0) {
    try {
      executor.wait();
    } catch (const std::runtime_error&) {
    }
  }
  CHECK(lines == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("executor handlers: a forked copy of a job's pipe gives an event loop no work") {
  const test::Folder folder;
  Executor executor(executor_options());
  JobOptions options;
  bool begun = false;
  options.handlers.on_line = [&](JobId, int, std::string_view) { begun = true; };
  Command job = lines_of("echo begun; until test -e go; do sleep 0.01; done");
  job.folder = folder.path();
  executor.add(job, options);
  while (!begun) executor.wait();
  const test::Forked copy([] { return ::pause(); });
  folder.write("go", "");
  CHECK(executor.wait_all());
  executor.step();
  pollfd ready{executor.fd(), POLLIN, 0};
  CHECK(::poll(&ready, 1, 0) == 0);
}

}  // namespace enjoin
