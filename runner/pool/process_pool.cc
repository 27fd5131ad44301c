#include "runner/pool/process_pool.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/mman.h>

#include "runner/pool/call_label.h"
#include "runner/pool/pool_size.h"
#include "worker/cpu_quota.h"

namespace enjoin {

using detail::Fate;
using ipc::PublishAnswer;

namespace {

constexpr std::uint32_t kSlots = 16384;
constexpr std::uint32_t kArenaBytes = 16U << 20;
constexpr std::uint64_t kCrowdedBytes = 64U << 20;
constexpr std::uint32_t kTakeMost = 256;  // records, before their worker is told of the room

PoolMemory make_memory(std::uint32_t workers) {
  const ipc::Geometry geometry{.slots = kSlots,
                               .workers = workers,
                               .print_window = std::bit_ceil(2 * (workers + 2)),
                               .arena_bytes = kArenaBytes};
  ipc::UniqueFd log(::memfd_create("enjoin-arguments", MFD_CLOEXEC));
  if (!log) throw system_error("cannot make an unnamed file for arguments", errno);
  return {ipc::TeamMemory::create(geometry), ipc::make_event_fd(), std::move(log)};
}

ipc::UniqueFd make_epoll(int events, int workers) {
  ipc::UniqueFd made(::epoll_create1(EPOLL_CLOEXEC));
  if (!made) throw system_error("cannot make an epoll descriptor", errno);
  // Edge-triggered, so that the eventfd need not be read: one system call a wake-up.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u32 = 0}};
  epoll_event news{.events = EPOLLIN, .data = {.u32 = 1}};
  if (::epoll_ctl(made.get(), EPOLL_CTL_ADD, events, &event) != 0 ||
      ::epoll_ctl(made.get(), EPOLL_CTL_ADD, workers, &news) != 0) {
    throw system_error("cannot watch a pool's workers", errno);
  }
  return made;
}

bool read_all(int fd, char* to, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

void give_back(int log, LogSpan span) {
  (void)::fallocate(log, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(span.offset),
                    static_cast<off_t>(next_in_log(span.offset + span.size) - span.offset));
}

}  // namespace

ProcessPool::ProcessPool(const PoolOptions& options, MakeWorkers make_workers)
    : options_(options),
      size_(pool_size(options.size)),
      owner_(::getpid()),
      memory_(make_memory(size_)),
      bells_(memory_.team),
      publisher_(memory_.team),
      cells_(*this),
      seats_(new Seat[size_]) {
  workers_ = make_workers(options_, memory_, *this);
  epoll_ = make_epoll(memory_.event_fd.get(), workers_->fd());
}

ProcessPool::~ProcessPool() {
  for (std::uint32_t number = 0; number < size_; ++number) delete seats_[number].reader.load();
}

detail::JobCell* ProcessPool::submit_call(const detail::Function& function,
                                          std::string_view arguments, detail::Batch* batch,
                                          std::uint64_t index, detail::Announce announce) {
  Lock lock(mutex_);
  check_open();
  if (options_.most_pending != 0 && pending_ >= options_.most_pending) {
    announce_locked();
    wait_for_room(lock);
    check_open();
  }
  CallCell& cell = cells_.take();
  cell.holders.store(2, std::memory_order_relaxed);  // the caller's and ours
  cell.function = &function;
  cell.batch = batch;
  cell.index = index;
  cell.number = ++submitted_;
  cell.place = CallPlace::kBacklog;
  ++pending_;
  if (!hopeless_.empty()) {
    fail_cell(cell, Fate::kImpossible, {.text = hopeless_});
    return &cell;
  }
  if (arguments.size() <= kArenaMost) {
    std::memcpy(cell.make_room(arguments.size()), arguments.data(), arguments.size());
  } else if (cell.make_room(0); !write_to_log(cell, arguments)) {
    fail_cell(cell, Fate::kImpossible,
              {.text = "no memory to hold the arguments of " + call_label(cell) + ": " +
                       std::strerror(errno)});
    return &cell;
  }
  PublishAnswer answer = PublishAnswer::kFull;
  if (backlog_ == nullptr) {
    answer = publish(cell);
    if (answer == PublishAnswer::kFull && !driving_) {
      announce_locked();
      collect();
      if (backlog_ == nullptr) answer = publish(cell);
      if (evented_) leave_armed();
    }
  }
  if (answer == PublishAnswer::kFull) {
    (backlog_ == nullptr ? backlog_ : backlog_last_->next) = &cell;
    backlog_last_ = &cell;
  }
  if (announce == detail::Announce::kNow) announce_locked();
  return &cell;
}

void ProcessPool::submit_task(detail::JobCell&, detail::Announce) {
  throw Error("a pool of processes takes no call that is not archived");
}

bool ProcessPool::write_to_log(CallCell& cell, std::string_view bytes) {
  const std::uint64_t begin = log_end_;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t put = ::pwrite(memory_.argument_log.get(), rest.data(), rest.size(),
                                 static_cast<off_t>(begin + bytes.size() - rest.size()));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  cell.in_log = {begin, bytes.size()};
  cells_.add_bytes(bytes.size());
  log_end_ = next_in_log(begin + bytes.size());
  return true;
}

PublishAnswer ProcessPool::publish(CallCell& cell) {
  if (publisher_.room() == 0) return PublishAnswer::kFull;
  ipc::NewJob job;
  job.seq = cell.number;
  job.values = static_cast<std::uint32_t>(cell.function->id());
  job.columns = static_cast<std::uint32_t>(cell.function->id() >> 32);
  job.handle = cell.handle;
  job.attempt = static_cast<std::uint16_t>(cell.deaths + 1);
  job.timeout_ns = static_cast<std::uint64_t>(options_.timeout.count());
  job.payload = cell.bytes();
  if (cell.in_log.size != 0) {
    job.flags = kCallInLog;
    job.payload = {reinterpret_cast<const char*>(&cell.in_log), sizeof cell.in_log};
  }
  cell.position = publisher_.tail();
  const PublishAnswer answer = publisher_.try_fill(job, 0, &cell.ticket);
  if (answer == PublishAnswer::kOk) {
    cell.place = CallPlace::kQueued;
    ++unannounced_;
  }
  return answer;
}

void ProcessPool::announce() {
  const Lock lock(mutex_);
  announce_locked();
}

bool ProcessPool::is_crowded() noexcept {
  return cells_.bytes() > kCrowdedBytes;
}

void ProcessPool::announce_locked() {
  if (unannounced_ == 0) return;
  publisher_.announce();
  start_as_needed();
  while (unannounced_ > 0 && bells_.ring_one_idle()) --unannounced_;
  unannounced_ = 0;
}

// One for each call that nobody is there for.
void ProcessPool::start_as_needed() {
  try {
    while (hopeless_.empty() && workers_->alive() < size_ && workers_->alive() < pending_) {
      if (!workers_->try_start()) break;
    }
  } catch (const Error& e) {
    give_up(e.what());
  }
}

// From the backlog into the queue.
void ProcessPool::pump() {
  while (backlog_ != nullptr) {
    CallCell& cell = *static_cast<CallCell*>(backlog_);
    detail::JobCell* const next = cell.next;
    if (publish(cell) == PublishAnswer::kFull) break;
    backlog_ = next;
  }
}

// Everything that workers have reported. Only who drives, or while nobody does.
void ProcessPool::collect() {
  for (std::uint32_t number = 0; number < seats_used_; ++number) take_records(seats_[number]);
  if (!unsettled_.empty()) settle_rest();
  reclaim();
  if (backlog_ != nullptr) pump();
  announce_locked();
}

void ProcessPool::reclaim() {
  publisher_.reclaim([this](std::uint32_t handle, std::uint64_t ticket, std::uint64_t word) {
    CallCell* const cell = cells_.at(handle);
    if (cell != nullptr && cell->ticket == ticket) cell->run_by = word;
  });
}

void ProcessPool::take_records(Seat& seat) {
  ipc::ResultReader* const reader = seat.reader.load(std::memory_order_relaxed);
  if (reader == nullptr) return;
  ipc::ResultRecord record;
  std::uint32_t taken = 0;
  while (reader->try_take(&record)) {
    take_record(seat, record);
    if (++taken % kTakeMost == 0) reader->give_room();
  }
  if (taken == 0) return;
  reader->give_room();
  // It may sleep because its ring was full.
  if (taken >= kTakeMost && bells_.is_idle(seat.id.number)) bells_.ring(seat.id.number);
}

void ProcessPool::take_record(Seat& seat, const ipc::ResultRecord& record) {
  CallCell* const cell = cells_.at(record.handle);
  if (cell == nullptr || cell->ticket != record.ticket ||
      detail::fate_of(*cell) != Fate::kPending) {
    if ((record.flags & kResultInLog) != 0 && record.payload_size == sizeof(LogSpan)) {
      LogSpan span;
      std::memcpy(&span, record.payload, sizeof span);
      give_back(seat.log.get(), span);  // of a call that was cancelled
    }
    return;
  }
  take_result(seat, *cell, record);
}

void ProcessPool::take_result(Seat& seat, CallCell& cell, const ipc::ResultRecord& record) {
  if ((record.flags & kResultInLog) != 0) {
    LogSpan span;
    std::memcpy(&span, record.payload, sizeof span);
    // A job may have scribbled on the record: no more is believed than the file holds.
    const off_t held = ::lseek(seat.log.get(), 0, SEEK_END);
    if (held < 0 || span.size > static_cast<std::uint64_t>(held) ||
        !read_all(seat.log.get(), cell.make_room(span.size), span.size, span.offset)) {
      return fail_cell(cell, Fate::kImpossible,
                       {.text = "the result of " + call_label(cell) + " could not be read"});
    }
    give_back(seat.log.get(), span);
  } else {
    const std::size_t size = std::min<std::size_t>(record.payload_size, sizeof record.payload);
    std::memcpy(cell.make_room(size), record.payload, size);
  }
  cell.result = cell.bytes();
  if (record.code == static_cast<std::int32_t>(CallEnd::kReturned)) [[likely]] {
    return end_cell(cell, Fate::kReturned);
  }
  Thrown thrown = read_thrown(cell.result);
  switch (static_cast<CallEnd>(record.code)) {
    case CallEnd::kThrew:
      return fail_cell(cell, Fate::kThrew,
                       {.type = std::move(thrown.type), .text = std::move(thrown.text)});
    case CallEnd::kUnknown:
      thrown.text = "the workers' program has no such function";
      break;
    case CallEnd::kBadArguments:
      thrown.text = "its arguments could not be read: " + thrown.text;
      break;
    default:
      thrown.text = "its result could not be written: " + thrown.text;
      break;
  }
  fail_cell(cell, Fate::kImpossible, {.text = call_label(cell) + ": " + thrown.text});
}

void ProcessPool::fail_cell(CallCell& cell, Fate fate, detail::Failure why) {
  cell.failure = std::make_unique<detail::Failure>(std::move(why));
  end_cell(cell, fate);
}

void ProcessPool::end_cell(CallCell& cell, Fate fate) {
  if (cell.in_log.size != 0) {
    give_back(memory_.argument_log.get(), cell.in_log);
    cells_.take_bytes(cell.in_log.size);
  }
  cell.place = CallPlace::kEnded;
  detail::Batch* const batch = cell.batch;
  if (batch != nullptr) {
    detail::hold(cell);
    cell.next = nullptr;
    (batch->last == nullptr ? batch->first : batch->last->next) = &cell;
    batch->last = &cell;
    cell.batch = nullptr;
  }
  --pending_;
  ++ended_;
  cell.fate.store(static_cast<std::uint32_t>(fate), std::memory_order_release);
  if (batch != nullptr) batch->any.store(1, std::memory_order_release);
  detail::release(cell);
}

}  // namespace enjoin
