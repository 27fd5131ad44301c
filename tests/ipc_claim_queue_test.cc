#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "ipc/claim_queue.h"
#include "support/ipc_views.h"

using namespace enjoin;
using namespace enjoin::ipc;
using enjoin::test::kLockLimit;

namespace {

constexpr std::uint32_t kSlots = 8;
constexpr std::uint32_t kArena = 1024;
constexpr WorkerId kFirst{0, 1};
constexpr WorkerId kSecond{1, 2};

struct Team {
  TeamMemory memory = TeamMemory::create(
      {.slots = kSlots, .workers = 4, .print_window = 16, .arena_bytes = kArena});
  TeamMemory first_view = test::worker_view(memory);
  TeamMemory second_view = test::worker_view(memory);
  ClaimPublisher publisher{memory};
  ClaimQueue first{first_view, kFirst};
  ClaimQueue second{second_view, kSecond};

  std::uint64_t publish(std::string_view payload = "x") {
    std::uint64_t ticket = 0;
    REQUIRE(publisher.try_publish({.payload = payload, .handle = 40}, 1, &ticket) ==
            PublishAnswer::kOk);
    return ticket;
  }
  void publish_many(int jobs) {
    for (int i = 0; i < jobs; ++i) publish();
  }
  static void run(ClaimQueue& queue, std::uint64_t position) {
    REQUIRE(queue.try_start(position));
    queue.release(position);
  }
  std::vector<std::uint64_t> reclaim() {
    std::vector<std::uint64_t> tickets;
    publisher.reclaim(
        [&](std::uint32_t, std::uint64_t ticket, std::uint64_t) { tickets.push_back(ticket); });
    return tickets;
  }
};

using Positions = std::vector<std::uint64_t>;

Positions claim(ClaimQueue& queue, std::size_t limit) {
  Positions found(limit);
  std::uint64_t left = 0;
  found.resize(queue.claim(found, &left));
  return found;
}

}  // namespace

TEST_CASE("queue: a claimed job is as it was published") {
  Team team;
  std::uint64_t ticket = 0;
  const NewJob job{.seq = 5,
                   .order = 6,
                   .payload = "a\0b",
                   .values = 1,
                   .columns = 2,
                   .handle = 9,
                   .attempt = 3,
                   .flags = kJobHoldOutputIfFailed,
                   .timeout_ns = 11};
  REQUIRE(team.publisher.try_publish(job, 99, &ticket) == PublishAnswer::kOk);
  const Positions got = claim(team.first, 1);
  REQUIRE(got.size() == 1);
  const JobSlot& slot = team.first.slot(got[0]);
  CHECK(slot.ticket == ticket);
  CHECK(slot.seq == 5);
  CHECK(slot.order == 6);
  CHECK(slot.queued_ns == 99);
  CHECK(slot.values == 1);
  CHECK(slot.columns == 2);
  CHECK(slot.handle == 9);
  CHECK(slot.attempt == 3);
  CHECK(slot.flags == kJobHoldOutputIfFailed);
  CHECK(slot.timeout_ns == 11);
}

TEST_CASE("queue: payloads small and large arrive byte for byte") {
  Team team;
  const std::string small("in\0line\n", 8);
  const std::string large(kInlinePayload + 1, '\xff');
  team.publish(small);
  team.publish(large);
  team.publish("");
  const Positions got = claim(team.first, 3);
  REQUIRE(got.size() == 3);
  const auto text = [&](std::uint64_t position) {
    const auto bytes = team.first_view.payload(team.first.slot(position));
    return std::string(bytes.begin(), bytes.end());
  };
  CHECK(text(got[0]) == small);
  CHECK(text(got[1]) == large);
  CHECK(text(got[2]).empty());
}

TEST_CASE("queue: a slot that leads outside the arena has no payload") {
  Team team;
  JobSlot slot{};
  slot.payload_size = 100;
  slot.payload_offset = kArena - 50;
  CHECK(team.memory.payload(slot).empty());
  slot.payload_offset = ~0U;
  CHECK(team.memory.payload(slot).empty());
}

TEST_CASE("queue: an empty queue gives nothing") {
  Team team;
  CHECK(claim(team.first, 4).empty());
  CHECK_FALSE(team.first.looks_ready());
}

TEST_CASE("queue: jobs are claimed oldest first, each once, and the rest is counted") {
  Team team;
  team.publish_many(5);
  std::array<std::uint64_t, 3> found{};
  std::uint64_t left = 0;
  REQUIRE(team.first.claim(found, &left) == 3);
  CHECK(found == std::array<std::uint64_t, 3>{0, 1, 2});
  CHECK(left == 2);
  CHECK(claim(team.second, 8) == Positions{3, 4});
  CHECK_FALSE(team.first.looks_ready());
}

TEST_CASE("queue: tickets are never used again") {
  Team team;
  const std::uint64_t first = team.publish();
  Team::run(team.first, claim(team.first, 1).at(0));
  team.reclaim();
  CHECK(team.publish() > first);
}

