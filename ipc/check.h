#pragma once

#include <cstdint>

namespace enjoin::ipc {

/// Prints file, line, the broken condition and two values on stderr, then aborts. Allocates
/// nothing.
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::uint64_t left, std::uint64_t right) noexcept;

}  // namespace enjoin::ipc

/// An invariant of our own that must hold in release builds too. Never used on what a worker or a
/// job may have written: that is checked and answered with a value.
#define ENJOIN_CHECK(condition, left, right)                          \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::enjoin::ipc::check_failed(__FILE__, __LINE__, #condition,     \
                                  static_cast<std::uint64_t>(left),   \
                                  static_cast<std::uint64_t>(right)); \
  } while (false)
