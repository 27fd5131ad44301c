#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/admission.h"

using enjoin::Admission;
using enjoin::AdmissionSpec;
using enjoin::LimitCommand;
using enjoin::LimitRule;
using enjoin::Machine;
using enjoin::parse_limit;
using enjoin::parse_load;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kMb = 1 << 20;

struct FakeMachine final : Machine {
  double load() override { return tasks; }
  std::uint64_t free_memory() override { return free; }
  Swapped swapped() override { return swaps; }
  std::map<std::string, milliseconds> disks_busy() override { return disks; }
  std::optional<std::string> read_file(const std::string& path) override {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  }

  double tasks = 0;
  std::uint64_t free = 1000 * kMb;
  Swapped swaps;
  std::map<std::string, milliseconds> disks;
  std::map<std::string, std::string> files;
};

struct FakeCommand final : LimitCommand {
  void start() override {
    ++starts;
    running = true;
  }
  bool is_running() const override { return running; }
  std::optional<int> take_status() override {
    if (!ended) return {};
    running = false;
    return std::exchange(ended, std::nullopt);
  }

  int starts = 0;
  bool running = false;
  std::optional<int> ended;
};

struct World {
  explicit World(AdmissionSpec spec) : admission(spec, 4, machine, &command) {}
  World(AdmissionSpec spec, FakeMachine with)
      : machine(std::move(with)), admission(spec, 4, machine, &command) {}

  Admission::Advice ask(std::size_t running = 0) { return admission.consult(now, running, true); }
  bool may_start(std::size_t running = 0) { return ask(running).may_start; }
  void pass(milliseconds time) { now += time; }

  FakeMachine machine;
  FakeCommand command;
  Admission admission;
  Admission::TimePoint now{std::chrono::hours(5)};
};

double load_of(const char* text) {
  FakeMachine machine;
  machine.files = {{"file", " 7\n"}, {"bad", "many\n"}};
  bool is_file = false;
  return parse_load(text, 4, machine, &is_file);
}

}  // namespace

TEST_CASE("admission: without conditions there is nothing to ask") {
  World world({});
  CHECK(!world.admission.is_on());
  CHECK(world.may_start(100));
}

TEST_CASE("admission: a load is a number, a share of the CPUs, a sum, or stands in a file") {
  CHECK(load_of("8") == 8);
  CHECK(load_of("1.5") == 1.5);
  CHECK(load_of("150%") == 6);
  CHECK(load_of("+2") == 6);
  CHECK(load_of("-1") == 3);
  CHECK(load_of("-9") == 0.01);
  CHECK(load_of("0") == 0.01);
  CHECK(load_of("file") == 7);
  CHECK_THROWS_AS(load_of("bad"), enjoin::Error);
  CHECK_THROWS_AS(load_of("none"), enjoin::Error);
  CHECK_THROWS_AS(load_of("-"), enjoin::Error);
  CHECK_THROWS_AS(load_of("%"), enjoin::Error);
}

TEST_CASE("admission: no job starts while the load is not below the limit") {
  World world({.load = "3"});
  world.machine.tasks = 3;
  const auto advice = world.ask();
  CHECK(!advice.may_start);
  REQUIRE(advice.ask_again);
  CHECK(*advice.ask_again > world.now);
  CHECK(world.admission.reason() == "the load is 3");
  world.machine.tasks = 2;
  world.now = *advice.ask_again;
  CHECK(world.may_start());
}

TEST_CASE("admission: jobs that have just been started count before the load shows them") {
  World world({.load = "2"});
  CHECK(world.may_start(0));
  world.admission.note_start();
  CHECK(world.may_start(1));
  world.admission.note_start();
  CHECK(!world.may_start(2));
  world.pass(milliseconds(30));
  CHECK(world.may_start(2));  // they sleep, it seems
}

TEST_CASE("admission: a file of --load is read again each time") {
  FakeMachine machine;
  machine.files["limit"] = "1";
  machine.tasks = 2;
  World world({.load = "limit"}, machine);
  CHECK(!world.may_start());
  world.machine.files["limit"] = "3";
  CHECK(world.may_start());
  world.machine.files["limit"] = "";  // being written just now
  CHECK(world.may_start());
  world.machine.files["limit"] = "2";
  CHECK(!world.may_start());
}

TEST_CASE("admission: --memfree starts none below its size, and ends one below half of it") {
  World world({.free_memory = 100 * kMb});
  world.machine.free = 100 * kMb;
  CHECK(world.may_start(3));
  world.machine.free = 99 * kMb;
  CHECK(!world.may_start(3));
  CHECK(!world.ask(3).end_youngest);
  world.machine.free = 49 * kMb;
  CHECK(world.ask(3).end_youngest);
  CHECK(!world.ask(0).end_youngest);
  // Also where there is nothing to start; one at a time.
  CHECK(world.admission.consult(world.now, 3, false).end_youngest);
  world.admission.note_ending();
  CHECK(!world.ask(3).end_youngest);
  world.admission.note_end();
  CHECK(world.ask(2).end_youngest);
}

