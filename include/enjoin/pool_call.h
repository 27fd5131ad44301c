#pragma once

// How a call is made ready to travel: the part of enjoin/pool.h that is templates. Nothing here is
// to be used directly, but call().

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "enjoin/future.h"

namespace enjoin {
namespace detail {

template <typename Tuple>
inline constexpr bool kAllArchivable = false;
template <typename... A>
inline constexpr bool kAllArchivable<std::tuple<A...>> = (Archivable<A> && ...);

/// Writes `argument` as a K.
template <typename K, typename A>
void write_as(ArchiveWriter& to, const A& argument) {
  if constexpr (std::is_same_v<K, A>) {
    to(argument);
  } else if constexpr (std::is_same_v<K, std::string> &&
                       std::is_convertible_v<const A&, std::string_view>) {
    const std::string_view text = argument;
    to.size(text.size());
    to.bytes(text.data(), text.size());
  } else if constexpr (requires { K(argument.begin(), argument.end()); }) {
    to(K(argument.begin(), argument.end()));  // a span
  } else {
    to(static_cast<K>(argument));
  }
}

template <typename... K, typename... A>
void write_arguments(ArchiveWriter& to, std::tuple<K...>*, const A&... arguments) {
  (write_as<K>(to, arguments), ...);
}

/// In a catch block: what is being handled is why the call has no result.
ENJOIN_API void note_thrown(JobCell& cell) noexcept;

/// Has F's Function in the list of them from the program's start on.
template <auto F>
void register_function() {
  [[maybe_unused]] const volatile Function* const there = &NamedFunction<F>::function;
}

[[noreturn]] ENJOIN_API void throw_unregistered();
[[noreturn]] ENJOIN_API void throw_has_state();
[[noreturn]] ENJOIN_API void throw_cannot_travel();

/// The Function that calls of `function` with arguments kept as `Arguments` name. Throws Error.
template <typename Arguments, typename F>
const Function& function_for(const F& function) {
  if constexpr (std::is_pointer_v<F>) {
    static thread_local struct {
      const void* address = nullptr;
      const Function* found = nullptr;
      std::uint64_t changes = 0;
    } last;
    const void* const address = reinterpret_cast<const void*>(function);
    if (last.address != address || last.changes != Function::changes()) {
      last.changes = Function::changes();
      last.found = Function::find_address(address);
      last.address = address;
    }
    if (last.found == nullptr) throw_unregistered();
    return *last.found;
  } else if constexpr (std::is_empty_v<F> && std::is_default_constructible_v<F>) {
    return TypedFunction<F, Arguments>::function;
  } else {
    throw_has_state();
  }
}

/// A call in a thread.
template <typename R, typename F, typename Arguments>
struct TaskCell final : TypedCell<R> {
  struct Work {
    F function;
    Arguments arguments;
  };
  std::optional<Work> work;

  template <typename G, typename... A>
  explicit TaskCell(G&& function, A&&... arguments) {
    work.emplace(Work{std::forward<G>(function), Arguments(std::forward<A>(arguments)...)});
  }
  void dispose() noexcept override {
    PoolCore* const ours = this->core;
    delete this;
    if (ours != nullptr) ours->release_core();
  }
  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<R>) {
        std::apply(std::move(work->function), std::move(work->arguments));
        this->value.emplace();
      } else {
        this->value.emplace(std::apply(std::move(work->function), std::move(work->arguments)));
      }
    } catch (...) {
      note_thrown(*this);
    }
    work.reset();
  }
};
/// What tells a pool of calls of one function; what they have in common is found out once.
template <typename F>
class Caller {
 public:
  Caller(PoolCore& core, F function) : core_(&core), function_(std::move(function)) {}

  template <typename... A>
  using Result = std::invoke_result_t<F, A...>;

  template <typename... A>
  JobCell* submit(Batch* batch, std::uint64_t index, Announce announce, A&&... arguments) {
    using Arguments = typename ArgumentsOf<F, A...>::Type;
    using R = decltype(std::apply(std::declval<F>(), std::declval<Arguments>()));
    if (core_->in_threads()) {
      auto cell = std::make_unique<TaskCell<R, F, Arguments>>(own(), std::forward<A>(arguments)...);
      cell->holders.store(1, std::memory_order_relaxed);
      cell->batch = batch;
      cell->index = index;
      core_->submit_task(*cell, announce);
      return cell.release();
    }
    if constexpr (kAllArchivable<Arguments> && (std::is_void_v<R> || Archivable<R>)) {
      ArchiveWriter to;
      write_arguments(to, static_cast<Arguments*>(nullptr), std::as_const(arguments)...);
      return core_->submit_call(function_for<Arguments>(function_), to.view(), batch, index,
                                announce);
    } else {
      throw_cannot_travel();
    }
  }

 private:
  // What cannot be copied can be called once.
  decltype(auto) own() {
    if constexpr (std::is_copy_constructible_v<F>) {
      return static_cast<const F&>(function_);
    } else {
      return std::move(function_);
    }
  }

  PoolCore* core_;
  F function_;
};

}  // namespace detail

/// A call to be made later, in each worker: PoolOptions::initializer.
struct Call {
  // As an aggregate it would have GCC 12 warn, in hosts, of members that "may be uninitialized".
  Call() = default;
  std::function<void()> here = {};             ///< makes it in a thread
  const detail::Function* function = nullptr;  ///< nullptr: it cannot travel
  std::string arguments = {};                  ///< their archive

  explicit operator bool() const { return here != nullptr; }
};

/// call(open_database, "/data/x.db"): the function as for Pool::submit, with copies of the
/// arguments. Throws Error where its function is not registered.
template <typename F, typename... A>
requires(std::is_invocable_v<std::decay_t<F>, A...>) Call call(F&& function, A&&... arguments) {
  using Callable = std::decay_t<F>;
  using Arguments = typename detail::ArgumentsOf<Callable, A...>::Type;
  Call made;
  if constexpr (detail::kAllArchivable<Arguments> &&
                (std::is_pointer_v<Callable> || std::is_empty_v<Callable>)) {
    ArchiveWriter to;
    detail::write_arguments(to, static_cast<Arguments*>(nullptr), std::as_const(arguments)...);
    made.function = &detail::function_for<Arguments>(static_cast<const Callable&>(function));
    made.arguments = std::string(to.view());
  }
  made.here = [f = Callable(std::forward<F>(function)),
               kept = Arguments(std::forward<A>(arguments)...)] { std::apply(f, kept); };
  return made;
}

template <auto F, typename... A>
Call call(A&&... arguments) {
  detail::register_function<F>();
  return call(F, std::forward<A>(arguments)...);
}

}  // namespace enjoin
