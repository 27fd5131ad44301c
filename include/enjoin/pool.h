#pragma once

//   #include <enjoin/pool.h>
//   int square(int x) { return x * x; }
//   ENJOIN_FUNCTION(square);                     // at namespace scope: workers can find it
//
//   int main(int argc, char** argv) {
//     enjoin::worker_main(argc, argv);            // first: workers are this program, run again
//     enjoin::Pool pool({.workers = enjoin::Workers::kProcesses, .size = 4});
//     enjoin::Future<int> f = pool.submit(square, 5);
//     f.get();
//     std::vector<int> all = pool.map(square, std::vector{1, 2, 3});
//     for (int y : pool.imap(square, inputs)) …            // in order, as they come
//     for (auto& [index, y] : pool.imap_unordered(square, inputs)) …
//     long sum = pool.reduce(std::plus<long>(), square, inputs, 0L);
//   }

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "enjoin/api.h"
#include "enjoin/archive.h"
#include "enjoin/future.h"
#include "enjoin/pool_call.h"
#include "enjoin/pool_stream.h"

namespace enjoin {

/// One word apart: what the workers of a pool are.
enum class Workers : std::uint8_t {
  kProcesses,  ///< for work on the CPU, and for work that may crash
  kThreads,    ///< for work that waits (files, network): cheaper, not protected from each other
};

/// How worker processes come to be.
enum class Start : std::uint8_t {
  kExec,  ///< the host's program run again, through worker_main(): always safe
  kFork,  ///< copies of the host as it is when the Pool is made: safe only while it has one thread
};

/// What becomes of a job whose worker died in it.
enum class OnDeath : std::uint8_t { kFail, kRetry };

namespace shared {
class Memory;
}

struct PoolOptions {
  Workers workers = Workers::kProcesses;
  std::uint32_t size = 0;  ///< workers, at most 4096; 0: as many as CPUs. Started as jobs need them
  Start start = Start::kExec;
  OnDeath on_death = OnDeath::kFail;
  std::uint32_t most_attempts = 3;         ///< with kRetry: deaths that one job may cause
  std::chrono::nanoseconds timeout{0};     ///< of one job; its worker is killed. 0: none
  std::uint64_t jobs_per_worker = 0;       ///< then it is replaced; 0: never
  std::uint64_t growth_per_worker = 0;     ///< bytes of memory more than at its first job; 0: never
  std::chrono::nanoseconds worker_age{0};  ///< 0: never
  /// Made first in each worker: .initializer = enjoin::call(function, arguments…). Where it throws,
  /// or no worker comes through it, every job of the pool fails with what it threw.
  Call initializer = {};
  /// Back-pressure: submit() waits, driving the pool, while more jobs than this have not ended.
  /// 0: it never waits; what the queue has no room for is kept in the host's memory.
  std::uint64_t most_pending = 0;
  /// Objects in it (enjoin/shared.h) may be arguments and results. The caller's; outlives the pool.
  shared::Memory* shared = nullptr;
  std::string worker_program = {};  ///< instead of the host's own (a pool in a plug-in)
};

/// To be called first in main, with its arguments: does not return in a worker of a Pool.
ENJOIN_API void worker_main(int argc, char** argv);

/// Workers that make calls of functions.
///
/// *What can be called.* A function known by ENJOIN_FUNCTION or as a template's argument
/// (pool.submit<square>(5)), or an object without members: a lambda that captures nothing. Threads
/// can call anything. Arguments are converted to the types of the function's parameters when the
/// call is submitted, and copied (enjoin/archive.h says how; std::string_view and std::span with
/// what they point to). Results come back by value. A function that throws makes get() throw
/// RemoteError, with type and text, in either placement.
///
/// *Who drives.* With processes there is no thread of ours in the host. Whoever waits (get, wait,
/// map, join) takes what workers report and gives them more to do. Up to 16,384 small jobs are in
/// the workers' queue without that; a host that has more and does not wait calls step() now and
/// then, or when fd() is readable.
///
/// *Calls that wait for calls.* A worker that waits is a worker less. Functions must not wait for
/// others of the same pool (in a Future, a Barrier for more than size() parties, a Queue that only
/// those fill): once all workers do, nothing goes on, and nobody can tell that from hard work.
/// Return what is to be done next, and have the host submit it, or use a second pool. In a worker
/// process there is no Pool of the host's to submit to; a thread has it, and with it this danger.
///
/// *Worker processes.* They are no children of the host, and end with it, and with them all that
/// functions have started. Their stdin is empty, their stdout the host's; what they write to stderr
/// comes on the host's, whole, a few calls at a time. They leave without atexit() functions and
/// destructors of static objects, but stdio is flushed. A plug-in in a host without worker_main()
/// names a program of its own as worker_program, which loads the plug-in and calls worker_main().
///
/// *Threads.* All functions may be called by several threads at once. A pool is no use in a process
/// that the host forks.
class ENJOIN_API Pool {
 public:
  /// Throws Error: no memory, wrong options. Starts nothing yet: workers come as jobs need them.
  explicit Pool(const PoolOptions& options = {});
  /// For tests of the library itself: takes over one that was made otherwise.
  explicit Pool(detail::PoolCore* core);
  /// As join(), unless an exception is on its way through here: then as cancel_all(), and running
  /// jobs are killed (threads: waited for).
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Has function(arguments…) called. Throws Error: the pool is closed, the function is not known
  /// to workers.
  template <typename F, typename... A>
  auto submit(F&& function, A&&... arguments) {
    using Callable = std::decay_t<F>;
    detail::Caller<Callable> caller(*core_, std::forward<F>(function));
    using R = detail::ResultOf<Callable, A...>;
    return Future<R>(
        caller.submit(nullptr, 0, detail::Announce::kNow, std::forward<A>(arguments)...));
  }
  template <auto F, typename... A>
  auto submit(A&&... arguments) {
    detail::register_function<F>();
    return submit(F, std::forward<A>(arguments)...);
  }

