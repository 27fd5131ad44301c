// Waiting: who waits for a call drives the pool.

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include <sys/epoll.h>

#include "runner/pool/process_pool.h"

namespace enjoin {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLeaveWithin(5000);  // workers of a closed pool whose jobs have ended

void raise_event(int fd) noexcept {
  const std::uint64_t one = 1;
  while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

/// Who drives, until the end of its turn, whatever is thrown.
class Driver {
 public:
  explicit Driver(bool& driving) : driving_(driving) { driving_ = true; }
  ~Driver() { driving_ = false; }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

 private:
  bool& driving_;
};

// For epoll_wait; -1: for ever. Rounded up, so that nobody wakes a moment too early again and
// again.
int milliseconds_until(const detail::Deadline* deadline, std::uint64_t next_ns) {
  const Clock::time_point now = Clock::now();
  auto left = Clock::duration::max();
  if (deadline != nullptr) left = *deadline - now;
  if (next_ns != 0) {
    const Clock::time_point next{std::chrono::nanoseconds(next_ns)};
    left = std::min(left, next - now);
  }
  if (left == Clock::duration::max()) return -1;
  if (left <= Clock::duration::zero()) return 0;
  return static_cast<int>(
      std::min<std::int64_t>(std::chrono::ceil<milliseconds>(left).count(), 1'000'000));
}

}  // namespace

bool ProcessPool::has_records() const noexcept {
  for (std::uint32_t number = 0; number < size_; ++number) {
    const ipc::ResultReader* const reader = seats_[number].reader.load(std::memory_order_acquire);
    if (reader != nullptr && reader->has_more()) return true;
  }
  return false;
}

bool ProcessPool::anything_there() const noexcept {
  // All may have ended in one look, before their slots were given back: nobody tells of those.
  return has_records() || (backlog_ != nullptr && publisher_.can_reclaim());
}

void ProcessPool::poll_news(int timeout_ms, Lock& lock) {
  epoll_event events[2];
  lock.unlock();
  const int count = ::epoll_wait(epoll_.get(), events, 2, timeout_ms);
  lock.lock();
  bool news = false;
  for (int i = 0; i < count; ++i) news = news || events[i].data.u32 == 1;
  const std::uint64_t next = workers_->next_time_ns();
  if (next != 0 && Clock::now().time_since_epoch() >= std::chrono::nanoseconds(next)) news = true;
  if (news && !over_) {
    workers_->take_news();
    start_as_needed();
  }
}

void ProcessPool::sleep(Lock& lock, const detail::Deadline* deadline) {
  lock.unlock();
  // A worker may be about to answer.
  const bool found = spin_.finds([this] { return has_records(); });
  lock.lock();
  if (found || over_) return;
  bells_.announce_supervisor_waits();
  if (!anything_there()) {
    // A claim lock that could not be had is looked at again soon.
    const detail::Deadline soon = Clock::now() + milliseconds(10);
    if (!unsettled_.empty() && (deadline == nullptr || soon < *deadline)) deadline = &soon;
    poll_news(milliseconds_until(deadline, workers_->next_time_ns()), lock);
  }
  bells_.withdraw_supervisor_waits();
}

// Returns done(), after trying until `deadline`.
template <typename Done>
bool ProcessPool::drive(Lock& lock, Done&& done, const detail::Deadline* deadline) {
  bool late = false;
  while (!done() && !late) {
    if (driving_) {
      ++waiters_;
      if (deadline == nullptr) {
        changed_.wait(lock);
      } else {
        late = changed_.wait_until(lock, *deadline) == std::cv_status::timeout;
      }
      --waiters_;
      continue;
    }
    const Driver driver(driving_);
    const std::uint64_t before = ended_;
    collect();
    if (!done()) {
      late = deadline != nullptr && Clock::now() >= *deadline;
      if (late) {
        poll_news(0, lock);  // a look is a whole look
        collect();
      } else {
        sleep(lock, deadline);
      }
    }
    if (waiters_ > 0 && ended_ != before) changed_.notify_all();
  }
  // Somebody else is to drive.
  if (waiters_ > 0 && !driving_) changed_.notify_all();
  if (evented_) leave_armed();
  return done();
}

bool ProcessPool::wait(const std::atomic<std::uint32_t>& word, const detail::Deadline* deadline) {
  Lock lock(mutex_);
  return drive(
      lock, [&] { return word.load(std::memory_order_acquire) != 0; }, deadline);
}

// The host is going to poll fd(): workers are to write it, and what is there already, too.
void ProcessPool::leave_armed() {
  if (driving_ || over_) return;
  bells_.announce_supervisor_waits();
  if (anything_there() || ended_ != told_) raise_event(memory_.event_fd.get());
}

int ProcessPool::fd() {
  const Lock lock(mutex_);
  evented_ = true;
  leave_armed();
  return epoll_.get();
}

std::size_t ProcessPool::step() {
  Lock lock(mutex_);
  if (!driving_ && !over_) {
    const Driver driver(driving_);
    const std::uint64_t before = ended_;
    poll_news(0, lock);
    collect();
    if (waiters_ > 0 && ended_ != before) changed_.notify_all();
  }
  const std::uint64_t before = std::exchange(told_, ended_);
  if (evented_) leave_armed();
  return static_cast<std::size_t>(ended_ - before);
}

void ProcessPool::check_open() const {
  if (closed_) throw Error("the pool is closed: no more jobs can be submitted");
}

void ProcessPool::close() {
  const Lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool ProcessPool::join(const detail::Deadline* deadline) {
  if (::getpid() != owner_) return true;
  close();
  Lock lock(mutex_);
  if (!drive(
          lock, [this] { return pending_ == 0; }, deadline))
    return false;
  if (over_) return true;
  memory_.team.table().flags.fetch_or(ipc::kFlagClosed, std::memory_order_seq_cst);
  for (std::uint32_t number = 0; number < seats_used_; ++number) bells_.ring(number);
  const detail::Deadline patience = Clock::now() + kLeaveWithin;
  const bool limited = deadline != nullptr && *deadline < patience;
  const bool left = drive(
      lock, [this] { return over_ || workers_->all_left(); }, limited ? deadline : &patience);
  if (!left && limited) return false;
  end_workers();
  return true;
}

std::uint64_t ProcessPool::pending() {
  const Lock lock(mutex_);
  return pending_;
}

std::uint64_t ProcessPool::workers_lost() {
  const Lock lock(mutex_);
  return workers_lost_;
}

// What submit_call() waits for, with most_pending.
bool ProcessPool::wait_for_room(Lock& lock) {
  return drive(
      lock, [this] { return pending_ < options_.most_pending || closed_; }, nullptr);
}

}  // namespace enjoin
