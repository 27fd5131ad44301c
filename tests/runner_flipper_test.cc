// Shared memory that changes while it is read. A thread stores what it likes, where it likes, as
// fast as it can, in all that a worker can write; meanwhile the supervisor's and a worker's ends
// use it. Whoever reads a field twice, and checks the one and uses the other, leaves the memory
// sooner or later: the sanitizers see it, or the process dies. The locks' words are left alone here
// (see ipc_robust_mutex_test.cc): waiting for them would be all that happens.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "ipc/bells.h"
#include "ipc/print_queue.h"
#include "ipc/results.h"
#include "runner/team/audit.h"
#include "support/ipc_views.h"
#include "worker/printer.h"

using namespace enjoin;
using namespace enjoin::ipc;

namespace {

constexpr WorkerId kWorker{1, 2};
constexpr WorkerId kSupervisor{PrintQueue::kSupervisorNumber, 1};
constexpr int kRounds = 20'000;

/// Scribbles on some bytes as long as it lives.
class Flipper {
 public:
  Flipper(std::byte* base, std::size_t from, std::size_t size, std::vector<std::size_t> spared)
      : thread_([this, base, from, size, spared = std::move(spared)] {
          std::mt19937_64 random(size);
          while (!stop_.load(std::memory_order_relaxed)) {
            const std::uint64_t dice = random();
            const std::size_t at = from + dice % (size - from) / 4 * 4;
            bool is_spared = false;
            for (const std::size_t word : spared) is_spared = is_spared || at == word;
            if (is_spared || at + 4 > size) continue;
            auto* const word = reinterpret_cast<std::atomic<std::uint32_t>*>(base + at);
            const std::uint32_t values[] = {0,
                                            1,
                                            ~0U,
                                            0x80000000,
                                            static_cast<std::uint32_t>(dice),
                                            static_cast<std::uint32_t>(dice) & 0xff};
            word->store(values[dice >> 56 & 3U], std::memory_order_relaxed);
            if ((dice >> 60) == 0) word->store(values[4 + (dice >> 59 & 1)]);
          }
        }) {}
  Flipper(const Flipper&) = delete;
  Flipper& operator=(const Flipper&) = delete;
  ~Flipper() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct Team {
  TeamMemory memory =
      TeamMemory::create({.slots = 8, .workers = 2, .print_window = 8, .arena_bytes = 256});
  TeamMemory view = test::worker_view(memory);
  Flipper flipper{reinterpret_cast<std::byte*>(&memory.control()),
                  sizeof(SegmentHeader),
                  memory.control().header.size_bytes,
                  {offsetof(ControlHeader, claim_lock), offsetof(ControlHeader, print_lock)}};
};

}  // namespace

TEST_CASE("flipper: the supervisor's queue under a scribbling worker") {
  Team team;
  ClaimPublisher publisher(team.memory);
  std::uint64_t published = 0;
  std::uint64_t released = 0;
  bool known = true;
  const auto is_known = [&](std::uint64_t ticket) {
    known = known && ticket > released && ticket <= published;
  };
  for (int round = 0; round < kRounds; ++round) {
    if (publisher.try_publish({.payload = "0123456789"}, 0, &published) != PublishAnswer::kOk &&
        round % 8 == 0) {
      team.memory.state(publisher.freed()).store(kWorker.word(SlotState::kReleased));
    }
    // Each once, and in their order.
    publisher.reclaim([&](std::uint32_t, std::uint64_t ticket, std::uint64_t) {
      known = known && ticket == ++released;
    });
    static_cast<void>(publisher.take_back(
        kWorker, std::chrono::nanoseconds(0),
        [&](std::uint32_t, std::uint64_t ticket, std::uint64_t) { is_known(ticket); }));
    static_cast<void>(
        publisher.withdraw_ready(std::chrono::nanoseconds(0),
                                 [&](std::uint32_t, std::uint64_t ticket) { is_known(ticket); }));
  }
  CHECK(known);
  CHECK(released > 0);
}

TEST_CASE("flipper: a worker's queue under another that scribbles") {
  Team team;
  ClaimPublisher publisher(team.memory);
  std::uint64_t ticket = 0;
  for (int i = 0; i < 8; ++i) {
    REQUIRE(publisher.try_publish({.payload = "x"}, 0, &ticket) == PublishAnswer::kOk);
  }
  std::uint64_t positions[8];
  std::uint64_t left = 0;
  bool good = true;
  for (int round = 0; round < kRounds; ++round) {
    ClaimQueue queue(team.view, kWorker);
    const std::size_t count = queue.claim(positions, &left);
    good = good && count <= 8;
    for (std::size_t i = 0; i < count; ++i) {
      good = good && positions[i] < 8;
      const JobSlot slot = queue.slot(positions[i]);
      good = good && team.view.payload(slot).size() == 1;
      if (i % 2 == 0 && queue.try_start(positions[i])) queue.release(positions[i]);
    }
    queue.hand_back({positions, count});
    team.memory.state(static_cast<std::uint64_t>(round) % 8).store(1);
  }
  CHECK(good);
}

TEST_CASE("flipper: printing, the worker's and the supervisor's") {
  Team team;
  const auto file = [] { return UniqueFd(::memfd_create("test", MFD_CLOEXEC)); };
  const UniqueFd spools[2] = {file(), file()};
  const UniqueFd captures[2] = {file(), file()};
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  for (const UniqueFd* pair : {spools, captures}) {
    for (int stream : {0, 1}) REQUIRE(::write(pair[stream].get(), "0123456789", 10) == 10);
  }
  const int to[2] = {null.get(), null.get()};
  const int from[2] = {spools[0].get(), spools[1].get()};
  const int dead[2] = {captures[0].get(), captures[1].get()};
  for (int round = 0; round < kRounds; ++round) {
    const WorkerId who = round % 2 == 0 ? kSupervisor : kWorker;
    Printer printer(team.memory, who, to, from, Patience::kNever, [] { return true; });
    const Output output{.ticket = 1,
                        .order = round % 3 == 0 ? kNoOrder : printer.queue().next(),
                        .begin = {0, 0},
                        .length = {round % 10, 3}};
    if (round % 5 == 0) {
      bool held = false;
      static_cast<void>(printer.queue().take_over(kWorker, std::chrono::nanoseconds(0), &held));
      if (held) printer.finish_for_dead(dead);
    } else if (round % 5 == 1) {
      const CaptureFiles files(test::duplicate(dead[0]), test::duplicate(dead[1]));
      printer.emit(output, files);
    } else {
      printer.emit_spooled(output);
    }
    static_cast<void>(printer.queue().was_handed_in(1, output.order));
    printer.drain_if_ready();
    printer.go_on();
  }
  CHECK(true);  // it came to its end
}

TEST_CASE("flipper: bells, and looking for damage") {
  Team team;
  Bells bells(team.memory);
  TeamRecord record;
  record.header = team.memory.control().header;
  record.print_window = team.memory.print_window();
  record.workers.resize(2);
  record.workers[1] = {.id = kWorker, .alive = true};
  record.jobs.push_back({.ticket = 1, .order = 3});
  record.tail = 1;
  record.tickets = {1};
  std::size_t found = 0;
  for (int round = 0; round < kRounds; ++round) {
    static_cast<void>(bells.ring_one_idle());
    static_cast<void>(bells.any_idle());
    record.ordered = round % 2 == 0;
    for (const Finding& finding : audit(copy_control(team.memory, record), record)) {
      if (!to_string(finding).empty()) ++found;
    }
    static_cast<void>(find_position(team.memory, static_cast<std::uint64_t>(round)));
  }
  CHECK(found > 0);
}

TEST_CASE("flipper: a worker's results while the supervisor takes them") {
  const Segment ring = create_results(4, kWorker);
  AtomicU64 taken{0};
  bool good = true;
  const Flipper flipper(ring.base(), sizeof(SegmentHeader), ring.size_bytes(), {});
  for (int round = 0; round < kRounds; ++round) {
    ResultReader reader(Segment::attach(test::duplicate(ring.fd()), SegmentKind::kResults,
                                        SegmentRights::kSharedWrite),
                        taken);
    ResultRecord record;
    int count = 0;
    while (count < 100 && reader.try_take(&record)) {
      ++count;
      if (count % 4 == 0) reader.give_room();
    }
    static_cast<void>(reader.has_more());
    static_cast<void>(reader.left());
    static_cast<void>(reader.printing());
    good = good && count <= 100;
  }
  CHECK(good);
}
