#pragma once

#include <cstdint>

#include "enjoin/shared_memory.h"

namespace enjoin::shared {

/// A number that all may change at once: each change is whole or was not made, whoever dies when.
class ENJOIN_API Counter : public detail::Object {
 public:
  static constexpr std::uint8_t kKind = 8;

  Counter() = default;
  explicit Counter(Memory& memory, std::int64_t value = 0);

  /// Says what it is then.
  std::int64_t add(std::int64_t what = 1);
  std::int64_t load() const;
  void store(std::int64_t value);
  /// Stores `value` if it is `expected`, else puts what it is there; says whether it did.
  bool compare_exchange(std::int64_t& expected, std::int64_t value);
};

}  // namespace enjoin::shared
