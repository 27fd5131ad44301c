#include "bench/echo_team.h"

#include <sched.h>
#include <string_view>

namespace bench {

using namespace enjoin::ipc;

namespace {

constexpr std::uint32_t kResultRecords = 1024;

}  // namespace

EchoTeam::EchoTeam(std::uint32_t workers, std::uint32_t slots, std::size_t claim_most)
    : memory_(TeamMemory::create({.slots = slots, .workers = workers, .arena_bytes = 4096})),
      bells_(memory_),
      publisher_(memory_),
      event_fd_(make_event_fd()),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      claim_most_(claim_most) {
  // Edge-triggered, so that the eventfd need not be read: one system call a wake-up.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  if (epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, event_fd_.get(), &event) != 0) die("epoll_ctl");
  for (std::uint32_t number = 0; number < workers; ++number) {
    rings_.push_back(create_results(kResultRecords, WorkerId{number, 1}));
  }
}

bool EchoTeam::try_submit(std::uint64_t id, std::uint64_t now_ns) {
  char message[kMessageBytes] = {};
  std::memcpy(message, &id, sizeof id);
  NewJob job;
  job.seq = id + 1;
  job.payload = std::string_view(message, sizeof message);
  std::uint64_t ticket = 0;
  return publisher_.try_fill(job, now_ns, &ticket) == PublishAnswer::kOk;
}

void EchoTeam::wake(std::uint32_t most) {
  publisher_.announce();
  while (most-- > 0 && bells_.ring_one_idle()) {
  }
}

void EchoTeam::wait_for_result() {
  bells_.announce_supervisor_waits();
  // All may have ended in one take(), before their slots were given back: nobody tells of those.
  bool ready = publisher_.room() == 0 && publisher_.can_reclaim();
  if (ready) publisher_.reclaim([](std::uint32_t, std::uint64_t, std::uint64_t) {});
  for (const ResultReader& reader : readers_) ready = ready || reader.has_more();
  if (!ready) {
    epoll_event event{};
    epoll_wait(epoll_fd_.get(), &event, 1, -1);
  }
  bells_.withdraw_supervisor_waits();
}

void EchoTeam::finish() {
  memory_.table().flags.fetch_or(kFlagClosed);
  for (std::uint32_t number = 0; number < pids_.size(); ++number) bells_.ring(number);
  for (const pid_t pid : pids_) {
    int status = 0;
    waitpid(pid, &status, 0);
    if (status != 0) die("a worker failed");
  }
}

void EchoTeam::sleep_until_rung(const ClaimQueue& queue, std::uint32_t number) {
  const std::uint32_t seen = bells_.bell_value(number);
  bells_.announce_idle(number);
  const bool closed = (memory_.table().flags.load() & kFlagClosed) != 0;
  if (!queue.looks_ready() && !closed) bells_.wait_for_bell(number, seen, 0);
  bells_.withdraw_idle(number);
}

void EchoTeam::answer(ClaimQueue* queue, ResultWriter* results, std::uint64_t position,
                      std::uint64_t now_ns) {
  ResultRecord* record = nullptr;
  while ((record = results->next()) == nullptr) {
    bells_.tell_supervisor(event_fd_.get());
    sched_yield();
  }
  const JobSlot& slot = queue->slot(position);
  record->ticket = slot.ticket;
  record->handle = slot.handle;
  record->attempt = slot.attempt;
  record->kind = EndKind::kExited;
  record->code = 0;
  record->queue_ns = now_ns - slot.queued_ns;
  record->payload_size = slot.payload_size;
  const std::span<const char> payload = memory_.payload(slot);
  std::memcpy(record->payload, payload.data(), payload.size());
  for (std::size_t i = sizeof slot.seq; i < payload.size(); ++i) ++record->payload[i];
  record->wall_ns = 0;
  results->publish();
  queue->release(position);
}

void EchoTeam::work(std::uint32_t number) {
  const WorkerId self{number, 1};
  ClaimQueue queue(memory_, self);
  ResultWriter results(std::move(rings_[number]), memory_.orders(number).results_taken);
  std::vector<std::uint64_t> claimed(claim_most_);
  for (;;) {
    std::uint64_t left = 0;
    const std::size_t count = queue.claim(claimed, &left);
    if (count == 0) {
      if ((memory_.table().flags.load() & kFlagClosed) != 0) return;
      sleep_until_rung(queue, number);
      continue;
    }
    // Jobs of some 10 ns are not timed one by one: the clock costs more than they do.
    const std::uint64_t now = monotonic_ns();
    for (std::size_t i = 0; i < count; ++i) {
      if (queue.try_start(claimed[i])) answer(&queue, &results, claimed[i], now);
    }
    bells_.tell_supervisor(event_fd_.get());
  }
}

}  // namespace bench
