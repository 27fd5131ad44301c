#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/unique_fd.h"

namespace enjoin {

/// A file without a name that one block lies in, mapped at a fixed place. Memory that was touched
/// once stays: who writes another block into it pays for no page again.
class BlockMemory {
 public:
  BlockMemory() = default;
  /// A file of `capacity` bytes. Throws Error where the kernel has no memory for it.
  explicit BlockMemory(std::size_t capacity);
  BlockMemory(BlockMemory&& other) noexcept;
  BlockMemory& operator=(BlockMemory&& other) noexcept;
  ~BlockMemory();

  explicit operator bool() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }  ///< open for reading and writing
  char* data() { return data_; }
  const char* data() const { return data_; }
  std::size_t size() const { return size_; }  ///< of the file; only so much of data() may be used
  std::size_t capacity() const { return capacity_; }  ///< of the mapping
  /// Makes the file `size` bytes long, at most capacity(). Bytes that are kept stay as they are.
  void resize(std::size_t size);
  /// Makes the mapping larger; data() may move.
  void grow(std::size_t capacity);

 private:
  void unmap() noexcept;
  ipc::UniqueFd fd_;
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// What one job gets on its stdin: whole records, behind a header where there is one.
struct Block {
  enum class Kind : std::uint8_t {
    kMemory,  ///< `memory` holds header and records, and nothing else
    kRange,   ///< `header`, then `length` bytes of `file` from `offset` on
  } kind = Kind::kMemory;
  std::uint64_t number = 0;  ///< from 1, without gaps
  BlockMemory memory = {};
  std::shared_ptr<const ipc::UniqueFd> file = {};  ///< shared by all ranges; use pread, not read
  std::uint64_t offset = 0;
  std::uint64_t length = 0;                        ///< bytes; of kMemory with the header
  std::shared_ptr<const std::string> header = {};  ///< null: none. Of kRange only
  std::size_t header_bytes = 0;                    ///< how many of `memory` are the header

  /// The bytes of a kMemory block.
  std::string_view bytes() const { return {memory.data(), static_cast<std::size_t>(length)}; }
};

}  // namespace enjoin
