#include <vector>

#include <doctest/doctest.h>

#include "ipc/print_queue.h"
#include "support/ipc_views.h"

using namespace enjoin;
using namespace enjoin::ipc;
using enjoin::test::kLockLimit;

namespace {

constexpr std::uint32_t kWindow = 16;
constexpr WorkerId kFirst{0, 1};
constexpr WorkerId kSecond{1, 2};

struct Team {
  TeamMemory memory = TeamMemory::create({.slots = 8, .workers = 4, .print_window = kWindow});
  TeamMemory first_view = test::worker_view(memory);
  TeamMemory second_view = test::worker_view(memory);
  PrintQueue first{first_view, kFirst};
  PrintQueue second{second_view, kSecond};
  PrintQueue supervisor{memory, {PrintQueue::kSupervisorNumber, 1}};
};

Output output(std::uint64_t ticket, std::uint64_t order = kNoOrder, std::int64_t length = 10) {
  return {.ticket = ticket,
          .handle = static_cast<std::uint32_t>(ticket),
          .order = order,
          .begin = {100, 200},
          .length = {length, length}};
}

// Prints all that is ready, as the baton's holder; the tickets in the order of printing.
std::vector<std::uint64_t> drain(PrintQueue& queue) {
  std::vector<std::uint64_t> tickets;
  while (const auto entry = queue.begin()) {
    tickets.push_back(entry->ticket);
    for (int stream : {0, 1}) *queue.printed(stream) = queue.limit(stream);
    queue.finish();
  }
  return tickets;
}

using Tickets = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("print: the first output is printed directly, from its own capture") {
  Team team;
  REQUIRE(team.first.try_take_direct(output(1)));
  CHECK(team.first.holds_baton());
  CHECK(*team.first.printed(0) == 100);
  CHECK(team.first.limit(0) == 110);
  CHECK(*team.first.printed(1) == 200);
  CHECK(team.first.limit(1) == 210);
  team.first.finish();
  CHECK(team.first.next() == 1);
  CHECK_FALSE(team.first.begin());
  CHECK_FALSE(team.first.holds_baton());
}

TEST_CASE("print: a busy baton is not waited for") {
  Team team;
  REQUIRE(team.first.try_take_direct(output(1)));
  CHECK_FALSE(team.second.try_take_direct(output(2)));
  CHECK_FALSE(team.second.hand_in(output(2)));
  CHECK_FALSE(team.second.try_take());
  CHECK_FALSE(team.second.try_take_ready());
  CHECK_FALSE(team.second.holds_baton());
}

TEST_CASE("print: the holder prints what was handed in meanwhile") {
  Team team;
  REQUIRE(team.first.try_take_direct(output(1)));
  CHECK_FALSE(team.second.hand_in(output(2)));
  CHECK_FALSE(team.second.hand_in(output(3)));
  team.first.finish();
  CHECK(drain(team.first) == Tickets{2, 3});
  CHECK(team.first.next() == 3);
}

TEST_CASE("print: without an order outputs come out as they were handed in") {
  Team team;
  REQUIRE(team.first.hand_in(output(5)));
  CHECK_FALSE(team.second.hand_in(output(4)));
  CHECK(drain(team.first) == Tickets{5, 4});
}

TEST_CASE("print: with an order an output waits for its turn") {
  Team team;
  CHECK_FALSE(team.first.try_take_direct(output(12, 2)));
  CHECK_FALSE(team.first.hand_in(output(12, 2)));
  CHECK_FALSE(team.first.hand_in(output(11, 1)));
  REQUIRE(team.second.try_take_direct(output(10, 0)));
  team.second.finish();
  CHECK(drain(team.second) == Tickets{11, 12});
  CHECK(team.first.next() == 3);
}

TEST_CASE("print: a spooled entry is printed from where it lies in the spools") {
  Team team;
  REQUIRE(team.first.hand_in(output(1)));
  const auto entry = team.first.begin();
  REQUIRE(entry);
  CHECK(entry->state == PrintState::kSpooled);
  CHECK(entry->ticket == 1);
  CHECK(entry->handle == 1);
  CHECK(*team.first.printed(1) == 200);
  CHECK(team.first.limit(1) == 210);
}

TEST_CASE("print: empty outputs are passed without a turn of their own") {
  Team team;
  CHECK_FALSE(team.first.hand_in(output(2, 1, 0)));
  CHECK_FALSE(team.first.hand_in(output(3, 2, 0)));
  CHECK_FALSE(team.first.hand_in(output(1, 0, 0)));
  CHECK(team.first.next() == 3);
  CHECK_FALSE(team.first.try_take_ready());
}

TEST_CASE("print: an empty output lets those behind it go") {
  Team team;
  CHECK_FALSE(team.first.hand_in(output(2, 1)));
  REQUIRE(team.second.hand_in(output(1, 0, 0)));
  CHECK(drain(team.second) == Tickets{2});
}

TEST_CASE("print: finish passes empty outputs behind the printed one") {
  Team team;
  REQUIRE(team.first.try_take_direct(output(1, 0)));
  CHECK_FALSE(team.second.hand_in(output(2, 1, 0)));
  CHECK_FALSE(team.second.hand_in(output(3, 2)));
  team.first.finish();
  CHECK(team.first.next() == 2);
  CHECK(drain(team.first) == Tickets{3});
}

TEST_CASE("print: each gets its own part of the spools") {
  Team team;
  const std::int64_t sizes[2] = {10, 3};
  std::int64_t first[2];
  std::int64_t second[2];
  team.first.reserve_spool(sizes, first);
  team.second.reserve_spool(sizes, second);
  CHECK(first[0] == 0);
  CHECK(first[1] == 0);
  CHECK(second[0] == 10);
  CHECK(second[1] == 3);
}

TEST_CASE("print: the baton alone is taken where nobody prints, and in turn") {
  Team team;
  CHECK_FALSE(team.first.try_take(1));
  CHECK(team.first.try_take(0));
  CHECK_FALSE(team.second.try_take(0));
  CHECK_FALSE(team.first.release());
  CHECK(team.second.try_take());
}

TEST_CASE("print: who gives the baton back gets it again if entries became ready") {
  Team team;
  REQUIRE(team.first.try_take());
  CHECK_FALSE(team.second.hand_in(output(1)));
  CHECK(team.first.release());
  CHECK(team.first.holds_baton());
  CHECK(drain(team.first) == Tickets{1});
}

TEST_CASE("print: the supervisor takes over an output that is half printed") {
  Team team;
  REQUIRE(team.first.try_take_direct(output(1)));
  *team.first.printed(0) = 104;
  CHECK_FALSE(team.second.hand_in(output(2)));
  bool held = false;
  REQUIRE(team.supervisor.take_over(kFirst, kLockLimit, &held) == LockAnswer::kOk);
  REQUIRE(held);
  CHECK(team.supervisor.was_handed_in(1, kNoOrder));
  const auto entry = team.supervisor.begin();
  REQUIRE(entry);
  CHECK(entry->ticket == 1);
  CHECK(entry->state == PrintState::kDirect);
  CHECK(*team.supervisor.printed(0) == 104);
  CHECK(team.supervisor.limit(0) == 110);
  team.supervisor.finish();
  CHECK(team.supervisor.was_handed_in(1, kNoOrder));
  CHECK(drain(team.supervisor) == Tickets{2});
}

TEST_CASE("print: the supervisor takes over a holder that was between two entries") {
  Team team;
  REQUIRE(team.first.hand_in(output(1)));
  bool held = false;
  REQUIRE(team.supervisor.take_over(kFirst, kLockLimit, &held) == LockAnswer::kOk);
  CHECK(held);
  CHECK(drain(team.supervisor) == Tickets{1});
}

TEST_CASE("print: only the holder's baton is taken over") {
  Team team;
  REQUIRE(team.first.try_take());
  bool held = true;
  REQUIRE(team.supervisor.take_over(kSecond, kLockLimit, &held) == LockAnswer::kOk);
  CHECK_FALSE(held);
  REQUIRE(team.supervisor.take_over({kFirst.number, kFirst.generation + 1}, kLockLimit, &held) ==
          LockAnswer::kOk);
  CHECK_FALSE(held);
  CHECK(team.first.holds_baton());
}

TEST_CASE("print: the supervisor can tell what was handed in") {
  Team team;
  CHECK_FALSE(team.supervisor.was_handed_in(1, kNoOrder));
  CHECK_FALSE(team.supervisor.was_handed_in(1, 3));
  REQUIRE(team.first.hand_in(output(1)));
  CHECK(team.supervisor.was_handed_in(1, kNoOrder));
  CHECK_FALSE(team.supervisor.was_handed_in(2, kNoOrder));
  CHECK(drain(team.first) == Tickets{1});
  CHECK(team.supervisor.was_handed_in(1, kNoOrder));
}

TEST_CASE("print: an ordered output stays handed in after its entry was used again") {
  Team team;
  for (std::uint64_t order = 0; order <= kWindow; ++order) {
    REQUIRE(team.first.try_take_direct(output(order + 1, order)));
    team.first.finish();
    CHECK(drain(team.first).empty());
    team.memory.table().prints_seen = order + 1;
  }
  CHECK(team.supervisor.was_handed_in(1, 0));
}

TEST_CASE("print: a full window has no room until the supervisor has seen what was printed") {
  Team team;
  REQUIRE(team.first.try_take());
  std::uint64_t handed_in = 0;
  while (team.second.has_room(kNoOrder)) {
    CHECK_FALSE(team.second.hand_in(output(++handed_in)));
    REQUIRE(handed_in < kWindow);
  }
  // All workers that were told "yes" at the same moment still find a place.
  CHECK(handed_in + team.memory.workers() <= kWindow);
  CHECK_FALSE(team.second.has_room(kWindow));
  CHECK(team.second.has_room(0));
  REQUIRE(team.first.release());
  CHECK(drain(team.first).size() == handed_in);
  CHECK_FALSE(team.second.has_room(kNoOrder));
  team.memory.table().prints_seen = handed_in;
  CHECK(team.second.has_room(kNoOrder));
}

TEST_CASE("print: a direct output overwrites no entry that the supervisor has not seen") {
  Team team;
  for (std::uint64_t ticket = 1; ticket <= kWindow; ++ticket) {
    REQUIRE(team.first.try_take_direct(output(ticket)));
    team.first.finish();
    CHECK_FALSE(team.first.begin());
  }
  CHECK_FALSE(team.first.try_take_direct(output(kWindow + 1)));
  CHECK(team.memory.entry(0).ticket == 1);
  team.memory.table().prints_seen = 1;
  CHECK(team.first.try_take_direct(output(kWindow + 1)));
}