TEST_CASE("queue: only its owner starts a job, and only once") {
  Team team;
  team.publish();
  const std::uint64_t position = claim(team.first, 1).at(0);
  CHECK_FALSE(team.second.try_start(position));
  CHECK(team.first.try_start(position));
  CHECK_FALSE(team.first.try_start(position));
}

TEST_CASE("queue: slots are taken back in order, as far as they are released") {
  Team team;
  team.publish_many(3);
  const Positions got = claim(team.first, 3);
  Team::run(team.first, got[1]);
  CHECK(team.reclaim().empty());
  Team::run(team.first, got[0]);
  CHECK(team.reclaim() == std::vector<std::uint64_t>{1, 2});
  CHECK(team.publisher.waiting() == 1);
}

TEST_CASE("queue: a reclaimed slot says who started its job") {
  Team team;
  team.publish();
  Team::run(team.second, claim(team.second, 1).at(0));
  std::uint64_t word = 0;
  std::uint32_t handle = 0;
  team.publisher.reclaim([&](std::uint32_t given, std::uint64_t, std::uint64_t who) {
    handle = given;
    word = who;
  });
  CHECK(handle == 40);
  CHECK(kSecond.owns(word));
  CHECK_FALSE(kFirst.owns(word));
}

TEST_CASE("queue: a full queue refuses a job until a slot is free") {
  Team team;
  team.publish_many(kSlots);
  CHECK(team.publisher.room() == 0);
  std::uint64_t ticket = 0;
  CHECK(team.publisher.try_publish({}, 1, &ticket) == PublishAnswer::kFull);
  Team::run(team.first, claim(team.first, 1).at(0));
  CHECK(team.publisher.try_publish({}, 1, &ticket) == PublishAnswer::kFull);
  team.reclaim();
  CHECK(team.publisher.try_publish({}, 1, &ticket) == PublishAnswer::kOk);
}

TEST_CASE("queue: a full arena refuses a large payload and takes it later") {
  Team team;
  const std::string half(kArena / 2, 'h');
  team.publish(half);
  team.publish(half);
  std::uint64_t ticket = 0;
  CHECK(team.publisher.try_publish({.payload = half}, 1, &ticket) == PublishAnswer::kFull);
  CHECK(team.publisher.try_publish({.payload = "small"}, 1, &ticket) == PublishAnswer::kOk);
  Team::run(team.first, claim(team.first, 1).at(0));
  team.reclaim();
  CHECK(team.publisher.try_publish({.payload = half}, 1, &ticket) == PublishAnswer::kOk);
}

TEST_CASE("queue: a payload larger than the arena is refused for good") {
  Team team;
  const std::string large(kArena + 1, 'l');
  std::uint64_t ticket = 0;
  CHECK_FALSE(team.publisher.fits_ever(large.size()));
  CHECK(team.publisher.try_publish({.payload = large}, 1, &ticket) == PublishAnswer::kTooLarge);
  CHECK(team.publisher.waiting() == 0);
}

TEST_CASE("queue: the ring goes round many times") {
  Team team;
  std::uint64_t expected = 0;
  for (int round = 0; round < 50; ++round) {
    const std::string payload(round % 2 == 0 ? 10 : 200, 'r');
    for (int i = 0; i < 3; ++i) team.publish(payload);
    const Positions got = claim(round % 3 == 0 ? team.second : team.first, 3);
    REQUIRE(got.size() == 3);
    for (const std::uint64_t position : got) {
      CHECK(position == expected++);
      Team::run(round % 3 == 0 ? team.second : team.first, position);
    }
    REQUIRE(team.reclaim().size() == 3);
  }
}

TEST_CASE("queue: jobs handed back go to another, before younger ones") {
  Team team;
  team.publish_many(4);
  const Positions got = claim(team.first, 3);
  const std::array<std::uint64_t, 2> back{got[2], got[0]};
  team.first.hand_back(back);
  CHECK(team.second.looks_ready());
  CHECK(claim(team.second, 8) == Positions{0, 2, 3});
  CHECK_FALSE(team.first.try_start(got[0]));
  CHECK(team.first.try_start(got[1]));
}

TEST_CASE("queue: a job that was started is not handed back") {
  Team team;
  team.publish();
  const Positions got = claim(team.first, 1);
  REQUIRE(team.first.try_start(got[0]));
  team.first.hand_back(got);
  CHECK(claim(team.second, 1).empty());
}

TEST_CASE("queue: a dead worker's claims are ready again, its started jobs are named") {
  Team team;
  team.publish_many(4);
  const Positions got = claim(team.first, 3);
  REQUIRE(team.first.try_start(got[1]));
  std::vector<std::uint64_t> lost;
  const auto note = [&](std::uint32_t handle, std::uint64_t ticket, std::uint64_t word) {
    CHECK(handle == 40);
    CHECK(kFirst.owns(word));
    lost.push_back(ticket);
  };
  REQUIRE(team.publisher.take_back(kFirst, kLockLimit, note) == LockAnswer::kOk);
  CHECK(lost == std::vector<std::uint64_t>{2});
  CHECK(claim(team.second, 8) == Positions{0, 2, 3});
}

