#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace enjoin {

/// Finds jobs by the hash of their id (Identity::key). The hashes themselves are the caller's:
/// eight bytes a slot are all that lies here, half of it to tell most others apart without a look
/// there.
class IdTable {
 public:
  using Key = std::array<std::uint64_t, 2>;

  /// Where `key` is or belongs. Valid until the next insert().
  struct Place {
    std::size_t slot = 0;
    std::optional<std::uint32_t> index;  ///< none: nobody has it
  };
  /// `key_of(index)`: the key of what was inserted as `index`.
  template <typename KeyOf>
  Place find(const Key& key, KeyOf key_of) const {
    const std::size_t mask = slots_.size() - 1;
    const std::uint32_t mark = mark_of(key);
    for (std::size_t slot = mark & mask;; slot = (slot + 1) & mask) {
      const Slot& there = slots_[slot];
      if (there.next_index == 0) return {slot, std::nullopt};
      const std::uint32_t index = there.next_index - 1;
      if (there.mark == mark && key_of(index) == key) return {slot, index};
    }
  }

  void insert(const Place& place, const Key& key, std::uint32_t index) {
    slots_[place.slot] = {mark_of(key), index + 1};
    if (++used_ * 4 > slots_.size() * 3) grow();
  }

  /// find() for this key will come soon.
  void prefetch(const Key& key) const {
    __builtin_prefetch(&slots_[mark_of(key) & (slots_.size() - 1)]);
  }

 private:
  struct Slot {
    std::uint32_t mark = 0;
    std::uint32_t next_index = 0;  // index + 1; 0: free
  };

  static std::uint32_t mark_of(const Key& key) { return static_cast<std::uint32_t>(key[0]); }

  // Places follow from the marks alone: the keys lie elsewhere, and each look there is slow.
  void grow() {
    std::vector<Slot> larger(slots_.size() * 2);
    const std::size_t mask = larger.size() - 1;
    for (const Slot& slot : slots_) {
      if (slot.next_index == 0) continue;
      std::size_t at = slot.mark & mask;
      while (larger[at].next_index != 0) at = (at + 1) & mask;
      larger[at] = slot;
    }
    slots_.swap(larger);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::size_t used_ = 0;
};

}  // namespace enjoin
