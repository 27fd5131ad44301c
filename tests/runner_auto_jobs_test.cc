#include <chrono>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "runner/auto_jobs.h"

namespace enjoin {
namespace {

using std::chrono::milliseconds;

/// A machine of made-up figures.
class FakeMachine : public Machine {
 public:
  double load() override { return 0; }
  std::uint64_t free_memory() override { return free; }
  Swapped swapped() override { return {}; }
  std::map<std::string, milliseconds> disks_busy() override { return {}; }
  std::optional<std::string> read_file(const std::string& path) override {
    const auto number = [](double value) {
      return std::to_string(static_cast<std::uint64_t>(value));
    };
    if (path == "/proc/stat") {
      return "cpu  " + number(busy) + " 0 0 " + number(idle / 2) + " " + number(idle / 2) +
             " 0 0 0 0 0\ncpu0 7 7 7 7 7 7 7 7 0 0\n";
    }
    if (!has_pressure) return std::nullopt;
    const double total = path == "/proc/pressure/cpu" ? cpu : memory;
    return "some avg10=0.00 avg60=0.00 avg300=0.00 total=" + number(total) +
           "\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n";
  }

  std::uint64_t free = 1ULL << 32;
  double busy = 1000, idle = 1000, cpu = 0, memory = 0;
  bool has_pressure = true;
};

struct Fixture {
  /// So long the machine is as idle and pressed as said (shares of the time), then is looked at.
  std::uint32_t turn(double idle, double cpu = 0, double memory = 0, bool waiting = true) {
    now += AutoJobs::kEvery;
    machine.idle += 400 * idle;
    machine.busy += 400 * (1 - idle);
    const double elapsed = std::chrono::duration<double, std::micro>(AutoJobs::kEvery).count();
    machine.cpu += elapsed * cpu;
    machine.memory += elapsed * memory;
    return jobs.consult(now, jobs.jobs(), waiting);
  }

  FakeMachine machine;
  AutoJobs::TimePoint now{std::chrono::hours(1)};
  AutoJobs jobs{4, 100, machine};
};

}  // namespace

TEST_CASE("auto jobs: one for each CPU at first") {
  Fixture f;
  CHECK(f.jobs.jobs() == 4);
  CHECK(f.turn(1) == 4);  // the first look has nothing to compare with
}

TEST_CASE("auto jobs: while CPUs idle there are more, up to the most") {
  Fixture f;
  f.turn(1);
  CHECK(f.turn(1) == 8);
  CHECK(f.turn(0.5) == 12);
  for (int i = 0; i < 9; ++i) f.turn(1);
  CHECK(f.jobs.jobs() == 100);
}

TEST_CASE("auto jobs: busy CPUs, or no job that waits, are no reason for more") {
  Fixture f;
  f.turn(1);
  CHECK(f.turn(0.05) == 4);
  CHECK(f.turn(1, 0, 0, false) == 4);
  f.now += AutoJobs::kEvery;
  f.machine.idle += 400;
  CHECK(f.jobs.consult(f.now, 3, true) == 4);  // there was room already
}

TEST_CASE("auto jobs: under pressure of CPUs it goes back to one for each") {
  Fixture f;
  f.turn(1);
  f.turn(1);
  CHECK(f.turn(1) == 16);
  CHECK(f.turn(0, 0.9) == 14);
  for (int i = 0; i < 30; ++i) f.turn(0, 0.9);
  CHECK(f.jobs.jobs() == 4);
}

TEST_CASE("auto jobs: under pressure of memory it goes down to one, and back") {
  Fixture f;
  f.turn(1);
  for (int i = 0; i < 9; ++i) f.turn(1, 0, 0.5);
  CHECK(f.jobs.jobs() == 1);
  for (int i = 0; i < 3; ++i) f.turn(0);
  CHECK(f.jobs.jobs() == 4);
}

TEST_CASE("auto jobs: with no memory left there are no more") {
  Fixture f;
  f.machine.free = 1000;
  f.turn(1);
  CHECK(f.turn(1) == 4);
}

TEST_CASE("auto jobs: kernels that count no pressure, and no CPUs, are lived with") {
  Fixture f;
  f.machine.has_pressure = false;
  f.turn(1);
  CHECK(f.turn(1) == 8);
}

TEST_CASE("auto jobs: between two looks nothing changes, and a long pause tells nothing") {
  Fixture f;
  f.turn(1);
  f.machine.idle += 400;
  CHECK(f.jobs.consult(f.now + milliseconds(1), 4, true) == 4);
  f.now += std::chrono::minutes(1);
  CHECK(f.turn(1) == 4);
  CHECK(f.turn(1) == 8);
}

}  // namespace enjoin
