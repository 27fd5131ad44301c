#include "runner/pool/thread_pool.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <unistd.h>

#include "ipc/bells.h"
#include "runner/pool/pool_size.h"
#include "worker/function/function_protocol.h"

namespace enjoin {

using detail::Fate;
using detail::JobCell;

namespace {

void raise_event(int fd) {
  const std::uint64_t one = 1;
  // Full means readable, which is all that is wanted.
  while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

}  // namespace

ThreadPool::ThreadPool(const PoolOptions& options)
    : size_(pool_size(options.size)),
      most_pending_(options.most_pending),
      initializer_(options.initializer),
      owner_(::getpid()) {}

ThreadPool::~ThreadPool() = default;

JobCell* ThreadPool::submit_call(const detail::Function&, std::string_view, detail::Batch*,
                                 std::uint64_t, detail::Announce) {
  throw Error("a pool of threads takes no call that has been archived");
}

void ThreadPool::submit_task(JobCell& cell, detail::Announce announce) {
  std::unique_lock lock(mutex_);
  while (!closed_ && most_pending_ != 0 && pending_ >= most_pending_) {
    start_as_needed();
    work_.notify_all();
    ++waiters_;
    ended_.wait(lock);
    --waiters_;
  }
  if (closed_) throw Error("the pool is closed: no more jobs can be submitted");
  hold_core();
  cell.core = this;
  cell.number = ++submitted_;
  detail::hold(cell);
  ++pending_;
  cell.next = nullptr;
  (last_ == nullptr ? first_ : last_->next) = &cell;
  last_ = &cell;
  ++waiting_;
  if (announce == detail::Announce::kLater) {
    ++unannounced_;
    return;
  }
  start_as_needed();
  few_at_a_time_ = pending_ <= threads_.size();
  ++announced_;
  if (sleeping_ > 0 && waiting_ > looking_) work_.notify_one();
}

void ThreadPool::announce() {
  const std::unique_lock lock(mutex_);
  start_as_needed();
  few_at_a_time_ = pending_ <= threads_.size();
  ++announced_;
  if (sleeping_ > 0 && unannounced_ > 1) work_.notify_all();
  if (sleeping_ > 0 && unannounced_ == 1) work_.notify_one();
  unannounced_ = 0;
}

// One for each job that nobody is there for.
void ThreadPool::start_as_needed() {
  while (threads_.size() < size_ && threads_.size() < pending_) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      if (threads_.empty()) throw;
      return;  // those that are there do it all
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
}

bool ThreadPool::initialize() {
  if (!initializer_) return true;
  try {
    initializer_.here();
    return true;
  } catch (...) {
    Thrown thrown = current_thrown();
    const std::scoped_lock lock(mutex_);
    if (is_hopeless_) return false;  // who saw it may be reading hopeless_
    hopeless_ = {.type = std::move(thrown.type),
                 .text = "the pool's initializer failed: " + thrown.text,
                 .original = std::current_exception()};
    is_hopeless_ = true;
    return false;
  }
}

void ThreadPool::wait_for_work(ipc::Spin& spin, std::unique_lock<std::mutex>& lock) {
  while (first_ == nullptr && !closed_) {
    // The next job may come at once. One thread looks; the others sleep. Where jobs come in crowds,
    // all do: who sleeps until there is enough to do is in nobody's way.
    if (few_at_a_time_ && looking_ == 0 && spin.worth_it()) {
      ++looking_;
      const std::uint64_t seen = announced_.load(std::memory_order_relaxed);
      lock.unlock();
      spin.note(
          ipc::Spin::look_for([&] { return announced_.load(std::memory_order_relaxed) != seen; }));
      lock.lock();
      --looking_;
      if (first_ != nullptr || closed_) return;
    }
    ++sleeping_;
    work_.wait(lock);
    --sleeping_;
  }
}

void ThreadPool::work() {
  ipc::Spin spin(usable_cpus() > 1);
  initialize();
  JobCell* ended = nullptr;  // released outside the lock: what is in it is the user's
  const auto release_ended = [&ended] {
    if (ended != nullptr) detail::release(*std::exchange(ended, nullptr));
  };
  std::unique_lock lock(mutex_);
  for (;;) {
    if (first_ == nullptr && ended != nullptr) {
      lock.unlock();
      release_ended();
      lock.lock();
    }
    wait_for_work(spin, lock);
    if (first_ == nullptr) return;
    JobCell& cell = *first_;
    first_ = cell.next;
    if (first_ == nullptr) last_ = nullptr;
    cell.next = nullptr;
    --waiting_;
    const bool is_hopeless = is_hopeless_;
    lock.unlock();
    release_ended();
    if (is_hopeless) {
      cell.failure = std::make_unique<detail::Failure>(hopeless_);
    } else {
      cell.run();
    }
    lock.lock();
    end_cell(cell, cell.failure != nullptr ? Fate::kThrew : Fate::kReturned);
    ended = &cell;
  }
}

void ThreadPool::end_cell(JobCell& cell, Fate fate) {
  detail::Batch* const batch = cell.batch;
  if (batch != nullptr) {
    detail::hold(cell);
    cell.next = nullptr;
    (batch->last == nullptr ? batch->first : batch->last->next) = &cell;
    batch->last = &cell;
    cell.batch = nullptr;
  }
  --pending_;
  ++ended_count_;
  cell.fate.store(static_cast<std::uint32_t>(fate), std::memory_order_release);
  if (batch != nullptr) batch->any.store(1, std::memory_order_release);
  if (waiters_ > 0) ended_.notify_all();
  if (event_fd_) raise_event(event_fd_.get());
}

bool ThreadPool::wait(const std::atomic<std::uint32_t>& word, const detail::Deadline* deadline) {
  const bool is_past = deadline != nullptr && *deadline <= std::chrono::steady_clock::now();
  const auto is_there = [&word] { return word.load(std::memory_order_acquire) != 0; };
  std::unique_lock lock(mutex_);
  while (!is_there()) {
    // With more jobs than threads, who looks would be in the threads' way.
    if (!is_past && pending_ <= threads_.size() && wait_spin_.worth_it()) {
      lock.unlock();
      const bool found = ipc::Spin::look_for(is_there);
      lock.lock();
      wait_spin_.note(found);
      if (is_there()) break;
    }
    ++waiters_;
    const bool late =
        deadline != nullptr && ended_.wait_until(lock, *deadline) == std::cv_status::timeout;
    if (deadline == nullptr) ended_.wait(lock);
    --waiters_;
    if (late) return is_there();
  }
  return true;
}

std::size_t ThreadPool::cancel(JobCell* const* cells, std::size_t count, detail::CancelHow) {
  std::vector<const JobCell*> named(cells, cells + count);
  std::sort(named.begin(), named.end());
  std::vector<JobCell*> canceled;
  {
    const std::scoped_lock lock(mutex_);
    // Those that wait are in one list, which is gone through once.
    JobCell** at = &first_;
    last_ = nullptr;
    while (*at != nullptr) {
      JobCell& cell = **at;
      if (std::binary_search(named.begin(), named.end(), &cell)) {
        *at = cell.next;
        cell.next = nullptr;
        --waiting_;
        end_cell(cell, Fate::kCanceled);
        canceled.push_back(&cell);
      } else {
        last_ = &cell;
        at = &cell.next;
      }
    }
  }
  for (JobCell* const cell : canceled) detail::release(*cell);
  return canceled.size();
}

JobCell* ThreadPool::take_ended(detail::Batch& batch) {
  const std::scoped_lock lock(mutex_);
  batch.any.store(0, std::memory_order_relaxed);
  batch.last = nullptr;
  return std::exchange(batch.first, nullptr);
}

void ThreadPool::forget(detail::Batch& batch, JobCell* const* cells, std::size_t count) {
  JobCell* ended = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) {
      if (cells[i] != nullptr) cells[i]->batch = nullptr;
    }
    ended = std::exchange(batch.first, nullptr);
    batch.last = nullptr;
  }
  while (ended != nullptr) detail::release(*std::exchange(ended, ended->next));
}

