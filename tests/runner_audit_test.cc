#include <cstring>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "ipc/print_queue.h"
#include "ipc/seal.h"
#include "runner/team/audit.h"

using namespace enjoin;
using namespace enjoin::ipc;

namespace {

constexpr WorkerId kFirst{0, 1};
constexpr WorkerId kSecond{1, 2};

// Two workers and some jobs in all states, with the record that a supervisor would have of it.
struct World {
  explicit World(bool ordered = false)
      : memory(TeamMemory::create(
            {.slots = 16, .workers = 2, .print_window = 16, .arena_bytes = 4096})),
        publisher(memory),
        first(memory, kFirst),
        second(memory, kSecond),
        printer(memory, kFirst),
        other_printer(memory, kSecond) {
    record.ordered = ordered;
    record.last_generation = 2;
    record.print_window = memory.print_window();
    record.workers = {{.id = kFirst, .alive = true, .pid = static_cast<std::uint32_t>(::getpid())},
                      {.id = kSecond, .alive = true, .pid = 99'999'999}};
    record.header = memory.control().header;
  }

  std::uint64_t publish(std::uint64_t seq) {
    std::uint64_t ticket = 0;
    NewJob job;
    job.seq = seq;
    job.order = seq - 1;
    REQUIRE(publisher.try_publish(job, 1, &ticket) == PublishAnswer::kOk);
    record.tail = publisher.tail();
    record.tickets.push_back(ticket);
    record.jobs.push_back({.ticket = ticket, .order = record.ordered ? seq - 1 : kNoOrder});
    return ticket;
  }

  std::uint64_t claim(ClaimQueue& queue) {
    std::uint64_t position = 0;
    std::uint64_t left = 0;
    REQUIRE(queue.claim({&position, 1}, &left) == 1);
    return position;
  }

  Output output(std::size_t job, std::int64_t length) const {
    return {.ticket = record.jobs[job].ticket,
            .handle = static_cast<std::uint32_t>(job),
            .order = record.ordered ? record.jobs[job].order : kNoOrder,
            .begin = {0, 0},
            .length = {length, 0}};
  }

  std::vector<Finding> look() const { return audit(copy_control(memory, record), record); }

  TeamMemory memory;
  ClaimPublisher publisher;
  ClaimQueue first;
  ClaimQueue second;
  PrintQueue printer;
  PrintQueue other_printer;
  TeamRecord record;
};

// Four jobs: ended and handed in, started, claimed, ready.
struct BusyWorld : World {
  explicit BusyWorld(bool ordered = false) : World(ordered) {
    for (std::uint64_t seq = 1; seq <= 4; ++seq) publish(seq);
    const std::uint64_t done = claim(first);
    REQUIRE(first.try_start(done));
    first.release(done);
    record.jobs[0].ended = true;
    record.jobs[0].worker = kFirst;
    REQUIRE(printer.try_take());  // so that what is handed in waits
    REQUIRE_FALSE(other_printer.hand_in(output(0, 10)));
    record.workers[0].holds_baton = true;
    const std::uint64_t begun = claim(first);
    REQUIRE(first.try_start(begun));
    record.workers[0].current = record.jobs[1].ticket;
    claim(second);
  }
};

bool has(const std::vector<Finding>& findings, Damage what) {
  for (const Finding& finding : findings) {
    if (finding.what == what) return true;
  }
  return false;
}

void check_healthy(const World& world) {
  for (const Finding& finding : world.look()) FAIL_CHECK(to_string(finding));
}

// The damage is found, in every look, as the same.
void check_found(World& world, Damage what) {
  const std::vector<Finding> found = world.look();
  CHECK(has(found, what));
  CHECK(world.look() == found);
}

}  // namespace

TEST_CASE("audit: an empty team is healthy, and one with jobs in all states is") {
  check_healthy(World());
  check_healthy(World(true));
  check_healthy(BusyWorld());
  check_healthy(BusyWorld(true));
}

TEST_CASE("audit: printing, and what was printed and not yet seen, is healthy") {
  for (const bool ordered : {false, true}) {
    BusyWorld world(ordered);
    CAPTURE(ordered);
    REQUIRE(world.printer.release());
    REQUIRE(world.printer.begin().has_value());
    check_healthy(world);
    *world.printer.printed(0) = 4;
    check_healthy(world);
    *world.printer.printed(0) = 10;
    REQUIRE(world.printer.finish());
    check_healthy(world);
    REQUIRE_FALSE(world.printer.begin().has_value());
    world.record.workers[0].holds_baton = false;
    check_healthy(world);
  }
}

TEST_CASE("audit: withdrawn and reclaimed slots are healthy") {
  BusyWorld world;
  REQUIRE(world.publisher.withdraw_ready(std::chrono::seconds(1), [](auto, auto) {}) ==
          LockAnswer::kOk);
  world.record.jobs.pop_back();
  check_healthy(world);
  world.publisher.reclaim([](auto, auto, auto) {});
  world.record.freed = world.publisher.freed();
  world.record.tickets.erase(world.record.tickets.begin());
  CHECK(world.record.freed == 1);
  check_healthy(world);
}