  /// A Future for each input: all are submitted at once.
  template <typename F, typename Inputs>
  auto submit_each(F&& function, Inputs&& inputs) {
    using Callable = std::decay_t<F>;
    using R = detail::ResultOf<Callable, detail::ElementOf<Inputs>>;
    detail::Caller<Callable> caller(*core_, std::forward<F>(function));
    std::vector<Future<R>> futures;
    std::size_t unseen = 0;
    for (auto&& input : inputs) {
      futures.emplace_back(caller.submit(nullptr, 0, detail::Announce::kLater,
                                         std::forward<decltype(input)>(input)));
      if (++unseen % detail::kAnnounceEach == 0) core_->announce();
    }
    core_->announce();
    return futures;
  }
  template <auto F, typename Inputs>
  auto submit_each(Inputs&& inputs) {
    detail::register_function<F>();
    return submit_each(F, std::forward<Inputs>(inputs));
  }

  /// {function(input) for each input}, in their order; nothing where the function gives nothing.
  /// Throws what the first failed one's get() throws; what has not started then is cancelled.
  template <typename F, typename Inputs>
  auto map(F&& function, Inputs&& inputs) {
    using R = detail::ResultOf<std::decay_t<F>, detail::ElementOf<Inputs>>;
    auto stream = imap(std::forward<F>(function), std::forward<Inputs>(inputs));
    if constexpr (std::is_void_v<R>) {
      while (stream.next()) {
      }
    } else {
      std::vector<R> results;
      if constexpr (requires { inputs.size(); }) results.reserve(inputs.size());
      while (stream.wait_next()) results.push_back(stream.take());
      return results;
    }
  }
  template <auto F, typename Inputs>
  auto map(Inputs&& inputs) {
    detail::register_function<F>();
    return map(F, std::forward<Inputs>(inputs));
  }

  /// The results in the order of the inputs, each as soon as it and those before it are there.
  /// `inputs` are read as results are taken, at most `ahead` before them (less where they are
  /// large: 64 MB on their way are enough); an lvalue is not copied and must live as long. Where a
  /// call failed, the iterator throws; next() goes on behind it.
  template <typename F, typename Inputs>
  auto imap(F&& function, Inputs&& inputs, std::size_t ahead = detail::kAhead) {
    return OrderedStream<std::decay_t<F>, Inputs>(*core_, std::forward<F>(function),
                                                  std::forward<Inputs>(inputs), ahead);
  }
  template <auto F, typename Inputs>
  auto imap(Inputs&& inputs, std::size_t ahead = detail::kAhead) {
    detail::register_function<F>();
    return imap(F, std::forward<Inputs>(inputs), ahead);
  }

  /// The same as they end, each with the place of its input, from 0: {index, value}.
  template <typename F, typename Inputs>
  auto imap_unordered(F&& function, Inputs&& inputs, std::size_t ahead = detail::kAhead) {
    return EndedStream<std::decay_t<F>, Inputs>(*core_, std::forward<F>(function),
                                                std::forward<Inputs>(inputs), ahead);
  }
  template <auto F, typename Inputs>
  auto imap_unordered(Inputs&& inputs, std::size_t ahead = detail::kAhead) {
    detail::register_function<F>();
    return imap_unordered(F, std::forward<Inputs>(inputs), ahead);
  }

  /// join(… join(join(init, function(first)), function(second)) …): functions run in workers,
  /// `join` here, in the order of the inputs, so it need not be commutative.
  template <typename Join, typename F, typename Inputs, typename T>
  T reduce(Join join, F&& function, Inputs&& inputs, T init) {
    auto stream = imap(std::forward<F>(function), std::forward<Inputs>(inputs));
    while (stream.wait_next()) init = join(std::move(init), stream.take());
    return init;
  }

  // ---- for event loops ----

  /// Readable (poll, epoll) when step() has something to do. The pool's; the same for ever.
  int fd() { return core_->fd(); }
  /// Takes what workers have reported and gives them more to do, without waiting. Says how many
  /// jobs have ended.
  std::size_t step() { return core_->step(); }

  // ---- the end ----

  /// No more jobs: submit() throws. What was submitted goes on.
  void close() { core_->close(); }
  /// close(), then waits until all jobs have ended, and workers with them.
  void join() { core_->join(nullptr); }
  /// False: not all have ended after `limit`.
  template <typename Rep, typename Period>
  bool join_for(std::chrono::duration<Rep, Period> limit) {
    const detail::Deadline deadline =
        std::chrono::steady_clock::now() +
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit);
    return core_->join(&deadline);
  }
  /// Cancels all that has not ended, running jobs too (not in threads). The pool goes on.
  void cancel_all() { core_->cancel_all(); }

  std::uint32_t size() const { return core_->size(); }
  /// Jobs that have not ended, as far as is known.
  std::uint64_t pending() const { return core_->pending(); }
  /// Workers that died otherwise than by our wish.
  std::uint64_t workers_lost() const { return core_->workers_lost(); }

 private:
  detail::PoolCore* core_;
  int exceptions_;  // on their way when it was made
};

}  // namespace enjoin
