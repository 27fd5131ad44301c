#pragma once

#include <chrono>
#include <cstdint>

#include "enjoin/shared_memory.h"

namespace enjoin::shared {

enum class Acquired : std::uint8_t {
  kAcquired,
  kOwnerDied,  ///< held now; the last holder died with it: what it guards may be half done
};

/// Mutual exclusion between processes and threads. Not recursive. std::scoped_lock and
/// std::unique_lock take it.
///
/// *When the holder dies*, the next one gets it and is told, once: lock() says kOwnerDied, and
/// owner_died() says so until unlock(). Nobody waits for ever, and nobody takes half-done work for
/// whole. Whether and how to put it in order is the caller's affair.
class ENJOIN_API Lock : public detail::Object {
 public:
  static constexpr std::uint8_t kKind = 4;

  Lock() = default;
  explicit Lock(Memory& memory);

  /// Waits. Throws Error where the calling thread holds it already.
  Acquired lock();
  /// Without waiting. owner_died() says whether the last holder died.
  bool try_lock();
  /// Waits at most so long.
  bool try_lock_for(std::chrono::nanoseconds limit);
  /// Throws Error unless the calling thread holds it.
  void unlock();

  /// For the holder: it had it from one that died.
  bool owner_died() const;
  /// How often its holder has died.
  std::uint32_t deaths() const;
};

}  // namespace enjoin::shared