TEST_CASE("audit: each slot word that cannot be is found") {
  const std::uint64_t words[] = {
      0,
      0xffff'ffff'ffff'ffff,
      SlotWord::pack(SlotState::kReady, 1, 0),
      SlotWord::pack(SlotState::kReady, 0, 2),
      SlotWord::pack(SlotState::kClaimed, 0, 0),
      SlotWord::pack(SlotState::kClaimed, 0, 3),
      SlotWord::pack(SlotState::kClaimed, 2, 1),
      SlotWord::pack(SlotState::kStarted, 1, 1),
      SlotWord::pack(SlotState::kReleased, 0, 3),
      SlotWord::pack(SlotState::kReleased, 9, 1),
      SlotWord::pack(static_cast<SlotState>(77), 0, 1),
  };
  for (const std::uint64_t word : words) {
    for (std::uint64_t position = 0; position < 4; ++position) {
      BusyWorld world;
      CAPTURE(word);
      CAPTURE(position);
      world.memory.state(position).store(word);
      check_found(world, Damage::kSlot);
    }
  }
}

TEST_CASE("audit: a slot that holds no job must be empty") {
  BusyWorld world;
  world.memory.state(7).store(SlotWord::pack(SlotState::kReady, 0, 0));
  check_found(world, Damage::kSlot);
}

TEST_CASE("audit: a job that says to be started by a worker that is busy with another is doubted") {
  BusyWorld world;
  world.memory.state(3).store(kFirst.word(SlotState::kStarted));
  const std::vector<Finding> found = world.look();
  REQUIRE(has(found, Damage::kSlot));
  for (const Finding& finding : found) CHECK(finding.suspect == kFirst.number);
}

TEST_CASE("audit: a head beyond the tail, or above a ready job, is found") {
  BusyWorld beyond;
  beyond.memory.control().head.store(5);
  check_found(beyond, Damage::kHead);
  BusyWorld above;
  above.memory.control().head.store(4);
  check_found(above, Damage::kHead);
  BusyWorld below;  // a hint that may lag
  below.memory.control().head.store(0);
  check_healthy(below);
}

TEST_CASE("audit: locks held by nobody that there is are found") {
  BusyWorld world;
  world.record.workers[1].pid = 0;
  world.memory.control().claim_lock.word.store(4242);
  check_healthy(world);  // it may be the one whose number is not known yet
  world.record.workers[1].pid = 4242;
  check_healthy(world);
  world.record.workers[1].pid = 4243;
  check_found(world, Damage::kClaimLock);
  world.memory.control().claim_lock.word.store(0);
  world.memory.control().print_lock.word.store(0x80000001);
  check_found(world, Damage::kPrintLock);
}

TEST_CASE("audit: each printing word that cannot be is found") {
  struct Case {
    Damage what;
    std::function<void(ControlHeader&)> damage;
  };
  const std::vector<Case> cases = {
      {Damage::kPrintNext, [](ControlHeader& c) { c.print_next.store(17); }},
      {Damage::kPrintNext, [](ControlHeader& c) { c.print_next.store(~0ULL); }},
      {Damage::kEntry, [](ControlHeader& c) { c.print_next.store(1); }},
      {Damage::kEntry, [](ControlHeader& c) { c.print_next.store(9); }},
      {Damage::kPrintEnd, [](ControlHeader& c) { c.print_end.store(17); }},
      {Damage::kEntry, [](ControlHeader& c) { c.print_end.store(5); }},
      {Damage::kBaton, [](ControlHeader& c) { c.baton.store(1); }},
      {Damage::kBaton, [](ControlHeader& c) { c.baton.store(kSecond.word(SlotState::kStarted)); }},
      {Damage::kBaton,
       [](ControlHeader& c) {
         c.baton.store(WorkerId{0, 7}.word(SlotState::kClaimed));
       }},
      {Damage::kPrinting, [](ControlHeader& c) { c.printing = 99; }},
      {Damage::kSpoolEnd, [](ControlHeader& c) { c.spool_end[0].store(0); }},
      {Damage::kSpoolEnd, [](ControlHeader& c) { c.spool_end[1].store(seal(100) + 1); }},
      {Damage::kSpoolEnd, [](ControlHeader& c) { c.spool_end[1].store(seal(5)); }},
      {Damage::kOutputError, [](ControlHeader& c) { c.output_error.store(5); }},
      {Damage::kHeader, [](ControlHeader& c) { c.header.magic ^= 1; }},
      {Damage::kHeader, [](ControlHeader& c) { c.header.count[3] = 0; }},
  };
  for (std::size_t at = 0; at < cases.size(); ++at) {
    BusyWorld world;
    world.record.least_spool_end[1] = 6;
    world.memory.control().spool_end[1].store(seal(6));
    check_healthy(world);
    CAPTURE(at);
    cases[at].damage(world.memory.control());
    check_found(world, cases[at].what);
  }
}

TEST_CASE("audit: a baton that its holder knows nothing of is doubted") {
  BusyWorld world;
  world.record.workers[0].holds_baton = false;
  const std::vector<Finding> found = world.look();
  REQUIRE(found.size() == 1);
  CHECK(found[0].what == Damage::kBaton);
  CHECK(found[0].suspect == kFirst.number);
}

