#pragma once

#include <chrono>
#include <cstdint>

#include "enjoin/shared_memory.h"

namespace enjoin::shared {

enum class [[nodiscard]] Met : std::uint8_t{
    kPassed,    ///< all have come
    kBroken,    ///< a party died, or did not wait long enough: not all will come
    kTimedOut,  ///< the time was over: it is broken now, for all
};

/// A place where so many parties (threads, of any processes) wait for each other, again and again.
///
/// *When a party dies*, the barrier breaks: those who wait, and those who come, get kBroken, until
/// somebody calls reset(). A process is known for a party once it has waited here, or has got the
/// barrier as an argument of its job, until it calls leave() or ends in order.
class ENJOIN_API Barrier : public detail::Object {
 public:
  static constexpr std::uint8_t kKind = 7;

  Barrier() = default;
  /// Throws Error: no party at all.
  Barrier(Memory& memory, std::uint32_t parties);

  Met wait();
  Met wait_for(std::chrono::nanoseconds limit);
  bool broken() const;
  /// Breaks it for those who wait now, and begins anew.
  void reset();
  /// This process is no party any more: its death breaks nothing. Not while it waits.
  void leave();

  std::uint32_t parties() const;
  std::uint32_t waiting() const;
};

}  // namespace enjoin::shared
