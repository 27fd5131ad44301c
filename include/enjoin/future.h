#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "enjoin/api.h"
#include "enjoin/archive.h"
#include "enjoin/error.h"
#include "enjoin/pool_core.h"

namespace enjoin {

/// What Future::get() throws where the function itself failed: the type and text of what it threw,
/// in another process maybe. Also where a call could not be made at all: type() is then empty.
class ENJOIN_API RemoteError : public Error {
 public:
  RemoteError(std::string type, const std::string& text, std::exception_ptr original = {});
  ~RemoteError() override;
  const std::string& type() const { return type_; }  ///< "std::out_of_range"; demangled
  /// What was thrown, where the workers are threads; else nothing.
  const std::exception_ptr& original() const { return original_; }

 private:
  std::string type_;
  std::exception_ptr original_;
};

/// The job's worker died while it ran the job.
class ENJOIN_API WorkerDied : public Error {
 public:
  WorkerDied(const std::string& what, int signal, int status, std::string last_lines);
  ~WorkerDied() override;
  int signal() const { return signal_; }  ///< 0: it exited
  int status() const { return status_; }  ///< its exit status, where it exited
  /// The end of what it wrote to stderr.
  const std::string& last_lines() const { return last_lines_; }

 private:
  int signal_;
  int status_;
  std::string last_lines_;
};

/// The pool was ended, or the job cancelled, before it ended.
class ENJOIN_API JobCanceled : public Error {
 public:
  using Error::Error;
  ~JobCanceled() override;
};

/// It took longer than PoolOptions::timeout; its worker was killed.
class ENJOIN_API JobTimedOut : public Error {
 public:
  using Error::Error;
  ~JobTimedOut() override;
};

namespace detail {

/// A call in a thread of ours.
template <typename R>
struct TypedCell : JobCell {
  using Value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
  std::optional<Value> value;
};

template <typename R>
R take_result(JobCell& cell) {
  if (fate_of(cell) != Fate::kReturned) throw_failure(cell);
  if (cell.core->in_threads()) {
    if constexpr (!std::is_void_v<R>) return std::move(*static_cast<TypedCell<R>&>(cell).value);
  } else {
    if constexpr (!std::is_void_v<R>) {
      if constexpr (Archivable<R>) {
        ArchiveReader from(cell.result);
        return from.template read<R>();
      } else {
        throw Error("a result of this type cannot come from another process");
      }
    }
  }
}

}  // namespace detail

/// The result of a call that a Pool makes. Move-only; one thread at a time uses it.
///
/// Who waits for it drives the pool: there is no thread of ours in the host. It may outlive its
/// Pool, for then it has ended. Dropping it does not cancel the call. One that is not valid()
/// throws Error from all functions but valid() and cancel().
template <typename R>
class [[nodiscard]] Future {
 public:
  Future() = default;
  explicit Future(detail::JobCell* taken) : cell_(taken) {}
  Future(Future&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  Future& operator=(Future&& other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~Future() {
    if (cell_ != nullptr) detail::release(*cell_);
  }

  /// It stands for a call: get() was not called yet.
  bool valid() const { return cell_ != nullptr; }
  /// It has ended. Looks for news where that is not known yet, without waiting.
  bool ready() const {
    const detail::Deadline past{};
    return ended() || cell().core->wait(cell().fate, &past);
  }

  void wait() const {
    if (!ended()) cell().core->wait(cell().fate, nullptr);
  }
  /// False: it has not ended after `limit`.
  template <typename Rep, typename Period>
  bool wait_for(std::chrono::duration<Rep, Period> limit) const {
    if (ended()) return true;
    const detail::Deadline deadline =
        std::chrono::steady_clock::now() +
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit);
    return cell().core->wait(cell().fate, &deadline);
  }

  /// Waits, and gives the result; once. Throws RemoteError (the function threw), WorkerDied,
  /// JobTimedOut, JobCanceled; ArchiveError where the result cannot be read.
  R get() {
    wait();
    const Future ending = std::move(*this);
    return detail::take_result<R>(*ending.cell_);
  }

  /// Takes it back where it has not started; where it runs in a process, that worker is killed.
  /// False: it has ended, or it runs in a thread, or a worker that claimed several calls at once is
  /// about to start it: asked again a moment later, it can be cancelled. get() throws JobCanceled
  /// after true.
  bool cancel() {
    return cell_ != nullptr && cell_->core->cancel(&cell_, 1, detail::CancelHow::kRunningToo) == 1;
  }

  /// Number of the call in its pool, from 1: messages name it.
  std::uint64_t number() const { return cell().number; }

 private:
  detail::JobCell& cell() const {
    if (cell_ == nullptr) throw Error("a future without a call: get() was called, or it was moved");
    return *cell_;
  }
  bool ended() const { return detail::fate_of(cell()) != detail::Fate::kPending; }

  detail::JobCell* cell_ = nullptr;
};

}  // namespace enjoin
