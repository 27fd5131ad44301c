#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "ipc/bells.h"
#include "support/ipc_views.h"

using namespace enjoin;
using namespace enjoin::ipc;

namespace {

constexpr std::uint32_t kWorkers = 70;  // more than one word of idle marks

struct Team {
  TeamMemory memory = TeamMemory::create({.slots = 8, .workers = kWorkers, .print_window = 256});
  TeamMemory other_view = test::worker_view(memory);
  Bells supervisor{memory};
  Bells worker{other_view};
};

std::uint64_t read_event(int fd) {
  std::uint64_t count = 0;
  if (::read(fd, &count, sizeof count) != sizeof count) return 0;
  return count;
}

}  // namespace

TEST_CASE("bells: a ring before the wait ends it at once") {
  Team team;
  const std::uint32_t seen = team.worker.bell_value(3);
  team.supervisor.ring(3);
  team.worker.wait_for_bell(3, seen, 0);
  CHECK(team.worker.bell_value(3) == seen + 1);
}

TEST_CASE("bells: a ring wakes the sleeper through another mapping of the memory") {
  Team team;
  const std::uint32_t seen = team.worker.bell_value(3);
  std::thread sleeper([&] {
    while (team.worker.bell_value(3) == seen) team.worker.wait_for_bell(3, seen, 0);
  });
  team.supervisor.ring(3);
  sleeper.join();
}

TEST_CASE("bells: a wait with a limit ends without a ring") {
  Team team;
  const std::uint32_t seen = team.worker.bell_value(3);
  team.worker.wait_for_bell(3, seen, 1);
  CHECK(team.worker.bell_value(3) == seen);
}

TEST_CASE("bells: a raised bell wakes nobody but ends the next wait") {
  Team team;
  const std::uint32_t seen = team.worker.bell_value(0);
  Bells::raise_only(team.other_view.block(0));
  team.worker.wait_for_bell(0, seen, 0);
  CHECK(team.worker.bell_value(0) != seen);
}

TEST_CASE("bells: one idle worker is rung, and only once") {
  Team team;
  team.worker.announce_idle(66);
  CHECK(team.supervisor.any_idle());
  CHECK(team.supervisor.ring_one_idle());
  CHECK(team.worker.bell_value(66) == 1);
  CHECK_FALSE(team.supervisor.any_idle());
  CHECK_FALSE(team.supervisor.ring_one_idle());
}

TEST_CASE("bells: each ring takes another idle worker") {
  Team team;
  for (const std::uint32_t worker : {2U, 5U, 69U}) team.worker.announce_idle(worker);
  for (int i = 0; i < 3; ++i) CHECK(team.supervisor.ring_one_idle());
  for (const std::uint32_t worker : {2U, 5U, 69U}) CHECK(team.worker.bell_value(worker) == 1);
  CHECK_FALSE(team.supervisor.ring_one_idle());
}

TEST_CASE("bells: who withdrew is not rung") {
  Team team;
  team.worker.announce_idle(2);
  team.worker.announce_idle(4);
  team.worker.withdraw_idle(2);
  CHECK(team.supervisor.ring_one_idle());
  CHECK(team.worker.bell_value(2) == 0);
  CHECK(team.worker.bell_value(4) == 1);
}

TEST_CASE("bells: idle marks of workers that do not exist ring nobody") {
  Team team;
  team.memory.control().idle[1] = std::uint64_t{1} << 63;
  CHECK_FALSE(team.supervisor.ring_one_idle());
}

TEST_CASE("bells: a sleeping supervisor is told once") {
  Team team;
  const UniqueFd event = make_event_fd();
  team.supervisor.announce_supervisor_waits();
  team.worker.tell_supervisor(event.get());
  team.worker.tell_supervisor(event.get());
  CHECK(read_event(event.get()) == 1);
}

TEST_CASE("bells: a supervisor that does not sleep is left alone") {
  Team team;
  const UniqueFd event = make_event_fd();
  team.worker.tell_supervisor(event.get());
  team.supervisor.announce_supervisor_waits();
  team.supervisor.withdraw_supervisor_waits();
  team.worker.tell_supervisor(event.get());
  CHECK(read_event(event.get()) == 0);
}

// A lost wake-up would let one of the two sleep for ever.
TEST_CASE("bells: two that wake each other in turn never miss a ring") {
  Team team;
  AtomicU32 turn{0};
  constexpr std::uint32_t kTurns = 2'000;
  const auto play = [&](Bells& bells, std::uint32_t self) {
    for (std::uint32_t i = self; i < kTurns; i += 2) {
      for (;;) {
        const std::uint32_t seen = bells.bell_value(self);
        bells.announce_idle(self);
        if (turn.load() == i) break;
        bells.wait_for_bell(self, seen, 0);
      }
      bells.withdraw_idle(self);
      turn.store(i + 1);
      bells.ring_one_idle();
    }
  };
  std::thread first([&] { play(team.supervisor, 0); });
  std::thread second([&] { play(team.worker, 1); });
  first.join();
  second.join();
  CHECK(turn.load() == kTurns);
}
