#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace enjoin {

/// Finds jobs by the hash of their id (Identity::key). The hashes themselves are the caller's:
/// eight bytes a slot are all that lies here, half of it to tell most others without a look there.
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
    const auto mark = static_cast<std::uint32_t>(key[1] >> 32);
    for (std::size_t slot = key[0] & mask;; slot = (slot + 1) & mask) {
      const Slot& there = slots_[slot];
      if (there.next_index == 0) return {slot, std::nullopt};
      const std::uint32_t index = there.next_index - 1;
      if (there.mark == mark && key_of(index) == key) return {slot, index};
    }
  }

  template <typename KeyOf>
  void insert(const Place& place, const Key& key, std::uint32_t index, KeyOf key_of) {
    slots_[place.slot] = {static_cast<std::uint32_t>(key[1] >> 32), index + 1};
    if (++used_ * 4 > slots_.size() * 3) grow(key_of);
  }

 private:
  struct Slot {
    std::uint32_t mark = 0;
    std::uint32_t next_index = 0;  // index + 1; 0: free
  };

  template <typename KeyOf>
  void grow(KeyOf key_of) {
    std::vector<Slot> larger(slots_.size() * 2);
    const std::size_t mask = larger.size() - 1;
    for (const Slot& slot : slots_) {
      if (slot.next_index == 0) continue;
      std::size_t at = key_of(slot.next_index - 1)[0] & mask;
      while (larger[at].next_index != 0) at = (at + 1) & mask;
      larger[at] = slot;
    }
    slots_.swap(larger);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::size_t used_ = 0;
};

}  // namespace enjoin
