#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "ipc/print_queue.h"
#include "support/ipc_views.h"
#include "support/stepper.h"

using namespace enjoin;
using namespace enjoin::ipc;
using enjoin::test::kLockLimit;

namespace {

constexpr Geometry kSmall{.slots = 8, .workers = 4, .print_window = 16, .arena_bytes = 4096};
constexpr std::size_t kChunk = 4;  // less than any output: several calls for each

UniqueFd scratch_file() {
  UniqueFd made(::memfd_create("enjoin-test", MFD_CLOEXEC));
  REQUIRE(made);
  return made;
}

std::string content(int fd) {
  std::string text(256, '\0');
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  REQUIRE(size >= 0);
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// What job `ticket` writes to a stream.
std::string text_of(std::uint64_t ticket, std::size_t stream) {
  const char letter = static_cast<char>('a' + ticket);
  return stream == 0 ? std::string("<") + letter + letter + letter + letter + ">\n"
                     : std::string("[") + letter + letter + letter + letter + letter + "]\n";
}

struct Files {
  std::array<UniqueFd, 2> fds{scratch_file(), scratch_file()};
  int operator[](std::size_t stream) const { return fds[stream].get(); }
};

// What worker and supervisor share besides the team's memory.
struct World {
  Files out;
  Files spool;
};

// A worker or the supervisor, as far as printing goes. Runs in the child too: no assertions.
class Station {
 public:
  Station(const TeamMemory& memory, const World& world, WorkerId self)
      : id(self), queue(memory, self), world_(&world) {}

  // Puts a job's text into the capture and says where it lies.
  Output capture_job(std::uint64_t ticket, std::uint64_t order) {
    Output output{.ticket = ticket, .handle = 0, .order = order};
    for (std::size_t stream : {0U, 1U}) {
      const std::string text = text_of(ticket, stream);
      output.length[stream] = static_cast<std::int64_t>(text.size());
      [[maybe_unused]] const ssize_t size = ::pwrite(capture[stream], text.data(), text.size(), 0);
    }
    return output;
  }

  void emit(const Output& output) {
    if (queue.try_take_direct(output)) {
      print_from(capture);
      drain();
      return;
    }
    hand_in_spooled(output, capture);
  }

  void hand_in_spooled(Output output, const Files& source) {
    const std::array<std::int64_t, 2> from{output.begin[0], output.begin[1]};
    queue.reserve_spool(output.length, output.begin);
    for (std::size_t stream : {0U, 1U}) {
      char text[64];
      const auto size = static_cast<std::size_t>(output.length[stream]);
      [[maybe_unused]] ssize_t moved = ::pread(source[stream], text, size, from[stream]);
      moved = ::pwrite(world_->spool[stream], text, size, output.begin[stream]);
    }
    hand_in(output);
  }

  void hand_in(const Output& output) {
    if (queue.hand_in(output)) drain();
  }

  void drain() {
    // An end for a test that has found a queue which never moves on.
    for (int turn = 0; turn < 4 && queue.begin(); ++turn) print_from(world_->spool);
  }

  void print_from(const Files& source) {
    for (int stream : {0, 1}) {
      while (print_some(source, stream)) {
      }
    }
    queue.finish();
  }

  bool print_some(const Files& source, int stream) {
    const auto index = static_cast<std::size_t>(stream);
    std::int64_t* printed = queue.printed(stream);
    if (*printed >= queue.limit(stream)) return false;
    const auto left = static_cast<std::size_t>(queue.limit(stream) - *printed);
    return ::sendfile(world_->out[index], source[index], printed, std::min(left, kChunk)) > 0;
  }

  WorkerId id;
  PrintQueue queue;
  Files capture;

 private:
  const World* world_;
};

enum class Orders { kByTime, kByInput };

class PrintTrial : public test::Trial {
 public:
  using Act = std::function<void(PrintTrial&)>;

  PrintTrial(const Act& prepare, const Act& act) : act_(act) { prepare(*this); }

  void operation() override { act_(*this); }
  void repair() override { recover(); }
  void meanwhile() override { interlude(*this); }

  std::vector<std::span<const std::byte>> watched() const override {
    const auto* control = reinterpret_cast<const std::byte*>(&memory.control());
    return {{control + offsetof(ControlHeader, print_next),
             sizeof(ControlHeader) - offsetof(ControlHeader, print_next)},
            {reinterpret_cast<const std::byte*>(&memory.entry(0)),
             kSmall.print_window * sizeof(PrintEntry)}};
  }

  // What the supervisor does after the victim's death. A supervisor may be killed in it as well.
  void recover() {
    bool held = false;
    if (supervisor.queue.take_over(victim.id, kLockLimit, &held) != LockAnswer::kOk) ::abort();
    const bool handed_in =
        !victims || supervisor.queue.was_handed_in(victims->ticket, victims->order);
    if (supervisor.queue.holds_baton()) {
      if (const std::optional<PrintEntry> entry = supervisor.queue.begin()) {
        const bool from_capture = entry->state == PrintState::kDirect;
        supervisor.print_from(from_capture ? victim.capture : world.spool);
        supervisor.drain();
      }
    }
    if (!handed_in) supervisor.hand_in_spooled(*victims, victim.capture);
    if (supervisor.queue.try_take_ready()) supervisor.drain();
  }

  // Recovers, lets the others do the rest: each output is printed whole, once, in its place.
  void verify() override {
    until_noticed(*this);
    recover();
    if (victims) CHECK(supervisor.queue.was_handed_in(victims->ticket, victims->order));
    rest(*this);
    recover();
    CHECK(memory.control().baton == 0);
    CHECK(survivor.queue.next() == expected_next);
    for (std::size_t stream : {0U, 1U}) {
      std::string expected;
      for (const std::uint64_t ticket : printed) expected += text_of(ticket, stream);
      std::string found = content(world.out[stream]);
      if (orders == Orders::kByTime) sort_texts(&found);
      CHECK(found == expected);
    }
    check_goes_on();
  }

  TeamMemory memory = TeamMemory::create(kSmall);
  TeamMemory victim_memory = test::worker_view(memory);
  TeamMemory survivor_memory = test::worker_view(memory);
  World world;
  Station victim{victim_memory, world, {0, 1}};
  Station survivor{survivor_memory, world, {1, 2}};
  Station supervisor{memory, world, {PrintQueue::kSupervisorNumber, 1}};

  std::optional<Output> victims;  // the job whose output the victim is to hand in
  Orders orders = Orders::kByTime;
  std::vector<std::uint64_t> printed;  // tickets, as they must have come out (sorted if kByTime)
  std::uint64_t expected_next = 0;
  Act until_noticed = [](PrintTrial&) {};  // others, before the death is noticed
  Act interlude = [](PrintTrial&) {};      // others, while the victim stands still
  Act rest = [](PrintTrial&) {};           // after the recovery

 private:
  static void sort_texts(std::string* text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t end = std::min(text->find('\n', at), text->size() - 1);
      lines.push_back(text->substr(at, end + 1 - at));
      at = end + 1;
    }
    std::sort(lines.begin(), lines.end());
    text->clear();
    for (const std::string& line : lines) *text += line;
  }

  void check_goes_on() {
    const std::string before = content(world.out[0]);
    const std::uint64_t order = orders == Orders::kByInput ? expected_next : kNoOrder;
    survivor.emit(survivor.capture_job(20, order));
    CHECK(content(world.out[0]) == before + text_of(20, 0));
    CHECK(survivor.queue.next() == expected_next + 1);
  }

  Act act_;
};

void sweep(const char* name, const PrintTrial::Act& prepare, const PrintTrial::Act& act) {
  const auto make = [&] { return std::make_unique<PrintTrial>(prepare, act); };
  const test::Sweep done = test::kill_everywhere(make, test::kPointsApart);
  if (!done.allowed) {
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was killed");
    return;
  }
  const test::Sweep twice = test::kill_twice(make);
  MESSAGE(std::string(name) << ": " << done.kill_points << " kill points in " << done.instructions
                            << " instructions, " << twice.kill_points
                            << " with a second death in the repair");
  CHECK(done.kill_points * test::kPointsApart >= 20);
}

void interrupt(const char* name, const PrintTrial::Act& prepare, const PrintTrial::Act& act) {
  const test::Sweep done =
      test::interrupt_everywhere([&] { return std::make_unique<PrintTrial>(prepare, act); });
  if (!done.allowed) {
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was interrupted");
    return;
  }
  MESSAGE(std::string(name) << ": interrupted by another worker at " << done.kill_points
                            << " instructions");
  CHECK(done.kill_points * test::kPointsApart >= 20);
}

void expect(PrintTrial& trial, Orders orders, std::vector<std::uint64_t> tickets) {
  trial.orders = orders;
  trial.expected_next = tickets.size();
  trial.printed = std::move(tickets);
}

// Another worker's output, handed in while nobody may print it yet.
void spool_as_survivor(PrintTrial& trial, std::uint64_t ticket, std::uint64_t order) {
  trial.survivor.hand_in_spooled(trial.survivor.capture_job(ticket, order), trial.survivor.capture);
}

void emit_as_victim(PrintTrial& trial) {
  trial.victim.emit(*trial.victims);
}

}  // namespace

