// A job that takes over the terminal's foreground while it runs.

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "ipc/unique_fd.h"
#include "support/recipe_run.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

/// In a process of its own, whose controlling terminal is a new one. Its exit status says which
/// check failed; 0: none.
template <typename Check>
int in_terminal(Check check) {
  const ipc::UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(master);
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  const std::string name = ::ptsname(master.get());
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    for (const int signal : {SIGSEGV, SIGABRT, SIGTERM, SIGINT}) ::signal(signal, SIG_DFL);
    ::setsid();
    const int terminal = ::open(name.c_str(), O_RDWR | O_CLOEXEC);  // it is ours by that
    ::_exit(terminal >= 0 ? check(terminal) : 100);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// Says "yes" where its own group is the terminal's foreground.
JobRecipe asks(pid_t foreground_of) {
  JobRecipe recipe = bash(
      "read -r _ _ _ _ group _ _ front _ < /proc/self/stat;"
      " test $group = $front && echo yes || echo no");
  recipe.foreground_of = foreground_of;
  return recipe;
}

}  // namespace

TEST_CASE("job foreground: it is the job's while it runs, and then its owner's again") {
  const int failed = in_terminal([](int terminal) {
    const RecipeRun ran = run_recipes(recipe_spec(1), {asks(::getpgrp()), asks(0)});
    if (ran.of(1).kept[0] != "yes\n") return 1;
    if (ran.of(2).kept[0] != "no\n") return 2;
    return ::tcgetpgrp(terminal) == ::getpgrp() ? 0 : 3;
  });
  CHECK(failed == 0);
}

TEST_CASE("job foreground: it is not taken from those that are not its owner") {
  const int failed = in_terminal([](int terminal) {
    const RecipeRun ran = run_recipes(recipe_spec(1), {asks(::getpgrp() + 1)});
    if (ran.of(1).kept[0] != "no\n") return 1;
    return ::tcgetpgrp(terminal) == ::getpgrp() ? 0 : 2;
  });
  CHECK(failed == 0);
}

TEST_CASE("job foreground: a job that cannot be executed gives it back as well") {
  const int failed = in_terminal([](int terminal) {
    JobRecipe recipe = words({"/proc/self/status"});
    recipe.foreground_of = ::getpgrp();
    const RecipeRun ran = run_recipes(recipe_spec(1), {recipe});
    if (!std::holds_alternative<SpawnFailed>(ran.of(1).result.outcome)) return 1;
    return ::tcgetpgrp(terminal) == ::getpgrp() ? 0 : 2;
  });
  CHECK(failed == 0);
}
