#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "worker/spawn.h"

using enjoin::Child;
using enjoin::JobEnvironment;
using enjoin::ProgramFinder;
using enjoin::spawn;
using enjoin::SpawnRequest;
using enjoin::ipc::UniqueFd;

namespace {

std::string job(const char* name) {
  return std::string(ENJOIN_TEST_JOBS "/") + name;
}

std::string contents(int fd) {
  std::string text;
  char chunk[4096];
  for (ssize_t got; (got = ::pread(fd, chunk, sizeof chunk, static_cast<off_t>(text.size()))) > 0;)
    text.append(chunk, static_cast<std::size_t>(got));
  return text;
}

// Runs show_start and returns what it said.
std::string shown(SpawnRequest request, const char* variable = "HOME") {
  const std::string path = job("show_start");
  const char* const words[] = {"show_start", variable, nullptr};
  const UniqueFd out(::memfd_create("out", MFD_CLOEXEC));
  request.path = path.c_str();
  request.argv = const_cast<char* const*>(words);
  if (request.environment == nullptr) request.environment = environ;
  request.stdio[1] = out.get();
  Child child;
  REQUIRE(spawn(request, &child) == 0);
  REQUIRE(child.pid > 0);
  REQUIRE(child.pidfd);
  int status = -1;
  while (::waitpid(child.pid, &status, 0) < 0) REQUIRE(errno == EINTR);
  CHECK(status == 0);
  return contents(out.get());
}

bool has_line(const std::string& text, const std::string& line) {
  return ('\n' + text).find('\n' + line + '\n') != std::string::npos;
}

}  // namespace

TEST_CASE("spawn: a job leads a process group of its own and dies with us") {
  const std::string said = shown({});
  CHECK(has_line(said, "leader 1"));
  CHECK(has_line(said, "death " + std::to_string(SIGKILL)));
}

TEST_CASE("spawn: a job has the signal mask that is asked for, real-time signals included") {
  SpawnRequest request;
  CHECK(has_line(shown(request), "blocked"));
  request.signal_mask =
      (std::uint64_t{1} << (SIGUSR2 - 1)) | (std::uint64_t{1} << 31) | (std::uint64_t{1} << 63);
  CHECK(has_line(shown(request), "blocked " + std::to_string(SIGUSR2) + " 32 64"));
}

TEST_CASE("spawn: limits, open files and niceness are the job's alone") {
  SpawnRequest request;
  const rlimit files{40, 50};
  const std::vector<enjoin::ResourceLimit> limits{{RLIMIT_CORE, 0}};
  request.open_files = &files;
  request.limits = limits;
  request.nice = 3;
  const int own = ::getpriority(PRIO_PROCESS, 0);
  const std::string said = shown(request);
  CHECK(has_line(said, "files 40 50"));
  CHECK(has_line(said, "core 0"));
  CHECK(has_line(said, "nice " + std::to_string(std::min(own + 3, 19))));
  CHECK(::getpriority(PRIO_PROCESS, 0) == own);
}

TEST_CASE("spawn: a job gets 0, 1, 2 and what was open without close-on-exec") {
  const UniqueFd hidden(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int open = ::fcntl(hidden.get(), F_DUPFD, 60);
  REQUIRE(open == 60);
  const std::string said = shown({});
  ::close(open);
  CHECK(said.find("open 0 1 2") != std::string::npos);
  CHECK(said.find(" 60\n") != std::string::npos);
  CHECK(said.find(' ' + std::to_string(hidden.get()) + ' ') == std::string::npos);
}

TEST_CASE("spawn: what cannot be executed says why and leaves no child") {
  const char* const words[] = {"x", nullptr};
  SpawnRequest request;
  request.argv = const_cast<char* const*>(words);
  request.environment = environ;
  Child child;
  request.path = "/nonexistent/x";
  CHECK(spawn(request, &child) == ENOENT);
  request.path = "/";
  CHECK(spawn(request, &child) == EACCES);
  CHECK(child.pid == -1);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("spawn: too long a list of arguments is E2BIG") {
  const std::string large(200'000, 'x');  // more than one string may have
  const char* const words[] = {"true", large.c_str(), nullptr};
  SpawnRequest request;
  request.path = "/bin/true";
  request.argv = const_cast<char* const*>(words);
  request.environment = environ;
  Child child;
  CHECK(spawn(request, &child) == E2BIG);
}

TEST_CASE("spawn: a limit that is refused fails the start") {
  const std::vector<enjoin::ResourceLimit> limits{{9999, 1}};
  const char* const words[] = {"true", nullptr};
  SpawnRequest request;
  request.path = "/bin/true";
  request.argv = const_cast<char* const*>(words);
  request.environment = environ;
  request.limits = limits;
  Child child;
  CHECK(spawn(request, &child) == EINVAL);
}

TEST_CASE("job environment: its three variables are new, the rest is the caller's") {
  char seq[] = "PARALLEL_SEQ=77";
  char slot[] = "PARALLEL_JOBSLOT=77";
  char other[] = "OTHER=kept";
  char* inherited[] = {seq, other, slot, nullptr};
  JobEnvironment environment(inherited, 4, 123);
  SpawnRequest request;
  request.environment = environment.for_job(9);
  CHECK(has_line(shown(request, "PARALLEL_SEQ"), "variable 9"));
  CHECK(has_line(shown(request, "PARALLEL_JOBSLOT"), "variable 4"));
  CHECK(has_line(shown(request, "PARALLEL_PID"), "variable 123"));
  CHECK(has_line(shown(request, "OTHER"), "variable kept"));
  request.environment = environment.for_job(~std::uint64_t{0});
  CHECK(has_line(shown(request, "PARALLEL_SEQ"), "variable 18446744073709551615"));
}

TEST_CASE("program finder: names are looked up in PATH, paths are not") {
  ProgramFinder finder;
  const char* const found = finder.find("sh");
  REQUIRE(found != nullptr);
  CHECK(std::string(found).ends_with("/sh"));
  CHECK(finder.find("no-such-program-anywhere") == nullptr);
  CHECK(std::string(finder.find("./x/y")) == "./x/y");
}