TEST_CASE("print kill: output printed directly, without an order") {
  sweep(
      "direct, unordered",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByTime, {1, 2});
        trial.victims = trial.victim.capture_job(1, kNoOrder);
        trial.rest = [](PrintTrial& after) {
          after.survivor.emit(after.survivor.capture_job(2, kNoOrder));
        };
      },
      emit_as_victim);
}

TEST_CASE("print kill: another worker's output comes before the dead one is noticed") {
  sweep(
      "direct, then another",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByTime, {1, 2});
        trial.victims = trial.victim.capture_job(1, kNoOrder);
        trial.until_noticed = [](PrintTrial& after) {
          after.survivor.emit(after.survivor.capture_job(2, kNoOrder));
        };
      },
      emit_as_victim);
}

TEST_CASE("print kill: output printed directly, then what waited behind it") {
  sweep(
      "direct, ordered, with others waiting",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByInput, {5, 3});
        trial.victims = trial.victim.capture_job(5, 0);
        spool_as_survivor(trial, 3, 1);
      },
      emit_as_victim);
}

TEST_CASE("print kill: output handed in before its turn") {
  sweep(
      "spooled, ordered",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByInput, {2, 1});
        trial.victims = trial.victim.capture_job(1, 1);
        trial.rest = [](PrintTrial& after) {
          after.survivor.emit(after.survivor.capture_job(2, 0));
        };
      },
      emit_as_victim);
}

