#include "tests/support/thread_workers.h"

#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/mman.h>

#include "ipc/bells.h"
#include "worker/function/function_protocol.h"

namespace enjoin::test {
namespace {

constexpr std::uint32_t kRecords = 1024;

struct Death {
  int signal;
};

std::string read_span(int fd, LogSpan span) {
  std::string bytes(span.size, '\0');
  (void)!::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(span.offset));
  return bytes;
}

CallEnd run_call(const ipc::JobSlot& slot, std::string_view arguments, ArchiveWriter* result) {
  const std::uint64_t id = slot.values | (std::uint64_t{slot.columns} << 32);
  const detail::Function* const function = detail::Function::find(id);
  if (function == nullptr) return CallEnd::kUnknown;
  bool called = false;
  bool returned = false;
  try {
    function->run()(arguments, *result, &called, &returned);
    return CallEnd::kReturned;
  } catch (const Death&) {
    throw;
  } catch (...) {
    const std::string thrown = write_thrown(current_thrown());
    result->clear();
    result->bytes(thrown.data(), thrown.size());
    return returned ? CallEnd::kBadResult : called ? CallEnd::kThrew : CallEnd::kBadArguments;
  }
}

}  // namespace

void ThreadWorkers::die(int signal) {
  throw Death{signal};
}

ThreadWorkers::ThreadWorkers(const PoolOptions& options, PoolMemory& memory, WorkerEvents& events)
    : size_(options.size),
      memory_(memory),
      events_(events),
      news_(ipc::make_event_fd()),
      workers_(options.size) {}

ThreadWorkers::~ThreadWorkers() {
  end_all();
}

std::uint32_t ThreadWorkers::alive() const {
  std::uint32_t count = 0;
  for (const auto& worker : workers_) count += worker != nullptr ? 1U : 0U;
  return count;
}

bool ThreadWorkers::try_start() {
  for (std::uint32_t number = 0; number < size_; ++number) {
    if (workers_[number] != nullptr) continue;
    auto worker = std::make_unique<Worker>();
    worker->id = {number, ++generation_};
    ipc::Segment ring = ipc::create_results(kRecords, worker->id);
    ipc::Segment theirs =
        ipc::Segment::attach(ipc::UniqueFd(::fcntl(ring.fd(), F_DUPFD_CLOEXEC, 0)),
                             ipc::SegmentKind::kResults, ipc::SegmentRights::kSharedWrite);
    ipc::UniqueFd log(::memfd_create("test-results", MFD_CLOEXEC));
    ipc::UniqueFd log_theirs(::fcntl(log.get(), F_DUPFD_CLOEXEC, 0));
    events_.worker_started(worker->id, std::move(ring), std::move(log));
    Worker* const raw = worker.get();
    workers_[number] = std::move(worker);
    raw->thread =
        std::thread([this, raw, r = std::move(theirs), l = std::move(log_theirs)]() mutable {
          work(raw, std::move(r), std::move(l));
        });
    return true;
  }
  return false;
}

void ThreadWorkers::take_news() {
  std::uint64_t count = 0;
  (void)!::read(news_.get(), &count, sizeof count);
  for (auto& place : workers_) {
    if (place == nullptr || !place->gone.load()) continue;
    place->thread.join();
    const std::unique_ptr<Worker> worker = std::move(place);
    PoolWorkerEnd end;
    end.id = worker->id;
    end.canceled = worker->killed.load();
    end.signal = end.canceled ? 9 : worker->signal.load();
    end.status = worker->status.load();
    end.last_lines = end.signal != 0 ? "the last line" : "";
    events_.worker_ended(end);
  }
}

// A thread cannot be ended from outside: its record is held back, as if it had been.
bool ThreadWorkers::kill_worker(ipc::WorkerId id, std::uint64_t) {
  if (workers_[id.number] == nullptr || workers_[id.number]->id != id) return false;
  workers_[id.number]->killed.store(true);
  return true;
}

bool ThreadWorkers::all_left() const {
  return alive() == 0;
}

