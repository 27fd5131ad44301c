#pragma once

#include <cstdint>
#include <optional>

namespace enjoin::ipc {

/// Where payloads too large for a slot lie: a ring of bytes, given out and taken back in the order
/// of publication. Its state is private to the supervisor, the only writer, so a worker's death
/// leaves nothing to repair here: the payload of a job is taken back when its slot is, whoever
/// owned it. A payload is never split; the bytes skipped at the end of the ring go with it.
class Arena {
 public:
  explicit Arena(std::uint32_t size_bytes) noexcept : size_(size_bytes) {}

  /// A place for `bytes` in a row, or nullopt while there is none. A piece larger than the whole
  /// arena never fits: see fits_ever.
  std::optional<std::uint32_t> try_allocate(std::uint32_t bytes) noexcept;
  bool fits_ever(std::uint64_t bytes) const noexcept { return bytes <= size_; }

  /// The mark to hand to free_up_to once everything allocated until now is done with.
  std::uint64_t mark() const noexcept { return end_; }
  void free_up_to(std::uint64_t mark) noexcept;

  std::uint64_t used_bytes() const noexcept { return end_ - begin_; }

 private:
  std::uint64_t size_;
  std::uint64_t begin_ = 0;  // both run on for ever; the place is the value modulo size_
  std::uint64_t end_ = 0;
};

}  // namespace enjoin::ipc
