#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "worker/jobserver_spec.h"

namespace enjoin {

/// The slots that jobs need besides those of -j: a make's jobserver that we take them from, or one
/// of ours that we share them out with. A loop asks it
///
/// - before each start: try_take(), then began() with the job, or put_back();
/// - at each end: ended(), as soon as it knows of it, once or more often;
/// - once each turn, after its starts: turn();
/// - before it sleeps: wait_fd() and until_due().
///
/// Team and plan know nothing of it. Jobs must not be queued ahead of the slots: no look-ahead.
class JobSlots {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~JobSlots() = default;

  /// A slot for one more job; false: there is none now.
  [[nodiscard]] virtual bool try_take() = 0;
  /// What try_take() gave is not needed.
  virtual void put_back() = 0;
  /// The slot taken last is this job's (by its number). Before the team starts it. Throws Error.
  virtual void began(std::uint64_t job) = 0;
  /// Nothing happens where the job is not known (any more).
  virtual void ended(std::uint64_t job) = 0;
  /// Gives on what is not needed.
  virtual void turn(TimePoint now) = 0;
  /// Readable when try_take() may succeed or turn() has something to do; -1: nothing will be.
  virtual int wait_fd() const = 0;
  /// How long to sleep at most before the next turn; negative: as long as you like.
  virtual std::chrono::nanoseconds until_due(TimePoint now) const = 0;
  /// What workers are to give to the jobs.
  virtual JobserverSpec spec() const { return {}; }
};

/// A slot that goes back at the end of its scope, unless it is kept: a job has it then.
class SlotTaken {
 public:
  /// `slots` may be null: then there is always one.
  explicit SlotTaken(JobSlots* slots) : slots_(slots), is_there_(!slots || slots->try_take()) {}
  ~SlotTaken() {
    if (slots_ != nullptr && is_there_ && !kept_) slots_->put_back();
  }
  SlotTaken(const SlotTaken&) = delete;
  SlotTaken& operator=(const SlotTaken&) = delete;
  explicit operator bool() const { return is_there_; }
  void keep() { kept_ = true; }

 private:
  JobSlots* slots_;
  bool is_there_;
  bool kept_ = false;
};

}  // namespace enjoin
