#include "ipc/arena.h"

#include "ipc/check.h"

namespace enjoin::ipc {

std::optional<std::uint32_t> Arena::try_allocate(std::uint32_t bytes) noexcept {
  if (begin_ == end_) {
    // Starting again at 0 keeps the touched pages few while payloads are small.
    begin_ = end_ = (end_ + size_ - 1) / size_ * size_;
  }
  const std::uint64_t place = end_ % size_;
  const std::uint64_t skip = place + bytes > size_ ? size_ - place : 0;
  if (end_ - begin_ + skip + bytes > size_) return std::nullopt;
  end_ += skip;
  const auto offset = static_cast<std::uint32_t>(end_ % size_);
  end_ += bytes;
  return offset;
}

void Arena::free_up_to(std::uint64_t mark) noexcept {
  // The restart at 0 may have moved begin_ past an older mark.
  if (mark <= begin_) return;
  ENJOIN_CHECK(mark <= end_, mark, end_);
  begin_ = mark;
}

}  // namespace enjoin::ipc
