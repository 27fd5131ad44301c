// Jobs that use up, spoil or search what they find around themselves.

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/neighbours.h"

using namespace enjoin::test;

namespace {

constexpr Street kStreets[] = {Street::kPlain, Street::kOrdered, Street::kPiped};

}  // namespace

TEST_CASE("adversarial 17: a job that runs out of descriptors is alone with that") {
  const Sandbox box;
  for (const Street street : kStreets) {
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"ulimit -n 20; while exec {fd}</dev/null; do :; done 2>/dev/null; echo x",
                          "while exec {fd}</dev/null; do :; done 2>/dev/null; exit 5"},
              .street = street,
              .before = "ulimit -n 300"});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.hostile[1].exit.has_value());
  }
}

TEST_CASE("adversarial 18: a supervisor with few descriptors runs fewer jobs at once, and all") {
  const Sandbox box;
  for (const char* limit : {"64", "40", "32"}) {
    CAPTURE(limit);
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"sleep 0.01", "exit 2", "exec 9</dev/null; exit 3"},
              .options = {"-j100"},
              .at_once = 1,
              .innocent = 40,
              .before = std::string("ulimit -n ") + limit,
              .counts_fds = false});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.rows.size() == 45);
  }
}

TEST_CASE("adversarial 23: a job may delete the folder that it runs in") {
  const Sandbox box;
  {
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"rm -rf \"$PWD\"; echo gone", "cd ..; rm -rf \"$OLDPWD\"; echo gone"},
              .options = {"--workdir", "..."}});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.hostile_out == "gone\ngone\n");
  }
  // That of all jobs. Shells complain of it on stderr.
  for (const char* how : {"-k", "-k --line-buffer", "-k --max-output 1M"}) {
    CAPTURE(how);
    const Ran ran =
        box.shell("mkdir sub; cd sub; exec enjoin -j2 " + std::string(how) +
                  " 'if [ {} = 3 ]; then rm -rf \"$PWD\"; fi; echo {}' ::: 1 2 3 4 5 6");
    CHECK(ran.status == 0);
    CHECK(ran.out == "1\n2\n3\n4\n5\n6\n");
    CHECK_FALSE(box.has("sub"));
  }
}

TEST_CASE("adversarial 24: the next job in the same worker starts clean") {
  const Sandbox box;
  const std::string ask =
      "pwd; umask; nice; ulimit -n; ulimit -f; ulimit -c; grep -E \"^Sig(Blk|Ign)\" "
      "/proc/self/status; env | grep -c .; echo";
  const std::string spoil =
      "cd /; umask 0; renice -n 19 $$ >/dev/null; ulimit -n 10; ulimit -f 0; ulimit -t 5; "
      "trap '' INT TERM USR1; export MORE=1; exit 1";
  const NeighbourRun run =
      run_between_neighbours(box, {.hostile = {ask, spoil, ask}, .at_once = 1, .innocent = 6});
  CHECK_MESSAGE(run.holds(), run.report());
  const std::size_t half = run.hostile_out.size() / 2;
  CHECK(half > 20);
  CHECK(run.hostile_out.substr(0, half) == run.hostile_out.substr(half));
}

TEST_CASE("adversarial 32: a job finds the descriptors that our caller opened, and none of ours") {
  const Sandbox box;
  const std::string scan = job_program("scan_self");
  // Who runs the tests may have some open, too.
  const std::string plain = box.shell("exec 9</dev/zero " + scan).out;
  REQUIRE(plain.find("fd 9 /dev/zero\n") != std::string::npos);
  for (const Street street : kStreets) {
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{}, {"--max-output", "1M"}, {"--tag"}}) {
      const bool tags = !options.empty() && options[0] == "--tag";
      const NeighbourRun run = run_between_neighbours(box, {.hostile = {scan, "exec " + scan},
                                                            .options = options,
                                                            .street = street,
                                                            .innocent = tags ? 0U : 20U,
                                                            .before = "exec 9</dev/zero"});
      CHECK_MESSAGE(run.holds(), run.report());
      if (!tags) CHECK(run.hostile_out == plain + plain);
      if (tags) CHECK(lines_of(run.hostile_out).size() == 2 * lines_of(plain).size());
    }
  }
  for (const char* mode : {"-u", "--line-buffer", "--results=res/", "--files", "-X", "--tty"}) {
    const Ran ran = box.shell("enjoin -k " + std::string(mode) + ' ' + scan +
                              "' '{} ::: a 9</dev/zero; cat res/*/a/stdout; rm -rf res");
    CAPTURE(mode);
    CAPTURE(ran.err);
    if (std::string(mode) == "--files") {
      CHECK(box.shell("cat ../tmp/*.par; rm ../tmp/*.par").out == plain);
    } else if (std::string(mode) != "--tty") {
      CHECK(ran.out == plain);
    }
  }
}

TEST_CASE("adversarial 33: nothing of ours in names that all can see, nothing secret in env") {
  const Sandbox box;
  const std::string scan =
      "ls -A \"$TMPDIR\"; ls -A /dev/shm | grep -i enjoin; env | cut -d= -f1 | sort | tr '\\n' ' "
      "'; "
      "cat /proc/self/cmdline /proc/$PPID/cmdline | tr '\\0' ' ' | grep -c memfd";
  const NeighbourRun run = run_between_neighbours(box, {.hostile = {scan}});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.hostile_out ==
        "ENJOIN_TEST_MARK HOME LC_ALL PARALLEL_JOBSLOT PARALLEL_PID PARALLEL_SEQ "
        "PARALLEL_SSHHOST PARALLEL_SSHLOGIN PATH PWD SHELL SHLVL TERM TMPDIR _ 0\n");
}
