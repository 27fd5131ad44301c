// Jobs that end in every way there is, between innocent ones.

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/neighbours.h"
#include "support/sanitized.h"

using namespace enjoin::test;

namespace {

constexpr Street kStreets[] = {Street::kPlain, Street::kOrdered, Street::kPiped};

std::string core_pattern() {
  std::ifstream file("/proc/sys/kernel/core_pattern");
  std::string text;
  std::getline(file, text);
  return text;
}

}  // namespace

TEST_CASE("adversarial 1: each exit status is recorded, and wraps at 256") {
  const Sandbox box;
  for (const Street street : kStreets) {
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"exit 0", "exit 1", "exit 255", "exit 256", "exit 257", "exit -1"},
              .street = street});
    CHECK_MESSAGE(run.holds(), run.report());
    const int wanted[] = {0, 1, 255, 0, 1, 255};
    for (std::size_t i = 0; i < 6; ++i) CHECK(run.hostile[i].exit == wanted[i]);
  }
}

TEST_CASE("adversarial 2: a job that dies of a signal has that signal in its row") {
  const Sandbox box;
  std::vector<int> numbers;
  std::vector<std::string> jobs;
  for (int number = 1; number <= 64; ++number) {
    // Those that stop a process are row 6.
    if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) continue;
    numbers.push_back(number);
    jobs.push_back("exec " + job_program("die_by") + ' ' + std::to_string(number));
  }
  const NeighbourRun run = run_between_neighbours(box, {.hostile = jobs, .before = "ulimit -c 0"});
  CHECK_MESSAGE(run.holds(), run.report());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int number = numbers[i];
    const bool harmless =
        number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH;
    CAPTURE(number);
    CHECK(run.hostile[i].signal == (harmless ? 0 : number));
    if (harmless) CHECK(run.hostile[i].exit == 0);
  }
}

TEST_CASE("adversarial 3: a crash leaves no core but where the caller asks for one") {
  const Sandbox box;
  const std::string pattern = core_pattern();
  // A sanitizer sets our own limit, which jobs have from us, to 0.
  const bool has_files = !kSanitized && !pattern.empty() && pattern[0] != '|' && pattern[0] != '/';
  if (!has_files) MESSAGE("SKIPPED: cores go to " << pattern << ", not into the folder");
  const std::string job = job_program("crash_big");
  const auto crash = [&](const std::string& before, const std::vector<std::string>& options) {
    const NeighbourRun run =
        run_between_neighbours(box, {.hostile = {job}, .options = options, .before = before});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.hostile[0].signal == SIGSEGV);
    return box.shell("ls | grep core; du -k core* | cut -f1; rm -f core*").out;
  };
  CHECK(crash("ulimit -c 0", {}).empty());
  CHECK(crash("ulimit -c 4096", {"--rlimit", "core=0"}).empty());
  if (has_files) {
    const std::vector<std::string> asked = lines_of(crash("ulimit -c 4096", {}));
    REQUIRE(asked.size() == 2);
    CHECK(std::stoi(asked[1]) <= 4096);
  }
}

TEST_CASE("adversarial 41: what cannot be executed is told by its status, not by a dead worker") {
  const Sandbox box;
  box.shell(
      "mkdir folder; touch plain; printf '#!/no/such/thing\\n' >bad; chmod +x bad; "
      "cp /bin/true busy");
  const int held_open = ::open(box.path("busy").c_str(), O_WRONLY | O_CLOEXEC);
  const NeighbourRun run = run_between_neighbours(
      box, {.hostile = {"./missing", "no-such-program-at-all", "./folder", "./plain", "./bad",
                        "./busy", "/bin/true $(head -c 3000000 /dev/zero | tr '\\0' a)"}});
  ::close(held_open);
  CHECK_MESSAGE(run.holds(), run.report());
  const int wanted[] = {127, 127, 126, 126, 126, 126, 126};
  for (std::size_t i = 0; i < 7; ++i) {
    CAPTURE(run.hostile[i].command);
    const bool bad_interpreter = i == 4 && run.hostile[i].exit == 127;  // bash 5.2
    CHECK((run.hostile[i].exit == wanted[i] || bad_interpreter));
    CHECK(run.hostile[i].signal == 0);
  }
  CHECK_FALSE(run.says("lost"));
}

TEST_CASE("adversarial 41: an environment that is too large for the kernel is named") {
  const Sandbox box;
  std::vector<std::string> environment;
  for (int i = 0; i < 4; ++i) {
    environment.push_back("BIG" + std::to_string(i) + "=" + std::string(100'000, 'x'));
  }
  const Ran ran = box.enjoin({"-k", "--rlimit", "stack=256k", "true", ":::", "a", "b"},
                             {.environment = environment});
  CHECK(ran.status == 2);
  CHECK(ran.says("Argument list too long"));
}

TEST_CASE("adversarial 41: a vfork child that holds its parent dies with it at the timeout") {
  const Sandbox box;
  const std::vector<std::string> hold(4, job_program("hold_vfork"));
  const NeighbourRun run =
      run_between_neighbours(box, {.hostile = hold, .options = {"--timeout", "2"}});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.says("timed out"));
}
