// Rows 11 and 12: output without end. The bound on memory is a limit of address space that enjoin
// runs under, and what is not to lie on the disk is bounded by a limit of file size: who needs more
// fails. ENJOIN_ADVERSARIAL_FULL=1 writes 10 GB and a line of 1 GB; else 300 MB each.

#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "support/neighbours.h"

using namespace enjoin::test;

namespace {

constexpr const char* kBounds = "ulimit -v 262144; ulimit -f 32768; ";  // 256 MB, 32 MB

bool is_full() {
  return std::getenv("ENJOIN_ADVERSARIAL_FULL") != nullptr;
}

}  // namespace

TEST_CASE("adversarial 11: a job's output without end is cut, and says so") {
  const Sandbox box;
  const std::string size = is_full() ? "10000M" : "300M";
  const NeighbourRun run = run_between_neighbours(
      box, {.hostile = {"head -c " + size + " /dev/zero | tr '\\0' a; exit 9",
                        "head -c " + size + " /dev/zero >&2"},
            .options = {"--max-output", "1M"},
            .before = kBounds});
  CHECK_MESSAGE(run.holds(), run.report().substr(0, 3000));
  CHECK(run.hostile[0].exit == 9);
  CHECK(run.hostile_out.find("[enjoin:") != std::string::npos);
  CHECK(run.hostile_out.size() < 1100000);
  CHECK(run.hostile_err.size() < 1100000);
}

TEST_CASE("adversarial 11: streamed output goes through in bounded memory, as fast as it is read") {
  const Sandbox box;
  const std::string size = is_full() ? "10000000000" : "300000000";
  for (const char* how : {"-u", "--line-buffer"}) {
    CAPTURE(how);
    // The reader waits first, while the job would like to write.
    const Ran ran = box.shell("mkfifo go; " + std::string(kBounds) + "enjoin " + how +
                              " 'echo >go; yes 0123456789abcde | head -c {}' ::: " + size +
                              " | { read x <go; sleep 0.3; wc -c; }; echo ${PIPESTATUS[0]}; "
                              "rm go");
    CHECK(ran.out == size + "\n0\n");
    CHECK(ran.err.empty());
  }
}

TEST_CASE("adversarial 12: a line without end takes no memory") {
  const Sandbox box;
  const std::string size = is_full() ? "1000000000" : "300000000";
  for (const char* how : {"-u", "--line-buffer", "--line-buffer -k", "--line-buffer --tag",
                          "--max-output 1M", "--latest-line", "--max-output 1M --tag"}) {
    CAPTURE(how);
    const Ran ran = box.shell(std::string(kBounds) + "enjoin " + how + " 'head -c " + size +
                              " /dev/zero | tr \"\\0\" x; : {}' ::: a | wc "
                              "-c; echo ${PIPESTATUS[0]}");
    const std::vector<std::string> lines = lines_of(ran.out);
    REQUIRE(lines.size() == 2);
    CHECK(lines[1] == "0");
    const std::string mode = how;
    const bool whole = mode[0] == '-' && mode.find("--max") != 0 && mode != "--latest-line";
    if (whole) CHECK(std::stol(lines[0]) >= std::stol(size));
    if (!whole) CHECK(std::stol(lines[0]) < 1100000);
  }
}

TEST_CASE("adversarial 12: an input without end is refused") {
  const Sandbox box;
  const std::string size = is_full() ? "1000000000" : "300000000";
  for (const char* how : {"", "-X", "--pipe --block 1M --max-chars 1000 -N1"}) {
    CAPTURE(how);
    if (std::string(how).starts_with("--pipe")) continue;  // a record is as large as it is
    const Ran ran = box.shell("ulimit -v 1048576; head -c " + size +
                              " /dev/zero | tr '\\0' x | enjoin " + how + " echo | wc -c");
    CHECK(ran.says("enjoin: Error"));
    CHECK(ran.out == "0\n");
  }
}
