#pragma once

#include <cstddef>
#include <vector>

#include "runner/pipe/block.h"

namespace enjoin {

/// Memories of blocks that are done, for the next ones.
class MemoryPool {
 public:
  explicit MemoryPool(std::size_t most) : most_(most) {}

  /// A file of `size` bytes, whatever is in it.
  BlockMemory take(std::size_t size) {
    if (spare_.empty()) return BlockMemory(size);
    BlockMemory memory = std::move(spare_.back());
    spare_.pop_back();
    memory.grow(size);
    memory.resize(size);
    return memory;
  }
  void put(BlockMemory memory) {
    if (memory && spare_.size() < most_) spare_.push_back(std::move(memory));
  }

 private:
  const std::size_t most_;
  std::vector<BlockMemory> spare_;
};

}  // namespace enjoin