void ThreadWorkers::end_all() {
  end_.store(true);
  for (std::uint32_t number = 0; number < size_; ++number) ipc::Bells(memory_.team).ring(number);
  for (auto& worker : workers_) {
    if (worker != nullptr) worker->thread.join();
    worker.reset();
  }
}

void ThreadWorkers::rest(const Worker& worker, const ipc::ClaimQueue* queue) {
  ipc::Bells bells(memory_.team);
  const std::uint32_t seen = bells.bell_value(worker.id.number);
  bells.announce_idle(worker.id.number);
  const bool closed = (memory_.team.table().flags.load() & ipc::kFlagClosed) != 0;
  if (!closed && !end_.load() && (queue == nullptr || !queue->looks_ready())) {
    bells.wait_for_bell(worker.id.number, seen, queue == nullptr ? 5 : 0);
  }
  bells.withdraw_idle(worker.id.number);
}

bool ThreadWorkers::run_one(Worker* worker, ipc::ClaimQueue* queue, ipc::ResultWriter* results,
                            int log, std::uint64_t* log_end, std::uint64_t position) {
  if (!queue->try_start(position)) return true;
  const ipc::JobSlot slot = queue->slot(position);
  const std::span<const char> payload = memory_.team.payload(queue->slot(position));
  std::string arguments(payload.data(), payload.size());
  queue->release(position);
  if ((slot.flags & kCallInLog) != 0) {
    LogSpan span;
    std::memcpy(&span, arguments.data(), sizeof span);
    arguments = read_span(memory_.argument_log.get(), span);
  }
  ArchiveWriter result;
  CallEnd end{};
  try {
    end = run_call(slot, arguments, &result);
  } catch (const Death& death) {
    worker->signal.store(death.signal);
    worker->status.store(death.signal == 0 ? 3 : 0);
    return false;
  }
  if (worker->killed.load()) return false;
  ipc::ResultRecord* record = nullptr;
  while ((record = results->next()) == nullptr) {
    if (end_.load()) return false;
    ipc::Bells(memory_.team).tell_supervisor(memory_.event_fd.get());
    rest(*worker, nullptr);
  }
  record->ticket = slot.ticket;
  record->handle = slot.handle;
  record->attempt = slot.attempt;
  record->kind = ipc::EndKind::kExited;
  record->code = static_cast<std::int32_t>(end);
  record->flags = 0;
  record->payload_size = static_cast<std::uint32_t>(result.size_bytes());
  std::memcpy(record->payload, result.data(),
              std::min<std::size_t>(result.size_bytes(), sizeof record->payload));
  if (result.size_bytes() > sizeof record->payload) {
    const LogSpan span{*log_end, result.size_bytes()};
    (void)!::pwrite(log, result.data(), span.size, static_cast<off_t>(span.offset));
    *log_end = next_in_log(span.offset + span.size);
    std::memcpy(record->payload, &span, sizeof span);
    record->payload_size = sizeof span;
    record->flags = kResultInLog;
  }
  results->publish();
  return true;
}

void ThreadWorkers::work(Worker* worker, ipc::Segment ring, ipc::UniqueFd log) {
  ipc::ClaimQueue queue(memory_.team, worker->id);
  ipc::ResultWriter results(std::move(ring), memory_.team.orders(worker->id.number).results_taken);
  ipc::Bells bells(memory_.team);
  std::uint64_t log_end = 0;
  std::uint64_t claimed[64];
  bool alive = true;
  while (alive && !end_.load()) {
    std::uint64_t left = 0;
    const std::size_t count = queue.claim(claimed, &left);
    if (count == 0) {
      if ((memory_.team.table().flags.load() & ipc::kFlagClosed) != 0) break;
      rest(*worker, &queue);
      continue;
    }
    for (std::size_t i = 0; i < count && alive; ++i) {
      alive = run_one(worker, &queue, &results, log.get(), &log_end, claimed[i]);
    }
    bells.tell_supervisor(memory_.event_fd.get());
  }
  worker->gone.store(true);
  const std::uint64_t one = 1;
  (void)!::write(news_.get(), &one, sizeof one);
}

}  // namespace enjoin::test
