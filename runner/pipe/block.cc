#include "runner/pipe/block.h"

#include <cerrno>
#include <unistd.h>
#include <utility>

#include <sys/mman.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

constexpr std::size_t kPage = 4096;

std::size_t whole_pages(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}

}  // namespace

BlockMemory::BlockMemory(std::size_t capacity) {
  fd_.reset(::memfd_create("enjoin-block", MFD_CLOEXEC));
  if (!fd_) throw system_error("cannot make a file for a block of input", errno);
  grow(capacity);
  resize(capacity);
}

BlockMemory::BlockMemory(BlockMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

BlockMemory& BlockMemory::operator=(BlockMemory&& other) noexcept {
  if (this == &other) return *this;
  unmap();
  fd_ = std::move(other.fd_);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

BlockMemory::~BlockMemory() {
  unmap();
}

void BlockMemory::unmap() noexcept {
  if (data_ != nullptr) ::munmap(data_, capacity_);
  data_ = nullptr;
}

void BlockMemory::resize(std::size_t size) {
  if (size == size_) return;
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
    throw system_error("cannot make room for a block of input", errno);
  size_ = size;
}

void BlockMemory::grow(std::size_t capacity) {
  capacity = whole_pages(capacity == 0 ? 1 : capacity);
  if (capacity <= capacity_) return;
  void* const at = data_ == nullptr
                       ? ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0)
                       : ::mremap(data_, capacity_, capacity, MREMAP_MAYMOVE);
  if (at == MAP_FAILED) throw system_error("cannot map a block of input", errno);
  data_ = static_cast<char*>(at);
  capacity_ = capacity;
}

}  // namespace enjoin
