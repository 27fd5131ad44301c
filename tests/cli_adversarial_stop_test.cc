// Jobs that will not go, and jobs that go and leave something behind.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/neighbours.h"

using namespace enjoin::test;

namespace {

// As many as run at once, so that the jobs that wait for their end begin only then, and need not
// wait for long. On a busy machine they may be timed out all the same, which is not counted.
void check_timed_out(const std::vector<std::string>& jobs) {
  const Sandbox box;
  const NeighbourRun run =
      run_between_neighbours(box, {.hostile = jobs, .options = {"--timeout", "2"}});
  CHECK_MESSAGE(run.holds(), run.report());
  double longest = 0;
  for (const JobRow& row : run.hostile) {
    CHECK(row.exit.has_value());
    CHECK(row.runtime_s >= 2);
    longest = std::max(longest, row.runtime_s);
  }
  const std::vector<std::string> lines = lines_of(run.messages);
  std::size_t told = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const bool is_ours = std::any_of(jobs.begin(), jobs.end(), [&](const std::string& job) {
      return lines[i] == "enjoin: Warning: " + job;
    });
    if (is_ours && lines[i - 1].find("timed out") != std::string::npos) ++told;
  }
  CHECK(told == jobs.size());
  std::printf("  of a timeout of 2 s and a ladder of 0.35 s: %.3f s\n", longest);
}

// Each line of `text` is one of these.
bool holds_only(const std::string& text, const std::vector<std::string>& allowed) {
  const std::vector<std::string> lines = lines_of(text);
  return std::all_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return std::find(allowed.begin(), allowed.end(), line) != allowed.end();
  });
}

}  // namespace

TEST_CASE("adversarial 4: jobs that ignore TERM, INT and HUP are killed when the ladder ends") {
  check_timed_out({"trap '' TERM INT HUP; while :; do sleep 1000; done",
                   "trap '' TERM INT HUP; while :; do :; done",
                   "trap 'echo no' TERM INT HUP; while :; do sleep 0.1; done",
                   "trap '' TERM INT HUP; setsid sleep 1000 & sleep 1000 & wait; wait; wait"});
}

TEST_CASE("adversarial 5: jobs that block all signals are killed") {
  check_timed_out(std::vector<std::string>(4, job_program("block_signals")));
}

TEST_CASE("adversarial 6: jobs that stop themselves are timed out all the same") {
  check_timed_out({"kill -STOP $$", "kill -STOP 0", "kill -TSTP $$; kill -STOP $$",
                   "sleep 1000 & kill -STOP $! $$"});
}

TEST_CASE("adversarial 8: a daemon in a session of its own is gone, or reported") {
  const Sandbox box;
  for (const Policies& policies : leftover_policies()) {
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"(setsid sleep 1000 </dev/null >/dev/null 2>&1 &); echo parent",
                          "(setsid sh -c 'trap \"\" TERM HUP; (setsid sleep 1001 &); sleep 1002' &)"
                          "; echo parent"},
              .options = policies.options(),
              .may_leave = policies.may_leave()});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.hostile_out == "parent\nparent\n");
    CHECK(run.hostile[0].exit == 0);
    CHECK(run.says(policies.may_leave() ? "left processes running" : "now killed"));
    CHECK(run.left.empty() != policies.may_leave());
  }
}

TEST_CASE("adversarial 10: a child that holds stdout open does not hold up its job") {
  const Sandbox box;
  for (const Policies& policies : leftover_policies()) {
    for (const char* how : {"--group", "--line-buffer", "--max-output=1M"}) {
      std::vector<std::string> options = policies.options();
      options.emplace_back(how);
      const bool grouped = std::string(how) != "--line-buffer";
      const NeighbourRun run =
          run_between_neighbours(box, {.hostile = {"sleep 1000 & echo here", "sleep 1000 & exit 4"},
                                       .options = options,
                                       .innocent = grouped ? 20U : 0U,
                                       .may_leave = policies.may_leave()});
      CHECK_MESSAGE(run.holds(), run.report());
      CHECK(run.hostile_out == "here\n");
      CHECK(run.hostile[0].exit == 0);
      CHECK(run.hostile[1].exit == 4);
      CHECK(run.hostile[0].runtime_s < 900);
    }
  }
}

TEST_CASE("adversarial 14: a job that closes all three streams and goes on ends as it likes") {
  const Sandbox box;
  for (const Street street : {Street::kPlain, Street::kOrdered, Street::kPiped}) {
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"exec <&- >&- 2>&-; i=0; while [ $i -lt 3000 ]; do echo x; i=$((i+1)); "
                          "done; exit 7",
                          "exec <&-; echo out; exec >&-; exit 8"},
              .street = street});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.hostile[0].exit == 7);
    CHECK(run.hostile[1].exit == 8);
    CHECK(run.hostile_out == "out\n");
    CHECK(run.hostile_err.empty());
  }
}

TEST_CASE("adversarial 15: what is written after the job's end is nobody else's output") {
  const Sandbox box;
  for (const Policies& policies : leftover_policies()) {
    for (const Street street : {Street::kPlain, Street::kOrdered}) {
      const NeighbourRun run = run_between_neighbours(
          box,
          {.hostile = {"{ while :; do echo late; echo late >&2; done; } & echo early",
                       "setsid sh -c 'trap \"\" TERM; while :; do echo late; done' & echo early"},
           .options = policies.options(),
           .street = street,
           .may_leave = policies.may_leave()});
      CHECK_MESSAGE(run.holds(), run.report());
      CHECK(holds_only(run.hostile_out, {"early", "late"}));
      CHECK(holds_only(run.hostile_err, {"late"}));
      CHECK(run.rows.size() == 30);
    }
  }
}

TEST_CASE("adversarial 16: 100,000 lines on both streams are whole and unmixed") {
  const Sandbox box;
  const auto job = [](char name) {
    return std::string("awk 'BEGIN { for (i = 0; i < 100000; ++i) { print \"") + name +
           "\" i; print \"" + name + "\" i > \"/dev/stderr\" } }'";
  };
  NeighbourRun run = run_between_neighbours(box, {.hostile = {job('a'), job('b'), job('c')}});
  CHECK_MESSAGE(run.holds(), run.report());
  for (const char name : {'a', 'b', 'c'}) {
    std::string wanted;
    for (int i = 0; i < 100000; ++i) wanted += name + std::to_string(i) + '\n';
    CHECK(run.hostile_out.find(wanted) != std::string::npos);
    CHECK(run.hostile_err.find(wanted) != std::string::npos);
  }
  CHECK(lines_of(run.hostile_out).size() == 300000);
  CHECK(lines_of(run.hostile_err).size() == 300000);
}
