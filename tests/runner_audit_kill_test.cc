// A worker is stopped for ever at each instruction of each operation, and the audit looks: no
// moment of a healthy team may be taken for damage. What names a suspect is left out, because it
// counts only while the suspect sleeps in the kernel.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "ipc/print_queue.h"
#include "runner/team/audit.h"
#include "support/ipc_views.h"
#include "support/stepper.h"

using namespace enjoin;
using namespace enjoin::ipc;

namespace {

constexpr WorkerId kVictim{0, 1};
constexpr WorkerId kOther{1, 2};

class AuditTrial : public test::Trial {
 public:
  using Act = std::function<void(AuditTrial&)>;

  AuditTrial(bool is_ordered, const Act& act) : ordered(is_ordered), act_(act) {
    for (std::uint64_t seq = 1; seq <= 4; ++seq) {
      NewJob job;
      job.seq = seq;
      job.order = ordered ? seq - 1 : kNoOrder;
      std::uint64_t ticket = 0;
      REQUIRE(publisher.try_publish(job, 1, &ticket) == PublishAnswer::kOk);
      tickets.push_back(ticket);
    }
  }

  void operation() override { act_(*this); }

  void verify() override {
    TeamRecord record;
    record.ordered = ordered;
    record.last_generation = 2;
    record.print_window = memory.print_window();
    record.header = memory.control().header;
    // Its number is not known yet, as the child's is not to us.
    record.workers = {{.id = kVictim, .alive = true, .pid = 0, .current = 0, .holds_baton = true},
                      {.id = kOther, .alive = true, .pid = 0}};
    record.freed = publisher.freed();
    record.tail = publisher.tail();
    record.tickets = tickets;
    for (const Finding& finding : audit(copy_control(memory, record), record)) {
      CAPTURE(finding.suspect);
      if (finding.suspect == kNoSuspect) FAIL_CHECK(to_string(finding));
    }
  }

  std::vector<std::span<const std::byte>> watched() const override {
    const auto bytes = [](const auto& first, std::size_t size) {
      return std::span(reinterpret_cast<const std::byte*>(&first), size);
    };
    return {bytes(memory.control().head, sizeof(AtomicU64)),
            bytes(memory.control().print_next,
                  sizeof(ControlHeader) - offsetof(ControlHeader, print_next)),
            bytes(memory.state(0), memory.slots() * sizeof(AtomicU64)),
            bytes(memory.entry(0), memory.print_window() * sizeof(PrintEntry))};
  }

  Output output(std::size_t job, std::int64_t length) const {
    return {.ticket = tickets[job],
            .handle = static_cast<std::uint32_t>(job),
            .order = ordered ? job : kNoOrder,
            .begin = {0, 0},
            .length = {length, 0}};
  }

  bool ordered;
  TeamMemory memory =
      TeamMemory::create({.slots = 8, .workers = 2, .print_window = 8, .arena_bytes = 4096});
  ClaimPublisher publisher{memory};
  TeamMemory victim_memory = test::worker_view(memory);
  ClaimQueue queue{victim_memory, kVictim};
  PrintQueue printer{victim_memory, kVictim};
  std::vector<std::uint64_t> tickets;

 private:
  Act act_;
};

void sweep(const char* name, bool ordered, const AuditTrial::Act& act) {
  const test::Sweep done =
      test::kill_everywhere([&] { return std::make_unique<AuditTrial>(ordered, act); });
  if (!done.allowed) {
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was killed");
    return;
  }
  MESSAGE(std::string(name) << ": " << done.kill_points << " points looked at");
  CHECK(done.kill_points >= 5);
}

void claim_and_work(AuditTrial& trial) {
  std::uint64_t positions[2];
  std::uint64_t left = 0;
  const std::size_t count = trial.queue.claim(positions, &left);
  for (std::size_t at = 0; at < count; ++at) {
    if (trial.queue.try_start(positions[at])) trial.queue.release(positions[at]);
  }
}

void claim_and_hand_back(AuditTrial& trial) {
  std::uint64_t positions[3];
  std::uint64_t left = 0;
  const std::size_t count = trial.queue.claim(positions, &left);
  trial.queue.hand_back({positions, count});
}

void print_from_capture(AuditTrial& trial) {
  if (!trial.printer.try_take_direct(trial.output(0, 5))) return;
  *trial.printer.printed(0) = 5;
  trial.printer.finish();
  while (trial.printer.begin()) trial.printer.finish();
}

void print_from_spool(AuditTrial& trial) {
  Output second = trial.output(1, 7);
  trial.printer.reserve_spool(second.length, second.begin);
  if (trial.printer.hand_in(trial.output(0, 0))) return;
  if (!trial.printer.hand_in(second)) return;
  while (trial.printer.begin()) {
    *trial.printer.printed(0) = second.begin[0] + 7;
    trial.printer.finish();
  }
}

}  // namespace

TEST_CASE("audit kill: claiming, starting, releasing is never taken for damage") {
  sweep("claim", false, claim_and_work);
}

TEST_CASE("audit kill: handing back is never taken for damage") {
  sweep("hand back", false, claim_and_hand_back);
}

TEST_CASE("audit kill: printing from the own files is never taken for damage") {
  for (const bool ordered : {false, true}) sweep("direct", ordered, print_from_capture);
}

TEST_CASE("audit kill: printing from the spools is never taken for damage") {
  for (const bool ordered : {false, true}) sweep("spooled", ordered, print_from_spool);
}
