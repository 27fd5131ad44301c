#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "enjoin/api.h"
#include "enjoin/archive.h"

namespace enjoin::detail {

/// A function that workers can be told to run, by name: they are the same program as the host, so
/// the name finds the same function. One object a function, of static life; it is in the list of
/// all of them from its construction to its destruction (a plug-in that is unloaded).
class ENJOIN_API Function {
 public:
  /// Reads the arguments from `arguments`, calls, writes the result to `result` (nothing for void).
  /// Throws what the function throws. `*called` is set when the arguments have been read, and
  /// `*returned` when the function has: they say whose an exception is.
  using Run = void (*)(std::string_view arguments, ArchiveWriter& result, bool* called,
                       bool* returned);

  /// `address`: of the function, nullptr where calls do not come with one. `name` must live on.
  Function(const char* name, const void* address, Run how);
  ~Function();
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;

  const char* name() const { return name_; }
  std::uint64_t id() const { return id_; }  ///< of the name
  Run run() const { return run_; }

  /// How often a function came or went: what find() said counts while this is the same.
  static std::uint64_t changes() noexcept;
  /// nullptr: there is none. Throws Error where two functions have one name.
  static const Function* find(std::uint64_t id);
  static const Function* find_address(const void* address);

 private:
  friend class FunctionList;

  const char* name_;
  const void* address_;
  Run run_;
  std::uint64_t id_;
  Function* next_ = nullptr;
};

/// What is kept of an argument until the call: what only points to its values takes them along.
template <typename T>
struct KeptAs {
  using Type = T;
};
template <>
struct KeptAs<std::string_view> {
  using Type = std::string;
};
template <typename T, std::size_t N>
struct KeptAs<std::span<T, N>> {
  using Type = std::vector<std::remove_const_t<T>>;
};
template <typename T>
using Kept = typename KeptAs<std::decay_t<T>>::Type;

/// R(A...) of whatever can be called.
template <typename F>
struct SignatureOf : SignatureOf<decltype(&F::operator())> {};
template <typename R, typename... A>
struct SignatureOf<R(A...)> {
  using Result = R;
  using Arguments = std::tuple<Kept<A>...>;
};
template <typename R, typename... A>
struct SignatureOf<R(A...) noexcept> : SignatureOf<R(A...)> {};
template <typename R, typename... A>
struct SignatureOf<R (*)(A...)> : SignatureOf<R(A...)> {};
template <typename R, typename... A>
struct SignatureOf<R (*)(A...) noexcept> : SignatureOf<R(A...)> {};
template <typename C, typename R, typename... A>
struct SignatureOf<R (C::*)(A...)> : SignatureOf<R(A...)> {};
template <typename C, typename R, typename... A>
struct SignatureOf<R (C::*)(A...) const> : SignatureOf<R(A...)> {};
template <typename C, typename R, typename... A>
struct SignatureOf<R (C::*)(A...) noexcept> : SignatureOf<R(A...)> {};
template <typename C, typename R, typename... A>
struct SignatureOf<R (C::*)(A...) const noexcept> : SignatureOf<R(A...)> {};

/// What is kept of the arguments A of a call of F: as F's parameters want them, where those are
/// known (a function, an object with one operator() that is no template), else as they are.
template <typename F, typename... A>
struct ArgumentsOf {
  using Type = std::tuple<Kept<A>...>;
};
template <typename F>
inline constexpr bool kHasOneCall = std::is_pointer_v<F>;
template <typename F>
requires requires {
  &F::operator();
}
inline constexpr bool kHasOneCall<F> = true;
template <typename F, typename... A>
requires(kHasOneCall<F>) struct ArgumentsOf<F, A...> {
  using Type = typename SignatureOf<F>::Arguments;
  static_assert(std::tuple_size_v<Type> == sizeof...(A),
                "the function takes another number of arguments");
};

template <typename F, typename... A>
void run_archived(F&& function, std::string_view bytes, ArchiveWriter& result, bool* called,
                  bool* returned, std::tuple<A...>*) {
  ArchiveReader from(bytes);
  std::tuple<A...> arguments{from.template read<A>()...};
  *called = true;
  using R = decltype(std::apply(function, std::move(arguments)));
  if constexpr (std::is_void_v<R>) {
    std::apply(function, std::move(arguments));
    *returned = true;
  } else {
    const auto& value = std::apply(function, std::move(arguments));
    *returned = true;
    result(value);
  }
}

/// For a function that is a template's argument.
template <auto F>
struct NamedFunction {
  static void run(std::string_view bytes, ArchiveWriter& result, bool* called, bool* returned) {
    using Arguments = typename SignatureOf<std::decay_t<decltype(F)>>::Arguments;
    run_archived(F, bytes, result, called, returned, static_cast<Arguments*>(nullptr));
  }
  static const void* address() {
    if constexpr (std::is_pointer_v<decltype(F)>) {
      return reinterpret_cast<const void*>(F);
    } else {
      return nullptr;
    }
  }
  inline static Function function{typeid(NamedFunction).name(), address(), &run};
};

/// For an object without members, whose type says all: a lambda that captures nothing.
template <typename F, typename Arguments>
requires(std::is_empty_v<F>&& std::is_default_constructible_v<F>) struct TypedFunction {
  static void run(std::string_view bytes, ArchiveWriter& result, bool* called, bool* returned) {
    run_archived(F{}, bytes, result, called, returned, static_cast<Arguments*>(nullptr));
  }
  inline static Function function{typeid(TypedFunction).name(), nullptr, &run};
};

}  // namespace enjoin::detail

#define ENJOIN_JOIN_2(a, b) a##b
#define ENJOIN_JOIN(a, b) ENJOIN_JOIN_2(a, b)

/// At namespace scope: calls of the function can be given to worker processes as
/// pool.submit(function, arguments…). An overloaded function is to be cast, or wrapped in another.
#define ENJOIN_FUNCTION(function_)                                             \
  [[maybe_unused]] static const ::enjoin::detail::Function* const ENJOIN_JOIN( \
      enjoin_function_, __COUNTER__) = &::enjoin::detail::NamedFunction<&function_>::function
