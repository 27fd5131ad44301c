#pragma once

#include <chrono>
#include <cstdint>

#include "enjoin/shared_memory.h"

namespace enjoin::shared {

/// Something that happens once, or is taken back: all who wait for it go on. Nobody holds it, so
/// that no death changes it: set stays set.
class ENJOIN_API Event : public detail::Object {
 public:
  static constexpr std::uint8_t kKind = 6;

  Event() = default;
  explicit Event(Memory& memory);

  void set();
  void clear();
  bool is_set() const;
  void wait() const;
  /// False: it was not set after `limit`.
  bool wait_for(std::chrono::nanoseconds limit) const;
};

}  // namespace enjoin::shared