TEST_CASE("admission: --memsuspend lets fewer jobs go on below twice its size, one below it") {
  World world({.suspend_memory = 100 * kMb});
  CHECK(world.may_start(4));
  CHECK(world.ask(4).most_awake == Admission::kAll);
  world.pass(milliseconds(200));
  world.machine.free = 150 * kMb;
  CHECK(world.ask(4).most_awake == 3);
  CHECK(!world.may_start(4));
  CHECK(world.ask(4).most_awake == 3);  // time to see what came of it
  world.pass(milliseconds(200));
  CHECK(world.ask(4).most_awake == 2);
  world.pass(milliseconds(200));
  world.machine.free = 50 * kMb;
  CHECK(world.ask(4).most_awake == 1);
  world.machine.free = 500 * kMb;
  for (const std::size_t awake :
       {std::size_t{2}, std::size_t{3}, std::size_t{4}, Admission::kAll}) {
    world.pass(milliseconds(200));
    CHECK(world.ask(4).most_awake == awake);
  }
  CHECK(world.may_start(4));
}

TEST_CASE("admission: --memsuspend always lets one job run") {
  World world({.suspend_memory = 100 * kMb});
  world.machine.free = 1 * kMb;
  CHECK(world.may_start(0));
  CHECK(!world.may_start(1));
  CHECK(world.ask(1).most_awake >= 1);
}

TEST_CASE("admission: --noswap waits while pages go in and out") {
  World world({.no_swap = true});
  CHECK(world.may_start());
  world.machine.swaps = {10, 0};
  world.pass(milliseconds(1000));
  CHECK(world.may_start());
  world.machine.swaps = {20, 5};
  world.pass(milliseconds(1000));
  CHECK(!world.may_start());
  world.pass(milliseconds(1000));
  CHECK(world.may_start());
}

TEST_CASE("admission: --limit's own rules are told from commands") {
  CHECK(parse_limit("load 3").kind == LimitRule::Kind::kLoad);
  CHECK(parse_limit("mem 3g").memory == 3'000'000'000);
  CHECK(parse_limit(" io 10").disk_percent == 10);
  CHECK(parse_limit("io").kind == LimitRule::Kind::kCommand);
  CHECK(parse_limit("loader 3").kind == LimitRule::Kind::kCommand);
  CHECK_THROWS_AS(parse_limit(""), enjoin::Error);
  CHECK_THROWS_AS(parse_limit("io many"), enjoin::Error);
  CHECK_THROWS_AS(parse_limit("mem lots"), enjoin::Error);
}

TEST_CASE("admission: --limit asks its command anew for each start") {
  World world({.limit_command = "test -e go"});
  CHECK(!world.may_start());
  CHECK(world.command.starts == 1);
  CHECK(!world.may_start());
  CHECK(world.command.starts == 1);
  world.command.ended = 0;
  CHECK(world.may_start());
  CHECK(world.may_start());
  CHECK(world.command.starts == 1);
  world.admission.note_start();
  CHECK(!world.may_start());
  CHECK(world.command.starts == 2);
}

TEST_CASE("admission: --limit's 1 is no for a while, 2 ends a job, more is an error") {
  World world({.limit_command = "ask"});
  world.ask(2);
  world.command.ended = 1;
  CHECK(!world.may_start(2));
  CHECK(!world.ask(2).end_youngest);
  CHECK(world.command.starts == 1);
  world.pass(milliseconds(200));
  world.ask(2);
  CHECK(world.command.starts == 2);
  world.command.ended = 2;
  CHECK(world.ask(2).end_youngest);
  CHECK(world.ask(2).end_youngest);  // until it was done
  world.admission.note_ending();
  CHECK(!world.ask(2).end_youngest);
  world.pass(milliseconds(200));
  world.ask(2);
  world.command.ended = 127;
  CHECK_THROWS_AS(world.ask(2), enjoin::Error);
}

TEST_CASE("admission: --limit io measures the busiest disk before each start") {
  World world({.limit_command = "io 50"});
  world.machine.disks = {{"sda", milliseconds(100)}, {"sdb", milliseconds(0)}};
  CHECK(!world.may_start());
  world.pass(milliseconds(1000));
  world.machine.disks["sdb"] = milliseconds(600);
  CHECK(!world.may_start());
  world.pass(milliseconds(1000));
  world.machine.disks["sdb"] = milliseconds(900);
  CHECK(world.may_start());
  world.admission.note_start();
  CHECK(!world.may_start());
}