TEST_CASE("audit: places outside of what is printed are found") {
  BusyWorld world;
  REQUIRE(world.printer.release());
  REQUIRE(world.printer.begin().has_value());
  ControlHeader& control = world.memory.control();
  for (const std::int64_t wrong : {-1, 11, 1 << 20}) {
    control.printed[0] = wrong;
    check_found(world, Damage::kPrinted);
  }
  control.printed[0] = 10;
  control.print_limit[0] = 11;
  check_found(world, Damage::kPrinted);
}

TEST_CASE("audit: an entry with any changed byte is found, whether it waits or was printed") {
  for (const bool ordered : {false, true}) {
    for (const bool printed : {false, true}) {
      BusyWorld fresh(ordered);
      for (std::size_t at = 0; at < sizeof(PrintEntry); ++at) {
        BusyWorld world(ordered);
        if (printed) {
          REQUIRE(world.printer.release());
          REQUIRE(world.printer.begin().has_value());
          REQUIRE(world.printer.finish());
        }
        auto* const bytes = reinterpret_cast<unsigned char*>(&world.memory.entry(0));
        bytes[at] ^= 0x10;
        CAPTURE(at);
        CAPTURE(ordered);
        CAPTURE(printed);
        const bool mark = at >= offsetof(PrintEntry, printed) &&
                          at < offsetof(PrintEntry, printed) + sizeof(std::uint32_t);
        if (mark && !printed) continue;  // a mark that is wrong does not count
        const std::vector<Finding> found = world.look();
        CHECK(has(found, Damage::kEntry));
      }
    }
  }
}

TEST_CASE("audit: a job that nobody has is found") {
  BusyWorld world;
  // The second was released and reclaimed, its worker is on to nothing, and there is no record.
  world.memory.state(1).store(kFirst.word(SlotState::kReleased));
  world.publisher.reclaim([](auto, auto, auto) {});
  world.record.freed = world.publisher.freed();
  world.record.tickets.erase(world.record.tickets.begin(), world.record.tickets.begin() + 2);
  check_healthy(world);  // its worker still has it
  world.record.workers[0].current = 0;
  check_found(world, Damage::kLostJob);
  // Where it is known who began it, that one may be about to record it.
  world.record.jobs[1].worker = kFirst;
  const std::vector<Finding> found = world.look();
  REQUIRE(found.size() == 1);
  CHECK(found[0].suspect == kFirst.number);
}

TEST_CASE("audit: any 64 random bytes over the words of the control header are found") {
  std::uint64_t state = 1;
  std::size_t missed = 0;
  for (int round = 0; round < 500; ++round) {
    BusyWorld world;
    auto* const bytes = reinterpret_cast<unsigned char*>(&world.memory.control());
    const std::size_t line = static_cast<std::size_t>(round) % (sizeof(ControlHeader) / 64);
    for (std::size_t at = 0; at < 64; ++at) {
      state = mix(state, at + 1);
      bytes[line * 64 + at] = static_cast<unsigned char>(state >> 32);
    }
    const auto in_line = [&](std::size_t offset) { return offset / 64 == line; };
    // Bells and idle marks are hints: damage there costs a wake-up.
    const bool hint = (line * 64 >= offsetof(ControlHeader, idle) &&
                       line * 64 < offsetof(ControlHeader, idle) + sizeof(ControlHeader::idle));
    if (hint || in_line(offsetof(ControlHeader, idle))) continue;
    CAPTURE(line);
    if (world.look().empty()) ++missed;
  }
  CHECK(missed == 0);
}

TEST_CASE("print position: as the entries say, whatever the words say") {
  for (const bool ordered : {false, true}) {
    World world(ordered);
    for (std::uint64_t seq = 1; seq <= 4; ++seq) world.publish(seq);
    REQUIRE(world.printer.try_take());
    for (std::size_t job = 0; job < 4; ++job) {
      REQUIRE_FALSE(world.other_printer.hand_in(world.output(job, job == 2 ? 0 : 10)));
    }
    CHECK(find_position(world.memory, 0).next == 0);
    REQUIRE(world.printer.release());
    REQUIRE(world.printer.begin().has_value());
    *world.printer.printed(0) = 7;
    PrintPosition position = find_position(world.memory, 0);
    CHECK(position.next == 0);
    CHECK(position.begun);
    CHECK(position.begin[0] == 7);
    for (int i = 0; i < 2; ++i) {
      REQUIRE(world.printer.finish());
      REQUIRE(world.printer.begin().has_value());
    }
    for (const std::uint64_t wrong : {0ULL, 2ULL, 15ULL, ~0ULL}) {
      world.memory.control().print_next.store(wrong);
      world.memory.control().printing = wrong;
      CHECK(find_position(world.memory, 0).next == 3);  // the third is empty
    }
    // One that was printed is damaged: what was printed after it says where printing stands.
    world.memory.entry(0).sum ^= 1;
    position = find_position(world.memory, 0);
    CHECK(position.next == 3);
    CHECK_FALSE(position.begun);
  }
}
