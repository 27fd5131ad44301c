// The kill tests are themselves put to the test. Each seeded fault of tests/mutants/ is built into
// the product, and the test named there must fail: by an assertion or a reported hang, where the
// unmutated program passes the same test. A mutant that survives fails here.

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "ipc/unique_fd.h"

using namespace enjoin;

namespace {

struct Mutant {
  std::string name;
  std::string detector;
  std::string program;
  std::string detects;
};

std::vector<Mutant> read_list() {
  std::vector<Mutant> list;
  std::ifstream file(ENJOIN_MUTANTS);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Mutant& mutant = list.emplace_back();
    for (std::string* word : {&mutant.name, &mutant.detector, &mutant.program, &mutant.detects}) {
      std::getline(words, *word, '|');
    }
  }
  return list;
}

struct Ran {
  int status = 0;
  std::string text;
  bool passed() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
  bool skipped() const { return text.find("SKIPPED") != text.npos; }
  // By what the test says, not because something could not start or crashed on its way.
  bool failed_by_test() const {
    const bool failed = WIFEXITED(status) && WEXITSTATUS(status) == 1;
    const bool asserted = text.find("ERROR: CHECK") != text.npos ||
                          text.find("ERROR: REQUIRE") != text.npos ||
                          text.find(", killed:") != text.npos || text.find(", held:") != text.npos;
    const bool hung = text.find("HANG") != text.npos || text.find("never ends") != text.npos;
    return failed && (asserted || hung) && text.find(", undisturbed:") == text.npos;
  }
};

Ran run(const std::string& program, const std::string& test, const std::string& worker) {
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  const ipc::UniqueFd out(pipe[0]);
  ipc::UniqueFd in(pipe[1]);
  const std::string filter = "--test-case=" + test;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in.get(), 1);
    ::dup2(in.get(), 2);
    if (!worker.empty()) ::setenv("ENJOIN_KILL_WORKER", worker.c_str(), 1);
    ::setenv("ENJOIN_KILL_PATIENCE", "10", 1);
    ::unsetenv("ENJOIN_KILL");
    ::execl(program.c_str(), program.c_str(), filter.c_str(), "--abort-after=1", "--no-intro",
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
  in.reset();
  Ran ran;
  std::array<char, 4096> chunk{};
  for (ssize_t got; (got = ::read(out.get(), chunk.data(), chunk.size())) > 0;) {
    ran.text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  ::waitpid(pid, &ran.status, 0);
  return ran;
}

Ran run_mutant(const Mutant& mutant) {
  if (mutant.detector == "worker") return run("/proc/self/exe", mutant.detects, mutant.program);
  return run(mutant.program, mutant.detects, {});
}

Ran run_original(const Mutant& mutant) {
  return run(mutant.detector == "worker" ? "/proc/self/exe" : ENJOIN_FAULT_TESTS, mutant.detects,
             {});
}

}  // namespace

TEST_CASE("mutants: each seeded fault is noticed by the kill tests") {
  const std::vector<Mutant> mutants = read_list();
  CHECK(mutants.size() >= 8);
  std::set<std::string> passing;
  std::size_t caught = 0;
  for (const Mutant& mutant : mutants) {
    CAPTURE(mutant.name);
    if (passing.insert(mutant.detects).second) {
      const Ran original = run_original(mutant);
      if (original.skipped()) {
        MESSAGE("SKIPPED: what would notice it is skipped on this machine");
        return;
      }
      CHECK_MESSAGE(original.passed(), original.text);
      CHECK(original.text.find(" 0 passed") == original.text.npos);  // no such test
    }
    const Ran ran = run_mutant(mutant);
    CHECK_MESSAGE(ran.failed_by_test(), "it survives, or fails in another way: " << ran.text);
    if (ran.failed_by_test()) ++caught;
  }
  MESSAGE("mutants caught: " << caught << " of " << mutants.size());
}