TEST_CASE("queue: a later generation of the same worker keeps its claims") {
  Team team;
  team.publish_many(2);
  ClaimQueue reborn(team.first_view, {kFirst.number, kFirst.generation + 1});
  REQUIRE(claim(team.first, 1).size() == 1);
  const Positions kept = claim(reborn, 1);
  REQUIRE(team.publisher.take_back(kFirst, kLockLimit, [](auto, auto, auto) {}) == LockAnswer::kOk);
  CHECK(claim(team.second, 8) == Positions{0});
  CHECK(reborn.try_start(kept.at(0)));
}

TEST_CASE("queue: a claim that was taken back cannot be started any more") {
  Team team;
  team.publish();
  const Positions got = claim(team.first, 1);
  REQUIRE(team.publisher.take_back(kFirst, kLockLimit, [](auto, auto, auto) {}) == LockAnswer::kOk);
  CHECK_FALSE(team.first.try_start(got[0]));
}

TEST_CASE("queue: unclaimed jobs can be withdrawn, claimed ones stay") {
  Team team;
  team.publish_many(4);
  const Positions got = claim(team.first, 1);
  std::vector<std::uint64_t> withdrawn;
  REQUIRE(team.publisher.withdraw_ready(kLockLimit, [&](std::uint32_t, std::uint64_t ticket) {
    withdrawn.push_back(ticket);
  }) == LockAnswer::kOk);
  CHECK(withdrawn == std::vector<std::uint64_t>{2, 3, 4});
  CHECK(claim(team.second, 8).empty());
  Team::run(team.first, got[0]);
  team.reclaim();
  CHECK(team.publisher.waiting() == 0);
  team.publish();
  CHECK(claim(team.second, 8) == Positions{4});
}

TEST_CASE("queue: nothing is claimed while claims are stopped") {
  Team team;
  team.publish_many(2);
  team.memory.table().flags |= kFlagStopClaims;
  CHECK_FALSE(team.first.looks_ready());
  CHECK(claim(team.first, 2).empty());
  team.memory.table().flags &= ~kFlagStopClaims;
  CHECK(team.first.looks_ready());
  CHECK(claim(team.first, 2) == Positions{0, 1});
}

TEST_CASE("queue: a head that leads beyond the tail hides no job") {
  Team team;
  team.publish_many(2);
  team.memory.control().head = 1'000'000;
  CHECK(team.first.looks_ready());
  CHECK(claim(team.first, 8) == Positions{0, 1});
}

TEST_CASE("queue: a head that a dead worker damaged is put right when it is cleaned up after") {
  Team team;
  team.publish_many(3);
  team.memory.control().head = 3;
  REQUIRE(team.publisher.take_back(kFirst, kLockLimit, [](auto, auto, auto) {}) == LockAnswer::kOk);
  CHECK(claim(team.second, 8) == Positions{0, 1, 2});
}

TEST_CASE("queue: a lock that cannot be had within the limit leaves all as it is") {
  Team team;
  team.publish();
  const Positions got = claim(team.first, 1);
  std::thread([&] {
    RobustMutex stopped(team.memory.control().claim_lock);
    stopped.lock();
    std::thread([&] {
      CHECK(team.publisher.take_back(kFirst, std::chrono::milliseconds(1),
                                     [](auto, auto, auto) {}) == LockAnswer::kBusy);
      CHECK(team.publisher.withdraw_ready(std::chrono::milliseconds(1), [](auto, auto) {}) ==
            LockAnswer::kBusy);
    }).join();
    stopped.unlock();
  }).join();
  CHECK(team.first.try_start(got[0]));
}

TEST_CASE("queue: two workers and a supervisor do each job once") {
  Team team;
  constexpr std::uint64_t kJobs = 20'000;
  std::vector<std::atomic<int>> runs(kJobs + 1);
  std::atomic<std::uint64_t> finished{0};
  const auto work = [&](ClaimQueue& queue) {
    for (std::uint64_t turn = 0; finished < kJobs; ++turn) {
      const Positions got = claim(queue, 1 + turn % 3);
      if (got.empty()) std::this_thread::yield();
      for (const std::uint64_t position : got) {
        if (turn % 5 == 0) {
          queue.hand_back(std::span(&position, 1));
        } else if (queue.try_start(position)) {
          ++runs[queue.slot(position).ticket];
          queue.release(position);
          ++finished;
        }
      }
    }
  };
  std::thread first([&] { work(team.first); });
  std::thread second([&] { work(team.second); });
  for (std::uint64_t published = 0; published < kJobs;) {
    team.reclaim();
    std::uint64_t ticket = 0;
    if (team.publisher.try_publish({.payload = "x"}, 1, &ticket) == PublishAnswer::kOk) {
      ++published;
    } else {
      std::this_thread::yield();
    }
  }
  first.join();
  second.join();
  team.reclaim();
  CHECK(team.publisher.waiting() == 0);
  int wrong = 0;
  for (std::uint64_t ticket = 1; ticket <= kJobs; ++ticket) wrong += runs[ticket] != 1;
  CHECK(wrong == 0);
}