int ThreadPool::fd() {
  const std::scoped_lock lock(mutex_);
  if (!event_fd_) {
    event_fd_ = ipc::make_event_fd();
    if (ended_count_ != told_) raise_event(event_fd_.get());
  }
  return event_fd_.get();
}

std::size_t ThreadPool::step() {
  const std::scoped_lock lock(mutex_);
  std::uint64_t count = 0;
  if (event_fd_) (void)!::read(event_fd_.get(), &count, sizeof count);
  return static_cast<std::size_t>(ended_count_ - std::exchange(told_, ended_count_));
}

void ThreadPool::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  ++announced_;  // for who looks
  start_as_needed();
  work_.notify_all();
  ended_.notify_all();
}

bool ThreadPool::join(const detail::Deadline* deadline) {
  if (::getpid() != owner_) return true;
  close();
  std::unique_lock lock(mutex_);
  while (pending_ > 0) {
    ++waiters_;
    bool late = false;
    if (deadline != nullptr) {
      late = ended_.wait_until(lock, *deadline) == std::cv_status::timeout;
    } else {
      ended_.wait(lock);
    }
    --waiters_;
    if (late && pending_ > 0) return false;
  }
  const std::vector<std::thread> threads = std::exchange(threads_, {});
  lock.unlock();
  for (const std::thread& thread : threads) const_cast<std::thread&>(thread).join();
  return true;
}

void ThreadPool::cancel_all() {
  std::unique_lock lock(mutex_);
  cancel_waiting(lock);
}

void ThreadPool::cancel_waiting(std::unique_lock<std::mutex>& lock) {
  while (first_ != nullptr) {
    JobCell& cell = *std::exchange(first_, first_->next);
    if (first_ == nullptr) last_ = nullptr;
    --waiting_;
    end_cell(cell, Fate::kCanceled);
    lock.unlock();
    detail::release(cell);
    lock.lock();
  }
}

void ThreadPool::shut_down() noexcept {
  if (::getpid() != owner_) return hold_core();  // a forked copy of the host has no threads
  cancel_all();
  join(nullptr);
}

std::uint64_t ThreadPool::pending() {
  const std::scoped_lock lock(mutex_);
  return pending_;
}

}  // namespace enjoin
