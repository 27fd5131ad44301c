#pragma once

// A queue's slots, and the lists that follow from them.
//
// What an item is and whose is one word in its slot. The ring of ready items and the stack of spare
// slots only make things quick: who finds that a process died while it changed them makes them
// anew from the slots.

#include <optional>
#include <string>
#include <string_view>

#include "ipc/shared/mapped.h"

namespace enjoin::shared::detail {

inline constexpr std::uint32_t kMostItems = 1U << 24;  ///< a queue's slots

/// Of an ItemSlot's word.
struct ItemWord {
  ItemState state = ItemState::kFree;
  std::uint32_t deaths = 0;
  std::uint32_t owner = 0;
  std::uint32_t thread = 0;

  static ItemWord of(std::uint64_t word);
  std::uint64_t packed() const;
};

class QueueView {
 public:
  /// Throws Error: its slots would not be in the memory.
  QueueView(Mapped& mapped, QueueData& data);

  std::uint32_t item_bytes() const { return item_bytes_; }

  static std::uint64_t bytes_for(std::uint32_t most, std::uint32_t item_bytes);

  /// Makes the lists of a new one, whose slots are zero.
  static void begin(QueueData& data);

  // ---- each takes the queue's guard ----

  /// `block`: where the bytes lie, if not in the slot (0). False: it is full.
  bool try_put(std::string_view bytes, std::uint64_t block);
  struct Found {
    std::uint32_t slot;
    std::uint64_t order;  ///< tells this use of the slot from others
  };
  std::optional<Found> try_take(std::uint32_t thread);
  /// False: it is not this thread's (any more).
  bool finish(const Found& found, std::uint32_t thread);
  void process_gone(std::uint32_t number, Gone how);

  /// Of one that this process has taken.
  std::string bytes_of(std::uint32_t slot) const;

 private:
  ItemSlot& slot(std::uint32_t index) const;
  AtomicU32& ring(std::uint32_t place) const;
  AtomicU32& spare(std::uint32_t place) const;
  std::uint32_t spares() const;
  void push_ready(std::uint32_t index);
  void make_lists_anew();
  void sort_ready(std::uint32_t count);

  Mapped& mapped_;
  QueueData& data_;
  const std::uint32_t most_;  ///< what was checked, whatever is written over it
  const std::uint32_t item_bytes_;
};

}  // namespace enjoin::shared::detail
