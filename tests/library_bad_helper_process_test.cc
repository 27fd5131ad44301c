// An executor whose helper is of another build, dies or talks nonsense
// (tests/jobs/bad_executor.cc).

#include <cstdlib>
#include <string>
#include <unistd.h>

#include "doctest/doctest.h"
#include "enjoin/error.h"
#include "enjoin/executor.h"
#include "support/executor.h"
#include "support/folder.h"

namespace enjoin {
namespace {

/// A folder of helpers of which one is bad.
class BadHelper {
 public:
  explicit BadHelper(const char* mode) {
    ::setenv("BAD_EXECUTOR", mode, 1);
    const std::string program = std::string(ENJOIN_TEST_JOBS) + "/bad_executor";
    REQUIRE(::symlink(program.c_str(), folder_.at("enjoin-executor").c_str()) == 0);
  }
  ~BadHelper() { ::unsetenv("BAD_EXECUTOR"); }
  BadHelper(const BadHelper&) = delete;
  BadHelper& operator=(const BadHelper&) = delete;

  ExecutorOptions options() const {
    ExecutorOptions options;
    options.helpers = folder_.path();
    return options;
  }
  std::string path() const { return folder_.at("enjoin-executor"); }

 private:
  test::Folder folder_;
};

/// What the one job's report says, when the helper is as `mode` says.
std::string reason_with(const char* mode) {
  const BadHelper helper(mode);
  Executor executor(helper.options());
  executor.add(test::command({"true"}));
  CHECK_FALSE(executor.wait_all());
  const auto report = executor.try_take();
  REQUIRE(report.has_value());
  CHECK_FALSE(report->success);
  CHECK(std::holds_alternative<Lost>(report->outcome));
  CHECK_THROWS_AS(executor.add(test::command({"true"})), Error);
  CHECK(executor.unfinished() == 0);
  executor.cancel_all();  // to nobody
  return report->reason;
}

}  // namespace

TEST_CASE(
    "bad helper: another build's, and one that cannot start, are told of by the constructor") {
  const BadHelper other("version");
  CHECK_THROWS_WITH_AS(Executor{other.options()},
                       (other.path() + " is of another build of enjoin than this library").c_str(),
                       Error);
  const BadHelper refusing("refuse");
  CHECK_THROWS_WITH_AS(Executor{refusing.options()}, (refusing.path() + ": no space").c_str(),
                       Error);
}

TEST_CASE("bad helper: its jobs are lost when it dies or fails") {
  CHECK(reason_with("die") == "the executor's helper has ended");
  CHECK(reason_with("failed") == "the executor's helper has failed: no space");
}

TEST_CASE("bad helper: its jobs are lost when it talks nonsense") {
  for (const char* mode : {"garbage", "short", "large", "descriptors"}) {
    INFO(mode);
    CHECK(reason_with(mode) == "what the executor's helper says is damaged");
  }
}

}  // namespace enjoin
