#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "ipc/claim_queue.h"
#include "ipc/results.h"
#include "support/ipc_views.h"
#include "support/stepper.h"

using namespace enjoin;
using namespace enjoin::ipc;
using enjoin::test::kLockLimit;

namespace {

constexpr Geometry kSmall{.slots = 8, .workers = 4, .print_window = 16, .arena_bytes = 4096};
constexpr WorkerId kVictim{0, 1};
constexpr WorkerId kSurvivor{1, 2};
constexpr std::size_t kMaxTickets = 64;

// How often each job was really run, by whomever: the effect that nothing can take back.
struct Effects {
  std::array<AtomicU32, kMaxTickets> runs;
};

class SharedEffects {
 public:
  SharedEffects()
      : effects_(static_cast<Effects*>(::mmap(nullptr, sizeof(Effects), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(effects_ != MAP_FAILED);
  }
  SharedEffects(const SharedEffects&) = delete;
  SharedEffects& operator=(const SharedEffects&) = delete;
  ~SharedEffects() { ::munmap(effects_, sizeof(Effects)); }
  Effects* operator->() const { return effects_; }

 private:
  Effects* effects_;
};

// One team: a supervisor, a worker that will be killed, one that goes on.
class QueueTrial : public test::Trial {
 public:
  using Act = std::function<void(QueueTrial&)>;

  QueueTrial(const Act& prepare, const Act& act) : act_(act) { prepare(*this); }

  void operation() override { act_(*this); }

  void repair() override {
    [[maybe_unused]] const LockAnswer got = publisher.take_back(
        kVictim, kLockLimit, [](std::uint32_t, std::uint64_t, std::uint64_t) {});
  }

  void meanwhile() override { work_as_survivor(2); }

  // Claims and does some; says how many.
  std::size_t work_as_survivor(std::size_t most) {
    std::array<std::uint64_t, 3> found{};
    std::uint64_t left = 0;
    const std::size_t count = survivor.claim(std::span(found).first(most), &left);
    for (const std::uint64_t position : std::span(found).first(count)) {
      REQUIRE(survivor.try_start(position));
      const JobSlot& slot = survivor.slot(position);
      const std::span<const char> payload = survivor_memory.payload(slot);
      CHECK(std::string(payload.begin(), payload.end()) == payload_of(slot.ticket));
      ++effects->runs[slot.ticket];
      ++done[slot.ticket];
      survivor.release(position);
    }
    return count;
  }

  std::vector<std::span<const std::byte>> watched() const override {
    const auto bytes = [](const auto& first, std::size_t size) {
      return std::span(reinterpret_cast<const std::byte*>(&first), size);
    };
    return {bytes(memory.control().head, sizeof(AtomicU64)),
            bytes(memory.state(0), kSmall.slots * sizeof(AtomicU64)),
            bytes(memory.table(), sizeof(TableHeader)),
            bytes(memory.slot(0), kSmall.slots * sizeof(JobSlot)),
            bytes(*results_base, sizeof(ResultsHeader) + 8 * sizeof(ResultRecord)),
            bytes(effects->runs, sizeof(Effects))};
  }

  // Recovers as a supervisor does and lets the survivor finish: every job that was published ends
  // exactly once.
  void verify() override {
    check_lock_and_head();
    take_results();
    for (int repeat : {0, 1}) {  // the second time changes nothing
      std::map<std::uint64_t, int> started;
      REQUIRE(publisher.take_back(kVictim, kLockLimit,
                                  [&](std::uint32_t handle, std::uint64_t ticket, std::uint64_t) {
                                    CHECK(handle == ticket + 100);
                                    ++started[ticket];
                                  }) == LockAnswer::kOk);
      for (const auto& [ticket, times] : started) {
        CHECK(times == 1);
        if (repeat == 0 && done[ticket] == 0) ++lost[ticket];
      }
    }
    check_lock_and_head();
    if (withdraw) withdraw_all();
    drain();
    for (std::uint64_t ticket = 1; ticket <= last_ticket; ++ticket) {
      CAPTURE(ticket);
      CHECK(done[ticket] + lost[ticket] + withdrawn[ticket] == 1);
      CHECK(effects->runs[ticket] <= 1);
      if (done[ticket] == 1) CHECK(effects->runs[ticket] == 1);
      if (!may_lose) CHECK(lost[ticket] == 0);
    }
    check_all_slots_work();
  }

  void publish(std::size_t jobs) {
    for (std::size_t i = 0; i < jobs; ++i) {
      std::uint64_t ticket = 0;
      const std::string payload = payload_of(last_ticket + 1);
      REQUIRE(publisher.try_publish({.seq = last_ticket + 1,
                                     .payload = payload,
                                     .handle = static_cast<std::uint32_t>(last_ticket + 101)},
                                    7, &ticket) == PublishAnswer::kOk);
      last_ticket = ticket;
    }
  }

  // Odd ones lie in the arena.
  static std::string payload_of(std::uint64_t ticket) {
    return std::string(ticket % 2 == 0 ? 5 : 90, static_cast<char>('a' + ticket % 26));
  }

  void claim_as_victim(std::size_t jobs) {
    std::uint64_t left = 0;
    std::array<std::uint64_t, 8> found{};
    const std::size_t count = victim.claim(std::span(found).first(jobs), &left);
    held.insert(held.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count));
  }

  // What a worker does with a job that it has claimed. In the child: no assertions.
  void work(std::uint64_t position) {
    if (!victim.try_start(position)) return;
    const std::uint64_t ticket = victim.slot(position).ticket;
    ++effects->runs[ticket];
    ResultRecord* record = writer.next();
    record->ticket = ticket;
    record->handle = victim.slot(position).handle;
    record->kind = EndKind::kExited;
    record->code = static_cast<std::int32_t>(ticket * 3);
    std::memset(record->payload, static_cast<int>(ticket), sizeof record->payload);
    writer.publish();
    victim.release(position);
  }

  TeamMemory memory = TeamMemory::create(kSmall);
  TeamMemory victim_memory = test::worker_view(memory);
  TeamMemory survivor_memory = test::worker_view(memory);
  ClaimPublisher publisher{memory};
  ClaimQueue victim{victim_memory, kVictim};
  ClaimQueue survivor{survivor_memory, kSurvivor};
  SharedEffects effects;
  Segment ring = create_results(8, kVictim);
  ResultsHeader* results_base = ring.at<ResultsHeader>(0);
  ResultReader reader{Segment::attach(test::duplicate(ring.fd()), SegmentKind::kResults,
                                      SegmentRights::kSharedWrite),
                      memory.orders(0).results_taken};
  ResultWriter writer{std::move(ring), victim_memory.orders(0).results_taken};

  std::vector<std::uint64_t> held;  // what the victim has claimed before it is stepped
  std::uint64_t last_ticket = 0;
  bool may_lose = false;
  bool withdraw = false;
  std::map<std::uint64_t, int> done, lost, withdrawn;

 private:
  void check_lock_and_head() {
    RobustMutex lock(memory.control().claim_lock);
    const LockAnswer got = lock.acquire_for(kLockLimit);
    REQUIRE((got == LockAnswer::kOk || got == LockAnswer::kOwnerDied));
    const std::uint64_t head = memory.control().head;
    const std::uint64_t tail = memory.table().tail;
    for (std::uint64_t position = tail - publisher.waiting(); position < tail; ++position) {
      if (memory.state(position) != SlotWord::pack(SlotState::kReady, 0, 0)) continue;
      CHECK(position >= head);
    }
    lock.unlock();
  }

  void take_results() {
    for (ResultRecord record{}; reader.try_take(&record);) {
      ++done[record.ticket];
      CHECK(record.handle == record.ticket + 100);
      CHECK(record.code == static_cast<std::int32_t>(record.ticket * 3));
      CHECK(record.kind == EndKind::kExited);
      for (const unsigned char byte : record.payload) CHECK(byte == record.ticket);
    }
    CHECK_FALSE(reader.damaged());
  }

  void withdraw_all() {
    REQUIRE(publisher.withdraw_ready(kLockLimit, [&](std::uint32_t, std::uint64_t ticket) {
      ++withdrawn[ticket];
    }) == LockAnswer::kOk);
  }

  void drain() {
    while (work_as_survivor(3) > 0) {
    }
    publisher.reclaim([](std::uint32_t, std::uint64_t, std::uint64_t) {});
    CHECK(publisher.waiting() == 0);
  }

  void check_all_slots_work() {
    const std::uint64_t before = last_ticket;
    publish(kSmall.slots);
    drain();
    for (std::uint64_t ticket = before + 1; ticket <= last_ticket; ++ticket) {
      CHECK(done[ticket] == 1);
    }
  }

  Act act_;
};

void sweep(const char* name, const QueueTrial::Act& prepare, const QueueTrial::Act& act) {
  const auto make = [&] { return std::make_unique<QueueTrial>(prepare, act); };
  const test::Sweep done = test::kill_everywhere(make, test::kPointsApart);
  if (!done.allowed) {
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was killed");
    return;
  }
  const test::Sweep twice = test::kill_twice(make);
  MESSAGE(std::string(name) << ": " << done.kill_points << " kill points in " << done.instructions
                            << " instructions, " << twice.kill_points
                            << " with a second death in the repair");
  CHECK(done.kill_points >= 1);
}

void interrupt(const char* name, const QueueTrial::Act& prepare, const QueueTrial::Act& act) {
  const test::Sweep done =
      test::interrupt_everywhere([&] { return std::make_unique<QueueTrial>(prepare, act); });
  if (!done.allowed) {
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was interrupted");
    return;
  }
  MESSAGE(std::string(name) << ": interrupted by another worker at " << done.kill_points
                            << " instructions");
  CHECK(done.kill_points * test::kPointsApart >= 5);
}

void leave_claim_lock_with_the_dead(QueueTrial& trial) {
  const pid_t owner = ::fork();
  if (owner == 0) {
    RobustMutex(trial.memory.control().claim_lock).lock();
    ::_exit(0);
  }
  ::waitpid(owner, nullptr, 0);
}

}  // namespace

TEST_CASE("queue kill: a claim of one") {
  sweep(
      "claim of one", [](QueueTrial& trial) { trial.publish(5); },
      [](QueueTrial& trial) { trial.claim_as_victim(1); });
}

TEST_CASE("queue kill: a claim of a batch") {
  sweep(
      "claim of three", [](QueueTrial& trial) { trial.publish(5); },
      [](QueueTrial& trial) { trial.claim_as_victim(3); });
}

TEST_CASE("queue kill: a claim across the end of the ring, over slots that others hold") {
  sweep(
      "claim around holes",
      [](QueueTrial& trial) {
        trial.publish(6);
        trial.claim_as_victim(4);
        for (const std::uint64_t position : trial.held) trial.work(position);
        trial.publisher.reclaim([](std::uint32_t, std::uint64_t, std::uint64_t) {});
        trial.publish(4);
        std::array<std::uint64_t, 3> taken{};
        std::uint64_t left = 0;
        REQUIRE(trial.survivor.claim(taken, &left) == 3);
        const std::array<std::uint64_t, 2> outer{taken[0], taken[2]};
        trial.survivor.hand_back(outer);
        REQUIRE(trial.survivor.try_start(taken[1]));
        const std::uint64_t ticket = trial.survivor.slot(taken[1]).ticket;
        ++trial.effects->runs[ticket];
        ++trial.done[ticket];
        trial.survivor.release(taken[1]);
      },
      [](QueueTrial& trial) { trial.claim_as_victim(3); });
}

TEST_CASE("queue kill: a claim with a lock whose owner died") {
  sweep(
      "claim over a dead owner",
      [](QueueTrial& trial) {
        trial.publish(5);
        leave_claim_lock_with_the_dead(trial);
      },
      [](QueueTrial& trial) { trial.claim_as_victim(3); });
}

TEST_CASE("queue kill: the start of a job") {
  sweep(
      "try_start",
      [](QueueTrial& trial) {
        trial.may_lose = true;
        trial.publish(3);
        trial.claim_as_victim(2);
      },
      [](QueueTrial& trial) {
        [[maybe_unused]] const bool ok = trial.victim.try_start(trial.held[0]);
      });
}

TEST_CASE("queue kill: the release of a slot") {
  sweep(
      "release",
      [](QueueTrial& trial) {
        trial.may_lose = true;
        trial.publish(3);
        trial.claim_as_victim(2);
        REQUIRE(trial.victim.try_start(trial.held[0]));
      },
      [](QueueTrial& trial) { trial.victim.release(trial.held[0]); });
}

TEST_CASE("queue kill: handing claims back") {
  sweep(
      "hand_back",
      [](QueueTrial& trial) {
        trial.publish(6);
        trial.claim_as_victim(5);
        trial.work(trial.held[1]);
      },
      [](QueueTrial& trial) {
        const std::array<std::uint64_t, 3> some{trial.held[3], trial.held[0], trial.held[4]};
        trial.victim.hand_back(some);
      });
}

TEST_CASE("queue kill: a result is published whole or not at all") {
  sweep(
      "claim, start, run, publish, release",
      [](QueueTrial& trial) {
        trial.may_lose = true;
        trial.publish(5);
      },
      [](QueueTrial& trial) {
        trial.claim_as_victim(2);
        for (const std::uint64_t position : trial.held) trial.work(position);
      });
}

TEST_CASE("queue kill: taking a dead worker's claims back") {
  sweep(
      "take_back",
      [](QueueTrial& trial) {
        trial.may_lose = true;
        trial.publish(6);
        trial.claim_as_victim(4);
        trial.work(trial.held[1]);
        REQUIRE(trial.victim.try_start(trial.held[2]));
      },
      [](QueueTrial& trial) {
        [[maybe_unused]] const LockAnswer got = trial.publisher.take_back(
            kVictim, kLockLimit, [](std::uint32_t, std::uint64_t, std::uint64_t) {});
      });
}

TEST_CASE("queue kill: taking unclaimed jobs out of the queue") {
  sweep(
      "withdraw_ready",
      [](QueueTrial& trial) {
        trial.withdraw = true;
        trial.publish(6);
        trial.claim_as_victim(2);
      },
      [](QueueTrial& trial) {
        [[maybe_unused]] const LockAnswer got =
            trial.publisher.withdraw_ready(kLockLimit, [](std::uint32_t, std::uint64_t) {});
      });
}

TEST_CASE("queue kill: another worker claims at each instruction of a claim") {
  interrupt(
      "claim of three", [](QueueTrial& trial) { trial.publish(6); },
      [](QueueTrial& trial) { trial.claim_as_victim(3); });
}

TEST_CASE("queue kill: another worker claims at each instruction of handing claims back") {
  interrupt(
      "hand_back",
      [](QueueTrial& trial) {
        trial.publish(6);
        trial.claim_as_victim(4);
      },
      [](QueueTrial& trial) { trial.victim.hand_back(trial.held); });
}

namespace {

// A supervisor killed while it publishes: what workers can claim is filled to the last byte.
class PublishTrial : public QueueTrial {
 public:
  PublishTrial()
      : QueueTrial([](QueueTrial& trial) { trial.publish(2); },
                   [](QueueTrial& trial) {
                     for (std::uint64_t ticket : {3U, 4U, 5U}) {
                       std::uint64_t given = 0;
                       const std::string payload = payload_of(ticket);
                       [[maybe_unused]] const PublishAnswer got = trial.publisher.try_publish(
                           {.seq = ticket, .payload = payload}, 7, &given);
                     }
                   }) {}

  void verify() override {
    std::array<std::uint64_t, 8> found{};
    std::uint64_t left = 0;
    const std::size_t count = survivor.claim(found, &left);
    CHECK(count >= 2);
    CHECK(count <= 5);
    for (std::size_t i = 0; i < count; ++i) {
      const JobSlot& slot = survivor.slot(found[i]);
      CHECK(slot.ticket == i + 1);
      CHECK(slot.seq == i + 1);
      const std::span<const char> payload = survivor_memory.payload(slot);
      CHECK(std::string(payload.begin(), payload.end()) == payload_of(i + 1));
    }
  }
};

}  // namespace

TEST_CASE("queue kill: a supervisor that dies while it publishes leaves whole jobs only") {
  const test::Sweep done = test::kill_everywhere([] { return std::make_unique<PublishTrial>(); });
  if (!done.allowed) {
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was killed");
    return;
  }
  MESSAGE("try_publish: " << done.kill_points << " kill points");
  CHECK(done.kill_points * test::kPointsApart >= 20);
}
