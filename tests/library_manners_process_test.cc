// What a host notices of an Executor beside its jobs: nothing. Hosts that die are forks of this
// process, which only call the library and then leave by _exit().

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <map>
#include <poll.h>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "doctest/doctest.h"
#include "enjoin/error.h"
#include "enjoin/executor.h"
#include "ipc/unique_fd.h"
#include "support/executor.h"
#include "support/folder.h"

namespace enjoin {
namespace {

using test::command;
using test::executor_options;
using test::shell;

struct Pipe {
  ipc::UniqueFd out;
  ipc::UniqueFd in;
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  /// All that comes until the last writer is gone: a minute at most.
  std::string rest() {
    in.reset();
    std::string text;
    char part[512];
    while (true) {
      pollfd ready{out.get(), POLLIN, 0};
      if (::poll(&ready, 1, 60'000) != 1) return text + " and somebody lives";
      const ssize_t size = ::read(out.get(), part, sizeof part);
      if (size <= 0) return text;
      text.append(part, static_cast<std::size_t>(size));
    }
  }
};

/// A job that says it has begun through the host's descriptor `in`, and holds it while it lives:
/// itself, a child in its group, and one in a session of its own.
Command holder(const Pipe& pipe) {
  Command job = shell("setsid sleep 1000 & sleep 1000 & echo begun >&9; wait");
  job.descriptors = {{pipe.in.get(), 9}};
  return job;
}

void wait_begun(const Pipe& pipe) {
  char text[6];
  std::size_t size = 0;
  while (size < sizeof text) {
    const ssize_t more = ::read(pipe.out.get(), text + size, sizeof text - size);
    REQUIRE(more > 0);
    size += static_cast<std::size_t>(more);
  }
  CHECK(std::string(text, sizeof text) == "begun\n");
}

/// A fork of ours that plays a host; it ends with this object.
class Host {
 public:
  explicit Host(const std::function<void()>& play) : pid_(::fork()) {
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    try {
      play();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ~Host() { end(); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  /// By SIGKILL.
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
};

std::atomic<int> child_signals{0};
void count_signal(int) {
  ++child_signals;
}

class Disposition {
 public:
  Disposition(int signal, void (*handler)(int)) : signal_(signal) {
    struct sigaction action = {};
    action.sa_handler = handler;
    ::sigaction(signal, &action, &before_);
  }
  ~Disposition() { ::sigaction(signal_, &before_, nullptr); }
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;

 private:
  int signal_;
  struct sigaction before_ = {};
};

/// All that an Executor could have changed in this process.
struct World {
  std::map<int, void (*)(int)> handlers;
  std::set<int> descriptors;
  std::string folder;
  mode_t mask;
  std::size_t threads = 0;
  sigset_t blocked;
  std::string limits;

  World() : folder(std::filesystem::current_path().string()), mask(::umask(0)) {
    ::umask(mask);
    for (int signal = 1; signal < NSIG; ++signal) {
      struct sigaction action = {};
      if (::sigaction(signal, nullptr, &action) == 0) handlers[signal] = action.sa_handler;
    }
    for (int fd = 0; fd < 1024; ++fd) {
      if (::fcntl(fd, F_GETFD) >= 0) descriptors.insert(fd);
    }
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/task")) {
      ++threads;
    }
    ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
    for (const auto resource : {RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_STACK}) {
      rlimit limit{};
      ::getrlimit(resource, &limit);
      limits += std::to_string(limit.rlim_cur) + " ";
    }
  }
};

void check_same(const World& before, const World& now) {
  CHECK(before.handlers == now.handlers);
  CHECK(before.folder == now.folder);
  CHECK(before.mask == now.mask);
  CHECK(before.threads == now.threads);
  CHECK(before.limits == now.limits);
  for (int signal = 1; signal < NSIG; ++signal) {
    CHECK(::sigismember(&before.blocked, signal) == ::sigismember(&now.blocked, signal));
  }
}

}  // namespace

TEST_CASE("manners: signals, folder, umask, limits, threads and descriptors stay the host's") {
  const World before;
  {
    Executor executor(executor_options());
    Command lines = shell("echo x");
    lines.output = Output::kLines;
    executor.add(lines);
    executor.add(command({"true"}));
    CHECK(executor.wait_all());
    const World now;
    check_same(before, now);
    for (const int fd : now.descriptors) {
      if (!before.descriptors.contains(fd)) CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
  }
  const World after;
  check_same(before, after);
  CHECK(before.descriptors == after.descriptors);
}

TEST_CASE("manners: a host that loops on waitpid(-1) gets its own children, and no others") {
  const Disposition counted(SIGCHLD, count_signal);
  child_signals = 0;
  std::set<pid_t> reaped;
  std::set<pid_t> own;
  Executor executor(executor_options());
  for (int round = 0; round < 5; ++round) {
    for (int job = 0; job < 4; ++job) executor.add(command({"true"}));
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    own.insert(child);
    while (executor.unfinished() > 0) {
      executor.wait(std::chrono::milliseconds(20));
      for (pid_t pid = 0; (pid = ::waitpid(-1, nullptr, WNOHANG)) > 0;) reaped.insert(pid);
    }
  }
  while (const pid_t pid = ::waitpid(-1, nullptr, 0)) {
    if (pid < 0) break;
    reaped.insert(pid);
  }
  CHECK(errno == ECHILD);
  CHECK(reaped == own);
  CHECK(child_signals <= 5);
  int succeeded = 0;
  while (const auto report = executor.try_take()) succeeded += report->success ? 1 : 0;
  CHECK(succeeded == 20);
}

TEST_CASE("manners: a host without children sees neither child nor SIGCHLD") {
  const Disposition counted(SIGCHLD, count_signal);
  child_signals = 0;
  {
    Executor executor(executor_options());
    executor.add(command({"false"}));
    executor.wait_all();
    CHECK(::waitpid(-1, nullptr, WNOHANG | __WALL) == -1);
    CHECK(errno == ECHILD);
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG | __WALL) == -1);
  CHECK(child_signals == 0);
}

TEST_CASE("manners: a host that ignores SIGCHLD loses no exit status") {
  const Disposition ignored(SIGCHLD, SIG_IGN);
  Executor executor(executor_options());
  const JobReport report = test::run(executor, shell("sh -c 'exit 4'; exit $?"));
  REQUIRE(std::holds_alternative<Exited>(report.outcome));
  CHECK(std::get<Exited>(report.outcome).status == 4);
}

TEST_CASE("manners: a host that ignores SIGPIPE, or blocks signals, gives jobs what it has") {
  const Disposition ignored(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  Executor executor(executor_options());
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  const std::string out =
      test::run(executor, command({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"})).out;
  // Bit n-1 for signal n.
  CHECK(out == "SigBlk:\t0000000000000800\nSigIgn:\t0000000000001000\n");
}

TEST_CASE("manners: jobs run where the host was when the executor was made") {
  const test::Folder folder;
  const std::string before = std::filesystem::current_path().string();
  Executor executor(executor_options());
  ::setenv("ENJOIN_TEST_LATER", "x", 1);
  std::filesystem::current_path(folder.path());
  const std::string out = test::run(executor, shell("pwd; echo $ENJOIN_TEST_LATER")).out;
  std::filesystem::current_path(before);
  ::unsetenv("ENJOIN_TEST_LATER");
  CHECK(out == before + "\n\n");
}

TEST_CASE("manners: a host with 100 threads may make an executor in each of some of them") {
  Pipe hold;
  std::vector<std::thread> idle;
  for (int count = 0; count < 100; ++count) {
    idle.emplace_back([&hold] {
      pollfd end{hold.out.get(), POLLIN, 0};
      ::poll(&end, 1, -1);
    });
  }
  std::atomic<int> well{0};
  std::vector<std::thread> users;
  for (int count = 0; count < 4; ++count) {
    users.emplace_back([&well] {
      Executor executor(executor_options());
      for (int job = 0; job < 5; ++job) executor.add(command({"true"}));
      if (executor.wait_all()) ++well;
    });
  }
  for (std::thread& thread : users) thread.join();
  CHECK(well == 4);
  hold.in.reset();
  for (std::thread& thread : idle) thread.join();
}

TEST_CASE("manners: all jobs end with their executor, whole trees") {
  Pipe pipe;
  {
    Executor executor(executor_options());
    executor.add(holder(pipe));
    wait_begun(pipe);
  }
  CHECK(pipe.rest().empty());
}

TEST_CASE("manners: all jobs end with a host that is killed, whole trees") {
  Pipe pipe;
  Host host([&] {
    Executor executor(executor_options());
    executor.add(holder(pipe));
    executor.wait_all();
  });
  wait_begun(pipe);
  host.end();
  CHECK(pipe.rest().empty());
}

TEST_CASE("manners: all jobs end with the host, even where a fork of it lives on") {
  Pipe pipe;
  Pipe life;  // of the fork
  Host host([&] {
    Executor executor(executor_options());
    if (::fork() == 0) {
      ::close(pipe.in.get());  // not closed by Pipe, which the host shares
      pollfd end{life.out.get(), POLLIN, 0};
      life.in.reset();
      ::poll(&end, 1, -1);
      ::_exit(0);
    }
    executor.add(holder(pipe));
    executor.wait_all();
  });
  wait_begun(pipe);
  host.end();
  CHECK(pipe.rest().empty());
  life.in.reset();
}

TEST_CASE("manners: a job that inherits writes where the host does, and to nobody else's") {
  Pipe out;
  Pipe err;
  Host host([&] {
    ::dup2(out.in.get(), 1);
    ::dup2(err.in.get(), 2);
    Executor executor(executor_options());
    Command job = shell("echo out; echo err >&2; cat");
    job.output = Output::kInherit;
    const JobReport report = test::run(executor, job);
    if (!report.success || !report.out.empty()) ::_exit(3);
  });
  const int status = host.wait();
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  CHECK(out.rest() == "out\n");
  CHECK(err.rest() == "err\n");
}

TEST_CASE("manners: a host without stdin, stdout and stderr has jobs all the same") {
  Pipe pipe;
  Host host([&] {
    for (const int fd : {0, 1, 2}) ::close(fd);
    Executor executor(executor_options());
    Command job = shell("echo captured; echo through >&9");
    job.descriptors = {{pipe.in.get(), 9}};
    if (test::run(executor, job).out != "captured\n") ::_exit(3);
    Command inherits = shell("echo nowhere; cat");
    inherits.output = Output::kConsole;
    test::run(executor, inherits);
  });
  const int status = host.wait();
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  CHECK(pipe.rest() == "through\n");
}

TEST_CASE("manners: a forked copy of an executor can do nothing to the host's jobs") {
  Pipe pipe;
  Executor executor(executor_options());
  JobOptions options;
  bool ended = false;
  options.handlers.on_end = [&](const JobReport&) { ended = true; };
  Command job = shell("echo begun >&9; read line");
  Pipe input;
  job.descriptors = {{pipe.in.get(), 9}, {input.out.get(), 0}};
  executor.add(job, options);
  wait_begun(pipe);
  {
    Host copy([&] {
      executor.cancel_all(Stop::kNow);
      executor.step();
      try {
        executor.add(command({"true"}));
      } catch (const Error&) {
        Executor(std::move(executor));  // and its end
        ::_exit(7);
      }
    });
    const int status = copy.wait();
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 7));
  }
  CHECK(executor.step() == 0);
  CHECK_FALSE(ended);
  REQUIRE(::write(input.in.get(), "go\n", 3) == 3);
  CHECK(executor.wait_all());
  CHECK(ended);
}

#ifdef ENJOIN_LIBRARY
TEST_CASE("manners: a plug-in may bring the library, be unloaded, and come again") {
  const std::string line = std::string(ENJOIN_TEST_JOBS) + "/plugin_host " + ENJOIN_LIBRARY + " " +
                           executor_options().helpers + " 2>&1";
  std::FILE* host = ::popen(line.c_str(), "re");
  REQUIRE(host != nullptr);
  std::string said;
  char part[256];
  while (std::fgets(part, sizeof part, host) != nullptr) said += part;
  CHECK(::pclose(host) == 0);
  CHECK(said == "from a job\nfrom a job\n");
}
#endif

TEST_CASE("manners: a helper that is killed loses its jobs, and says so") {
  Pipe pipe;
  Executor executor(executor_options());
  const JobId begun = executor.add(holder(pipe));
  JobOptions after;
  after.needs = {begun};
  executor.add(command({"true"}), after);
  // The chain of processes above a job: worker, keeper, executor.
  const std::string above =
      "parent() { read -r stat </proc/$1/stat; set -- ${stat##*) }; echo $2; "
      "}; parent $(parent $(parent $$))";
  const pid_t helper = std::stoi(test::run(executor, shell(above)).out);
  REQUIRE(helper > 1);
  wait_begun(pipe);
  while (executor.running() == 0) executor.wait();
  REQUIRE(::kill(helper, SIGKILL) == 0);
  CHECK_FALSE(executor.wait_all());
  const auto first = executor.try_take();
  const auto second = executor.try_take();
  REQUIRE((first.has_value() && second.has_value()));
  CHECK(first->kind == JobReport::Kind::kRan);
  CHECK(std::holds_alternative<Lost>(first->outcome));
  CHECK(second->kind == JobReport::Kind::kDropped);
  CHECK_THROWS_WITH_AS(executor.add(command({"true"})), "the executor's helper has ended", Error);
  CHECK(pipe.rest().empty());
}

}  // namespace enjoin