TEST_CASE("print kill: output handed in while another prints") {
  sweep(
      "spooled, unordered, busy baton",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByTime, {1, 2});
        trial.victims = trial.victim.capture_job(1, kNoOrder);
        REQUIRE(trial.survivor.queue.try_take_direct(trial.survivor.capture_job(2, kNoOrder)));
        REQUIRE(trial.survivor.print_some(trial.survivor.capture, 0));
        trial.rest = [](PrintTrial& after) {
          after.survivor.print_from(after.survivor.capture);
          after.survivor.drain();
        };
      },
      emit_as_victim);
}

TEST_CASE("print kill: an empty output whose turn it is, then what waited behind it") {
  sweep(
      "empty, ordered",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByInput, {3});
        trial.expected_next = 3;
        trial.victims = Output{.ticket = 1, .handle = 0, .order = 0};
        trial.survivor.hand_in({.ticket = 2, .handle = 0, .order = 1});
        spool_as_survivor(trial, 3, 2);
      },
      [](PrintTrial& trial) { trial.victim.hand_in(*trial.victims); });
}

TEST_CASE("print kill: the baton taken for lines as they come, then given back") {
  sweep(
      "try_take, hand in, release",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByInput, {3});
        trial.expected_next = 2;
        trial.victims = Output{.ticket = 1, .handle = 0, .order = 0};
        spool_as_survivor(trial, 3, 1);
      },
      [](PrintTrial& trial) {
        if (!trial.victim.queue.try_take(0)) return;
        trial.victim.hand_in(*trial.victims);
        if (trial.victim.queue.release()) trial.victim.drain();
      });
}

TEST_CASE("print kill: a worker that prints for others") {
  sweep(
      "try_take_ready, begin, print, finish",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByTime, {2, 3});
        // As if a holder had died: entries are ready and nobody has the baton.
        REQUIRE(trial.survivor.queue.try_take());
        spool_as_survivor(trial, 2, kNoOrder);
        spool_as_survivor(trial, 3, kNoOrder);
        trial.memory.control().baton = 0;
      },
      [](PrintTrial& trial) {
        if (trial.victim.queue.try_take_ready()) trial.victim.drain();
      });
}

TEST_CASE("print kill: taking over from a holder that died in the middle of printing") {
  sweep(
      "take_over, direct",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByInput, {1, 2});
        trial.victims = trial.victim.capture_job(1, 0);
        REQUIRE(trial.victim.queue.try_take_direct(*trial.victims));
        REQUIRE(trial.victim.print_some(trial.victim.capture, 0));
        spool_as_survivor(trial, 2, 1);
      },
      [](PrintTrial& trial) { trial.recover(); });
}

TEST_CASE("print kill: taking over from a holder that died while it printed for others") {
  sweep(
      "take_over, spooled",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByTime, {1, 2});
        trial.victims = trial.victim.capture_job(1, kNoOrder);
        REQUIRE(trial.victim.queue.try_take());
        spool_as_survivor(trial, 2, kNoOrder);
        REQUIRE(trial.victim.queue.begin());
        REQUIRE(trial.victim.print_some(trial.world.spool, 0));
      },
      [](PrintTrial& trial) { trial.recover(); });
}

TEST_CASE("print kill: another worker emits at each instruction of printing directly") {
  interrupt(
      "direct, unordered",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByTime, {1, 2});
        trial.victims = trial.victim.capture_job(1, kNoOrder);
        trial.interlude = [](PrintTrial& now) {
          now.survivor.emit(now.survivor.capture_job(2, kNoOrder));
        };
      },
      emit_as_victim);
}

TEST_CASE("print kill: another worker hands in at each instruction of handing in") {
  interrupt(
      "spooled, unordered, busy baton",
      [](PrintTrial& trial) {
        expect(trial, Orders::kByTime, {1, 2, 3});
        trial.victims = trial.victim.capture_job(1, kNoOrder);
        REQUIRE(trial.survivor.queue.try_take_direct(trial.survivor.capture_job(2, kNoOrder)));
        trial.interlude = [](PrintTrial& now) {
          const Output other = now.supervisor.capture_job(3, kNoOrder);
          now.supervisor.hand_in_spooled(other, now.supervisor.capture);
        };
        trial.rest = [](PrintTrial& after) {
          after.survivor.print_from(after.survivor.capture);
          after.survivor.drain();
        };
      },
      emit_as_victim);
}
