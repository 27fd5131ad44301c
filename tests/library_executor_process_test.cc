#include <algorithm>
#include <csignal>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include <sys/resource.h>

#include "doctest/doctest.h"
#include "enjoin/error.h"
#include "enjoin/executor.h"
#include "support/executor.h"
#include "support/folder.h"

namespace enjoin {
namespace {

using test::command;
using test::executor_options;
using test::run;
using test::shell;

template <class T>
T outcome(const JobReport& report) {
  INFO(to_string(report.outcome), " ", report.reason);
  REQUIRE(std::holds_alternative<T>(report.outcome));
  return std::get<T>(report.outcome);
}

}  // namespace

TEST_CASE("executor: a command's output and end come back") {
  Executor executor(executor_options());
  const JobReport report = run(executor, command({"sh", "-c", "echo out; echo err >&2; exit 3"}));
  CHECK(report.kind == JobReport::Kind::kRan);
  CHECK_FALSE(report.success);
  CHECK(outcome<Exited>(report).status == 3);
  CHECK(report.out == "out\n");
  CHECK(report.err == "err\n");
  CHECK(report.slot >= 1);
  CHECK(report.attempt == 1);
  CHECK(report.started_at.count() > 0);
  CHECK(report.use.wall.count() > 0);
  CHECK(executor.unfinished() == 0);
  CHECK(executor.running() == 0);
}

TEST_CASE("executor: a job has its folder, environment, shell and input") {
  const test::Folder folder;
  folder.write("words", "from a file\n");
  Executor executor(executor_options());
  Command job = shell("pwd; echo $A-$PATH_GONE-$0; cat");
  job.folder = folder.path();
  job.environment = {"A=b", "PATH_GONE=x", "PATH_GONE"};
  job.shell = {"bash", "-e"};
  job.input = InputBytes{"from memory\n"};
  CHECK(run(executor, job).out == folder.path() + "\nb--bash\nfrom memory\n");
  Command from_file = command({"cat"});
  from_file.folder = folder.path();
  from_file.input = InputFile{"words"};
  CHECK(run(executor, from_file).out == "from a file\n");
  CHECK(run(executor, command({"cat"})).out.empty());
}

TEST_CASE("executor: a large input and a large output come through whole") {
  std::string large;
  for (int number = 0; large.size() < (1U << 20); ++number) large += std::to_string(number) + "\n";
  Executor executor(executor_options());
  Command job = command({"cat"});
  job.input = InputBytes{large};
  const JobReport report = run(executor, job);
  const bool same = report.out == large;
  CHECK(same);
  CHECK(report.use.bytes_out == large.size());
}

TEST_CASE("executor: merged output keeps the order in which it was written") {
  Executor executor(executor_options());
  Command job = shell("for i in 1 2 3; do echo out $i; echo err $i >&2; done");
  job.output = Output::kMerge;
  const JobReport report = run(executor, job);
  CHECK(report.out == "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
  CHECK(report.err.empty());
}

TEST_CASE("executor: output goes to files, or nowhere") {
  const test::Folder folder;
  Executor executor(executor_options());
  Command job = shell("echo out; echo err >&2");
  job.folder = folder.path();
  job.stdout_path = "out";
  job.stderr_path = "err";
  CHECK(run(executor, job).success);
  CHECK(folder.read("out") == "out\n");
  CHECK(folder.read("err") == "err\n");
  job.stderr_path = "out";
  CHECK(run(executor, job).success);
  CHECK(folder.read("out") == "out\nerr\n");
  Command silent = shell("echo out; echo err >&2");
  silent.output = Output::kDiscard;
  CHECK(run(executor, silent).out.empty());
}

TEST_CASE("executor: what is kept of an output may have a cap") {
  Executor executor(executor_options());
  Command job = shell("yes | head -c 1000000; echo end >&2");
  job.most_output = 1000;
  const JobReport report = run(executor, job);
  CHECK(report.out.size() <= 1000);
  CHECK(report.output_cut);
  CHECK(report.err == "end\n");
}

TEST_CASE("executor: lines come while the job runs, all of them before its end") {
  Executor executor(executor_options());
  std::vector<std::string> lines;
  bool started = false;
  bool ended = false;
  JobOptions options;
  options.handlers.on_start = [&](JobId) { started = true; };
  options.handlers.on_line = [&](JobId, int stream, std::string_view line) {
    CHECK(started);
    CHECK_FALSE(ended);
    lines.push_back(std::to_string(stream) + std::string(line));
  };
  options.handlers.on_end = [&](const JobReport& report) {
    ended = true;
    CHECK(report.success);
  };
  Command job = shell("echo one; echo err >&2; printf 'two\\nthree'");
  job.output = Output::kLines;
  executor.add(job, options);
  CHECK(executor.wait_all());
  CHECK(ended);
  std::vector<std::string> out;
  for (const std::string& line : lines) {
    if (line[0] == '1') out.push_back(line);
  }
  CHECK(out == std::vector<std::string>{"1one", "1two", "1three"});
  CHECK(lines.size() == 4);
}

TEST_CASE("executor: a line comes before its job ends") {
  const test::Folder folder;
  Executor executor(executor_options());
  JobOptions options;
  std::string heard;
  // The job ends when the file is there, which is made when its line has come.
  options.handlers.on_line = [&](JobId, int, std::string_view line) {
    heard = line;
    folder.write("go", "");
  };
  Command job = shell("echo ready; until test -e go; do sleep 0.01; done");
  job.folder = folder.path();
  job.output = Output::kLines;
  executor.add(job, options);
  CHECK(executor.wait_all());
  CHECK(heard == "ready");
}

TEST_CASE("executor: each way to end has its own outcome") {
  Executor executor(executor_options());
  CHECK(outcome<Signaled>(run(executor, shell("kill -SEGV $$"))).signal == SIGSEGV);
  CHECK(outcome<SpawnFailed>(run(executor, command({"/no/such/program"}))).error == ENOENT);
  CHECK(outcome<SpawnFailed>(run(executor, command({"/etc/passwd"}))).error == EACCES);
  Command nowhere = command({"true"});
  nowhere.folder = "/no/such/folder";
  CHECK_FALSE(run(executor, nowhere).success);
  Command slow = command({"sleep", "1000"});
  slow.timeout = std::chrono::milliseconds(50);
  outcome<TimedOut>(run(executor, slow));
}

TEST_CASE("executor: limits and nice hold for the job alone") {
  Executor executor(executor_options());
  Command job = shell("ulimit -n; nice");
  job.limits = {{RLIMIT_NOFILE, 50}};
  job.nice = 5;
  const int own = ::getpriority(PRIO_PROCESS, 0);  // the tests may run under nice themselves
  CHECK(run(executor, job).out == "50\n" + std::to_string(std::min(own + 5, 19)) + "\n");
  CHECK(run(executor, command({"nice"})).out == std::to_string(own) + "\n");
}

TEST_CASE("executor: a job has those descriptors of the host that it was given, and no others") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);  // not close-on-exec
  Executor executor(executor_options());
  Command job = shell("echo through >&7; ls /proc/self/fd | tr '\\n' ' '");
  job.descriptors = {{ends[1], 7}};
  const JobReport report = run(executor, job);
  CHECK(report.out == "0 1 2 3 7 ");  // 3: ls reads the folder
  ::close(ends[1]);
  char text[20];
  CHECK(::read(ends[0], text, sizeof text) == 8);
  CHECK(::read(ends[0], text, sizeof text) == 0);  // no copy is left anywhere
  ::close(ends[0]);
}

