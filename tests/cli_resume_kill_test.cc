// The supervisor of a recorded run is killed a hundred times, at moments that nobody chose, and the
// run is gone on with after each.

#include <csignal>
#include <cstdint>
#include <random>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "runner/record/record_file.h"
#include "support/cli.h"

using namespace enjoin::test;

namespace {

constexpr int kKills = 100;

constexpr int kItems = 250;  // enough for a hundred kills, some jobs apart
constexpr int kJobs = 2 * kItems + 1;

// Jobs tell of their starts, so that the test knows how far a run is. Each but those of the last
// run takes a leave first, of which there are few, so that no run comes to its end before it is
// killed, however quick the machine is.
constexpr unsigned kLeaves = 4;  // a run
static_assert(kKills * kLeaves < kJobs);
constexpr const char* kPipeline = R"([[stage]]
name = "part"
foreach = { n = { lines = "numbers" } }
run = "echo {n} >up; [ -e free ] || read x <leave; seq {n} >{out}"
outputs = ["part/{n}"]
[[stage]]
name = "double"
needs_each = "part"
run = "echo {n} >up; [ -e free ] || read x <leave; sed p {part.out} >{out}"
outputs = ["double/{n}"]
[[stage]]
name = "sum"
needs = ["double"]
run = "xargs cat <{double.outputs@file} >{out}"
outputs = ["sum"]
)";

void prepare(const Sandbox& box) {
  box.write("pipeline.toml", kPipeline);
  box.shell("seq " + std::to_string(kItems) + " >numbers");
}

/// Lets a run come to a number of jobs that chance chooses, and a little further, and kills it.
/// False: it came to its end before.
bool run_and_kill(const Sandbox& box, Fifo& up, Fifo& leave, std::mt19937& chance) {
  for (Fifo* const fifo : {&up, &leave}) {
    while (fifo->try_line()) {
    }
  }
  leave.write(std::string(kLeaves, '\n'));
  Running running = box.start({"run", "-j2", "--quiet"});
  for (auto left = chance() % kLeaves; left > 0 && !running.has_ended(); --left) {
    while (!up.try_line() && !running.has_ended()) std::this_thread::yield();
  }
  for (auto left = chance() % 20'000; left > 0; --left) static_cast<void>(running.has_ended());
  const bool killed = !running.has_ended();
  if (killed) running.signal(SIGKILL);
  running.wait();
  return killed;
}

}  // namespace

TEST_CASE("resume: a run that is killed a hundred times records each job once and ends the same") {
  const Sandbox clean;
  prepare(clean);
  const Fifo nobody = clean.fifo("up");
  clean.write("free", "");
  CHECK(clean.enjoin({"run", "-j2"}).status == 0);

  const Sandbox box;
  prepare(box);
  Fifo up = box.fifo("up");
  Fifo leave = box.fifo("leave");
  std::mt19937 chance(5);  // NOLINT: the same moments each time, as far as they can be
  int kills = 0;
  while (kills < kKills && run_and_kill(box, up, leave, chance)) ++kills;
  CAPTURE(kills);
  box.write("free", "");
  const Ran last = box.enjoin({"resume"});
  CHECK(last.status == 0);
  CHECK(box.read("sum") == clean.read("sum"));
  CHECK(box.shell("cat part/* double/*").out == clean.shell("cat part/* double/*").out);

  const auto record = enjoin::open_record(box.path(".enjoin/record.db"));
  CHECK(record->integer("SELECT count(*) FROM attempts WHERE state = 'succeeded'") == kJobs);
  CHECK(record->integer("SELECT count(DISTINCT job) FROM attempts WHERE state = 'succeeded'") ==
        kJobs);
  CHECK(record->integer("SELECT count(*) FROM attempts WHERE state <> 'succeeded'") == 0);
  // Some were killed before they had begun.
  const std::int64_t runs = record->integer("SELECT count(*) FROM runs");
  CHECK(runs <= kills + 1);
  CHECK(runs > kills / 3);
  CHECK(kills == kKills);
}
