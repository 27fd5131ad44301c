// Room in the memory of shared objects: blocks one behind the other, the first that fits is taken.

#include <string>

#include <sys/mman.h>

#include "ipc/shared/mapped.h"

namespace enjoin::shared::detail {
namespace {

constexpr std::uint64_t kHeader = sizeof(BlockHeader);
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kWorthReturning = 16 * kPage;

[[noreturn]] void throw_damaged() {
  throw Error("shared memory is damaged: somebody wrote over its blocks");
}

}  // namespace

// Calls see(place, word) until it says false.
template <typename See>
void Mapped::each_block(See&& see) {
  std::uint64_t place = header().first_block;
  while (place < size_bytes()) {
    const std::uint64_t word = at<BlockHeader>(place).word.load(std::memory_order_acquire);
    const std::uint64_t size = BlockHeader::size(word);
    if (size < kHeader || size % kCacheLine != 0 || size > size_bytes() - place) throw_damaged();
    if (!see(place, word)) return;
    place += size;
  }
}

// The place of the first free block of that size at least, joined from several where need be; 0:
// there is none.
std::uint64_t Mapped::find_room(std::uint64_t size) {
  std::uint64_t before = 0;  // the free block that ends where the next begins
  std::uint64_t found = 0;
  each_block([&](std::uint64_t place, std::uint64_t word) {
    if (BlockHeader::kind(word) != Kind::kFree) {
      before = 0;
      return true;
    }
    std::uint64_t length = BlockHeader::size(word);
    if (before != 0) {
      AtomicU64& joined = at<BlockHeader>(before).word;
      length += BlockHeader::size(joined.load(std::memory_order_relaxed));
      joined.store(BlockHeader::pack(length, Kind::kFree), std::memory_order_release);
      place = before;
    }
    before = place;
    if (length >= size) found = place;
    return found == 0;
  });
  return found;
}

std::uint64_t Mapped::allocate(std::size_t size_bytes, Kind kind) {
  if (size_bytes >= this->size_bytes())
    throw Error("shared memory has no room for " + std::to_string(size_bytes) + " bytes");
  const std::uint64_t size = (size_bytes + kCacheLine - 1) / kCacheLine * kCacheLine + kHeader;
  const std::uint32_t number = self();
  const Guard guard(header().lock);
  const std::uint64_t place = find_room(size);
  if (place == 0) {
    throw Error("shared memory has no room for " + std::to_string(size_bytes) + " bytes (" +
                std::to_string(this->size_bytes()) + " in all: see MemoryOptions::size_bytes)");
  }
  BlockHeader& block = at<BlockHeader>(place);
  const std::uint64_t length = BlockHeader::size(block.word.load(std::memory_order_relaxed));
  if (length > size) {
    at<BlockHeader>(place + size)
        .word.store(BlockHeader::pack(length - size, Kind::kFree), std::memory_order_release);
  }
  block.draft_of.store(number, std::memory_order_relaxed);
  block.asked.store(size_bytes, std::memory_order_relaxed);
  block.word.store(BlockHeader::pack(size, kind), std::memory_order_release);
  return place + kHeader;
}

void Mapped::free(std::uint64_t offset) {
  BlockHeader& block = block_of(offset);
  const std::uint64_t size = BlockHeader::size(block.word.load(std::memory_order_relaxed));
  if (size < kHeader || size > size_bytes() - (offset - kHeader)) throw_damaged();
  // Large ones give their pages back to the system; fresh pages are zero.
  const std::uint64_t begin = (offset + kPage - 1) / kPage * kPage;
  const std::uint64_t end = (offset - kHeader + size) / kPage * kPage;
  if (end > begin && end - begin >= kWorthReturning) {
    ::madvise(&at<std::byte>(begin), end - begin, MADV_REMOVE);
  }
  const Guard guard(header().lock);
  block.word.store(BlockHeader::pack(size, Kind::kFree), std::memory_order_release);
}

std::uint64_t Mapped::used_bytes() {
  std::uint64_t used = 0;
  const Guard guard(header().lock);
  each_block([&](std::uint64_t, std::uint64_t word) {
    if (BlockHeader::kind(word) != Kind::kFree) used += BlockHeader::size(word);
    return true;
  });
  return used;
}

void Mapped::check_block(std::uint64_t offset, Kind kind) const {
  if (offset % kCacheLine != 0 || offset < header().first_block + kHeader ||
      offset >= size_bytes()) {
    throw Error("a shared object's place is not in its memory");
  }
  if (BlockHeader::kind(block_of(offset).word.load(std::memory_order_acquire)) != kind) {
    throw Error("a shared object is not there any more, or another was expected");
  }
}

// Objects first: they name the blocks that they need, which then are no drafts. An object that is a
// draft itself is not filled yet.
void Mapped::put_in_order(std::uint32_t number, Gone how) {
  lock_gone(header().print_lock, number, how);
  each_block([&](std::uint64_t place, std::uint64_t word) {
    const std::uint64_t offset = place + kHeader;
    if (at<BlockHeader>(place).draft_of.load(std::memory_order_acquire) != 0) return true;
    switch (BlockHeader::kind(word)) {
      case Kind::kLock:
        lock_gone(at<LockData>(offset), number, how);
        break;
      case Kind::kValue:
        lock_gone(at<ValueData>(offset).lock, number, how);
        break;
      case Kind::kSemaphore:
        semaphore_gone(*this, offset, number);
        break;
      case Kind::kBarrier:
        barrier_gone(*this, offset, number, how);
        break;
      case Kind::kQueue:
        queue_gone(*this, offset, number, how);
        break;
      default:
        break;
    }
    return true;
  });
  each_block([&](std::uint64_t place, std::uint64_t word) {
    BlockHeader& block = at<BlockHeader>(place);
    if (BlockHeader::kind(word) != Kind::kFree &&
        block.draft_of.load(std::memory_order_acquire) == number) {
      block.word.store(BlockHeader::pack(BlockHeader::size(word), Kind::kFree),
                       std::memory_order_release);
    }
    return true;
  });
}

}  // namespace enjoin::shared::detail
