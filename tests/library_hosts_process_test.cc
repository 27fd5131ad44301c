// Hosts of the library that are programs of their own (tests/hosts): a big one, and a small one
// under valgrind.

#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>

#include "doctest/doctest.h"
#include "support/executor.h"
#include "support/folder.h"
#include "support/sanitized.h"

namespace enjoin {
namespace {

constexpr int kNoMemory = 77;

struct Ran {
  int status = -1;  ///< its exit status, or -1
  std::string text;
};

/// With our helpers, stdout and stderr together.
Ran run_line(const std::string& line) {
  const std::string whole = "exec 2>&1; ENJOIN_LIBEXEC='" + test::executor_options().helpers +
                            "'; export ENJOIN_LIBEXEC; " + line;
  std::FILE* const output = ::popen(whole.c_str(), "re");
  REQUIRE(output != nullptr);
  Ran ran;
  char part[512];
  while (std::fgets(part, sizeof part, output) != nullptr) ran.text += part;
  const int status = ::pclose(output);
  if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
  return ran;
}

std::string host(const char* name) {
  return std::string(ENJOIN_TEST_HOSTS) + '/' + name + ' ';
}

}  // namespace

// $ENJOIN_TEST_DIRTY_MB: so many of its 10 GiB are dirty, if there is the memory for it.
TEST_CASE("hosts: one with 10 GiB of heap and 100 threads starts executors and pools") {
  const char* const chosen = std::getenv("ENJOIN_TEST_DIRTY_MB");
  const std::string dirty = chosen != nullptr ? chosen : "200";
  const Ran ran = run_line(host("big_host") + "10240 " + dirty);
  if (ran.status == kNoMemory) {
    MESSAGE("SKIPPED: 10 GiB of addresses are not to be had");
    return;
  }
  MESSAGE(dirty, " MiB of it dirty:\n", ran.text);
  CHECK(ran.status == 0);
}

TEST_CASE("hosts: valgrind finds nothing to say of one") {
  if (test::kSanitized) {  // the host, too, which valgrind cannot run then
    MESSAGE("SKIPPED: a sanitizer is at work");
    return;
  }
  if (run_line("valgrind --version").status != 0) {
    MESSAGE("SKIPPED: valgrind is not installed");
    return;
  }
  // It makes plain forks of what starts our processes: these, too, tell of leaks when they leave.
  const std::string leaks = "--leak-check=full --child-silent-after-fork=yes ";
  const test::Folder folder;
  for (const std::string& how : {leaks, std::string()}) {
    const std::string what = how.empty() ? "fork" : "executor processes threads";
    const Ran ran = run_line("valgrind -q --error-exitcode=9 --log-file=" + folder.at("said") +
                             ' ' + how + host("checked_host") + what);
    INFO(ran.text, folder.read("said"));
    CHECK(ran.status == 0);
    CHECK(ran.text.empty());
    CHECK(folder.read("said").find("== ") == std::string::npos);
  }
}

}  // namespace enjoin
