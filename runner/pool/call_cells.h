#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "enjoin/pool_core.h"
#include "ipc/layout.h"
#include "worker/function/function_protocol.h"

namespace enjoin {

class CallCells;

/// Where a call is on its way.
enum class CallPlace : std::uint8_t {
  kBacklog,  ///< with us, for want of room in the queue
  kQueued,   ///< published
  kEnded,
};

/// A call that a process makes. One buffer serves both ways: the arguments lie in it until the
/// result comes, so that a call can be published again after a death.
struct CallCell final : detail::JobCell {
  void dispose() noexcept override;

  /// Room for `size` bytes; what was there is lost.
  char* make_room(std::size_t size);
  void drop_heap() noexcept;
  std::string_view bytes() const { return {data, size}; }

  CallCells* owner = nullptr;
  const detail::Function* function = nullptr;
  std::uint64_t ticket = 0;    ///< of its last publication
  std::uint64_t position = 0;  ///< in the queue
  std::uint64_t run_by = 0;    ///< who started it: a slot's word; 0: not known to have started
  std::uint32_t handle = 0;    ///< its own place in CallCells
  std::uint16_t deaths = 0;    ///< workers that died in it
  CallPlace place = CallPlace::kEnded;
  LogSpan in_log;  ///< its arguments, where size is not 0
  std::size_t size = 0;
  char* data = first;
  std::unique_ptr<char[]> heap;
  char first[ipc::kInlinePayload];
};

/// All calls of a pool, by handle. They are made in blocks and used again: a call costs no
/// allocation of the C++ heap.
class CallCells {
 public:
  explicit CallCells(detail::PoolCore& core) : core_(&core) {}
  CallCells(const CallCells&) = delete;
  CallCells& operator=(const CallCells&) = delete;

  /// With one hold, and one of the pool's core. Under the pool's mutex.
  CallCell& take();
  /// From dispose(); any thread.
  void give_back(CallCell& cell) noexcept;
  /// nullptr: there was never one.
  CallCell* at(std::uint32_t handle) noexcept;
  std::uint32_t count() const noexcept { return used_; }

  /// Bytes of arguments and results that do not lie in cells; told by whoever holds them.
  void add_bytes(std::uint64_t bytes) noexcept {
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void take_bytes(std::uint64_t bytes) noexcept {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kBlock = 256;

  detail::PoolCore* core_;
  std::vector<std::unique_ptr<std::array<CallCell, kBlock>>> blocks_;
  std::uint32_t used_ = 0;            // cells that were taken once
  detail::JobCell* spare_ = nullptr;  // to be taken, linked by `next`
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<detail::JobCell*> given_{nullptr};  // given back, not yet in spare_
};

}  // namespace enjoin
