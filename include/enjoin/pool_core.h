#pragma once

// What the templates of enjoin/pool.h and enjoin/future.h stand on. Nothing here is to be used
// directly.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "enjoin/api.h"
#include "enjoin/function.h"

namespace enjoin {
struct PoolOptions;
}

namespace enjoin::detail {

/// How a call ended, or that it has not.
enum class Fate : std::uint32_t {
  kPending = 0,
  kReturned,
  kThrew,     ///< Failure: type and text
  kDied,      ///< its worker died in it. Failure: signal, status, last lines
  kTimedOut,  ///< its worker was killed for it
  kCanceled,
  kImpossible,  ///< it could not be run, or its result not be brought. Failure: text
};

/// Why a call has no result.
struct Failure {
  std::string type = {};
  std::string text = {};
  int signal = 0;
  int status = 0;
  std::string last_lines = {};
  std::exception_ptr original = {};  ///< from a thread
};

class PoolCore;
struct Batch;

/// One call, from its submission until nobody asks for its result any more. Held by the pool while
/// it is not ended, by its Future, by a Batch that it ended in.
struct JobCell {
  virtual ~JobCell() = default;
  /// Its last holder has gone.
  virtual void dispose() noexcept = 0;
  /// In a thread pool: makes the call. Does not throw.
  virtual void run() noexcept {}

  std::atomic<std::uint32_t> holders{0};
  std::atomic<std::uint32_t> fate{0};  ///< a Fate; once it is another than kPending all is final
  PoolCore* core = nullptr;            ///< lives as long as the cell
  JobCell* next = nullptr;             ///< in the list that it is in; under the pool's mutex
  Batch* batch = nullptr;              ///< to be told of the end; under the pool's mutex
  std::uint64_t index = 0;             ///< the batch's
  std::uint64_t number = 0;            ///< of the call in its pool, from 1
  std::string_view result;             ///< of a process: its archive; ours
  std::unique_ptr<Failure> failure;    ///< where fate is not kReturned
};

/// Calls of which one wants to hear in the order in which they end.
struct Batch {
  std::atomic<std::uint32_t> any{0};  ///< 1: take_ended() gives something
  JobCell* first = nullptr;           ///< under the pool's mutex
  JobCell* last = nullptr;
};

inline void hold(JobCell& cell) {
  cell.holders.fetch_add(1, std::memory_order_relaxed);
}
inline void release(JobCell& cell) noexcept {
  // The last holder needs no locked instruction.
  if (cell.holders.load(std::memory_order_acquire) == 1 ||
      cell.holders.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    cell.dispose();
  }
}
inline Fate fate_of(const JobCell& cell) {
  return static_cast<Fate>(cell.fate.load(std::memory_order_acquire));
}

/// Throws what a Future's get() throws where its call did not return.
[[noreturn]] ENJOIN_API void throw_failure(const JobCell& cell);

/// When workers are to see a new call.
enum class Announce : std::uint8_t {
  kNow,
  kLater,  ///< others follow at once, then announce()
};

enum class CancelHow : std::uint8_t {
  kWaitingOnly,  ///< what has not started
  kRunningToo,   ///< in a process: the worker is killed
};

using Deadline = std::chrono::steady_clock::time_point;

/// A pool behind its handle. All functions may be called by any thread.
class ENJOIN_API PoolCore {
 public:
  /// Throws Error. The caller holds it.
  static PoolCore* make(const PoolOptions& options);

  virtual bool in_threads() const noexcept = 0;
  virtual std::uint32_t size() const noexcept = 0;

  /// In processes: a call with the archive of its arguments. The caller gets one hold of the cell.
  /// Throws Error when the pool is closed.
  virtual JobCell* submit_call(const Function& function, std::string_view arguments, Batch* batch,
                               std::uint64_t index, Announce announce) = 0;
  /// In threads: takes the cell, of which the caller keeps one hold (holders is 1 before).
  virtual void submit_task(JobCell& cell, Announce announce) = 0;
  virtual void announce() = 0;
  /// Arguments and results on their way take much memory: a row of calls is not to be sent on.
  virtual bool is_crowded() noexcept { return false; }

  /// Returns true when `word` is not 0 any more, driving the pool until then; false at `deadline`.
  virtual bool wait(const std::atomic<std::uint32_t>& word, const Deadline* deadline) = 0;
  /// How many of the cells (some may be nullptr) were cancelled: not those that had ended, or that
  /// run in a thread.
  virtual std::size_t cancel(JobCell* const* cells, std::size_t count, CancelHow how) = 0;
  /// All that has ended, linked by `next`, with a hold each.
  virtual JobCell* take_ended(Batch& batch) = 0;
  /// The batch goes away: `cells` (some may be nullptr) are not to tell it any more.
  virtual void forget(Batch& batch, JobCell* const* cells, std::size_t count) = 0;

  virtual int fd() = 0;
  virtual std::size_t step() = 0;
  virtual void close() = 0;
  virtual bool join(const Deadline* deadline) = 0;
  virtual void cancel_all() = 0;
  /// Ends everything; every call has ended then. The handle's last word.
  virtual void shut_down() noexcept = 0;
  virtual std::uint64_t pending() = 0;
  virtual std::uint64_t workers_lost() = 0;

  void hold_core() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
  void release_core() noexcept {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  PoolCore() = default;
  virtual ~PoolCore() = default;

 private:
  std::atomic<std::uint64_t> holders_{1};
};

}  // namespace enjoin::detail