TEST_CASE("executor: a handler's exception leaves through step(), and nothing is lost by it") {
  Executor executor(executor_options());
  JobOptions options;
  options.handlers.on_end = [](const JobReport&) { throw std::runtime_error("from a handler"); };
  const JobId thrower = executor.add(command({"true"}), options);
  JobOptions after;
  after.needs = {thrower};
  executor.add(command({"true"}), after);
  CHECK_THROWS_WITH(executor.wait_all(), "from a handler");
  CHECK(executor.wait_all());
  CHECK(executor.try_take().has_value());
}

TEST_CASE("executor: its descriptor alone is enough to drive it") {
  Executor executor(executor_options());
  for (int job = 0; job < 20; ++job) executor.add(shell("echo x"));
  std::size_t ends = 0;
  while (executor.unfinished() > 0) {
    pollfd ready{executor.fd(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 60'000) == 1);
    ends += executor.step();
  }
  CHECK(ends == 20);
  CHECK(executor.step() == 0);
  int taken = 0;
  while (const auto report = executor.try_take()) taken += report->out == "x\n" ? 1 : 0;
  CHECK(taken == 20);
}

TEST_CASE("executor: several in one process do not know of each other") {
  std::vector<Executor> executors;
  for (int count = 0; count < 3; ++count) {
    executors.emplace_back(executor_options());
    executors.back().add(command({"echo", std::to_string(count)}));
  }
  for (std::size_t at = 0; at < executors.size(); ++at) {
    CHECK(executors[at].wait_all());
    CHECK(executors[at].try_take()->out == std::to_string(at) + "\n");
  }
}

TEST_CASE("executor: a missing helper, and one that ends at once, are told by name") {
  ExecutorOptions options = executor_options();
  const test::Folder folder;
  options.helpers = folder.path();
  CHECK_THROWS_WITH_AS(
      Executor{options},
      ("cannot find the helper program enjoin-executor (looked in " + folder.path() +
       "): set ExecutorOptions::helpers or ENJOIN_LIBEXEC to the folder that "
       "holds it")
          .c_str(),
      Error);
  REQUIRE(::symlink("/bin/true", folder.at("enjoin-executor").c_str()) == 0);
  CHECK_THROWS_AS(Executor{options}, Error);
}

TEST_CASE("executor: what could not be started is told with the command's name") {
  Executor executor(executor_options());
  CHECK(run(executor, command({"no-such-program"})).err ==
        "enjoin: no-such-program: there is no program 'no-such-program': No such file or "
        "directory\n");
  Command named = command({"true"});
  named.name = "step 7";
  named.folder = "/no/such/folder";
  CHECK(run(executor, named).err ==
        "enjoin: step 7: cannot enter its folder '/no/such/folder': No such file or directory\n");
}

TEST_CASE("executor: one that was moved away throws, and can be assigned again") {
  Executor first(executor_options());
  Executor second = std::move(first);
  CHECK_THROWS_AS(first.add(command({"true"})), Error);
  CHECK_THROWS_AS(first.fd(), Error);
  CHECK_THROWS_AS(first.wait_all(), Error);
  first = std::move(second);
  CHECK(run(first, command({"true"})).success);
}

}  // namespace enjoin
