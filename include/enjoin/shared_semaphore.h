#pragma once

#include <chrono>
#include <cstdint>

#include "enjoin/shared_memory.h"

namespace enjoin::shared {

/// A number of permits: so many may do something at once.
///
/// A permit belongs to the process that has acquired it, and only that process (any thread of it)
/// can release it. *When a process dies*, all its permits come back.
class ENJOIN_API Semaphore : public detail::Object {
 public:
  static constexpr std::uint8_t kKind = 5;

  Semaphore() = default;
  Semaphore(Memory& memory, std::uint32_t permits);

  void acquire();
  bool try_acquire();
  bool try_acquire_for(std::chrono::nanoseconds limit);
  /// Throws Error where this process holds none.
  void release();
  /// There are so many more from now on.
  void add(std::uint32_t permits);

  std::uint32_t free() const;  ///< now; it may be another number at once
  std::uint32_t held() const;  ///< by this process
};

/// A permit for a scope.
class [[nodiscard]] Permit {
 public:
  explicit Permit(Semaphore& semaphore) : semaphore_(&semaphore) { semaphore.acquire(); }
  ~Permit() { semaphore_->release(); }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;

 private:
  Semaphore* semaphore_;
};

}  // namespace enjoin::shared
