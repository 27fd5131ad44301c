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
  for (const Street street : kStreets) {
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"rm -rf \"$PWD\"; echo gone", "test ! -e \"$PWD\" && echo still gone"},
              .street = street});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.hostile_out.find("gone\n") != std::string::npos);
    box.shell(":");  // its folder is made again by nobody
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
      const std::vector<std::string> lines = lines_of(run.hostile_out);
      CHECK(lines.size() == 2);
      for (const std::string& line : lines) CHECK(line.ends_with("fd 9 /dev/zero"));
    }
  }
  for (const char* mode : {"-u", "--line-buffer", "--results=res/", "--files", "-X", "--tty"}) {
    const Ran ran = box.shell("enjoin -k " + std::string(mode) + ' ' + scan +
                              "' '{} ::: a 9</dev/zero; cat res/*/a/stdout; rm -rf res");
    CAPTURE(mode);
    CAPTURE(ran.err);
    if (std::string(mode) == "--files") {
      CHECK(box.shell("cat ../tmp/*.par; rm ../tmp/*.par").out == "fd 9 /dev/zero\n");
    } else if (std::string(mode) != "--tty") {
      CHECK(ran.out == "fd 9 /dev/zero\n");
    }
  }
}

TEST_CASE("adversarial 33: nothing of ours in names that all can see, nothing secret in env") {
  const Sandbox box;
  const std::string scan =
      "ls -A /dev/shm \"$TMPDIR\" | grep -i enjoin; env | cut -d= -f1 | sort | tr '\\n' ' '; "
      "cat /proc/self/cmdline /proc/$PPID/cmdline | tr '\\0' ' ' | grep -c memfd";
  const NeighbourRun run = run_between_neighbours(box, {.hostile = {scan}});
  CHECK_MESSAGE(run.holds(), run.report());
  CHECK(run.hostile_out ==
        "ENJOIN_TEST_MARK HOME LC_ALL OLDPWD PARALLEL_JOBSLOT PARALLEL_PID PARALLEL_SEQ "
        "PARALLEL_SSHHOST PARALLEL_SSHLOGIN PATH PWD SHELL SHLVL TERM TMPDIR _ 0\n");
}
