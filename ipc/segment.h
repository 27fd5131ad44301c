#pragma once

#include <cstddef>
#include <string>

#include <boost/interprocess/mapped_region.hpp>

#include "enjoin/error.h"
#include "ipc/layout.h"
#include "ipc/unique_fd.h"

namespace enjoin::ipc {

/// What others may still do with a segment once it is sealed.
enum class SegmentRights : std::uint8_t {
  kSharedWrite,    ///< all holders of the descriptor may write
  kCreatorWrites,  ///< only mappings made before sealing may write (F_SEAL_FUTURE_WRITE)
};

/// What lies at a segment's begin is not what its creator wrote there.
class WrongHeader : public Error {
 public:
  using Error::Error;
};

/// Unnamed shared memory: a memfd of fixed size, sealed against resizing, mapped whole. It has no
/// name, so that nothing can squat on it, guess it, or be left behind by SIGKILL. The descriptor is
/// close-on-exec; a worker gets it by inheritance, a job never.
/// Move-only; unmaps and closes at its end. Not for use by several threads while it moves.
class Segment {
 public:
  Segment() = default;

  /// Makes one of `size_bytes`, zero-filled, with its header in place. Throws Error.
  static Segment create(SegmentKind kind, std::size_t size_bytes, SegmentRights rights);

  /// Maps one that a supervisor made: checks seals, size, magic, signature and kind. Takes `fd`.
  /// Throws Error: which check failed.
  static Segment attach(UniqueFd fd, SegmentKind kind, SegmentRights rights);

  std::byte* base() const { return static_cast<std::byte*>(region_.get_address()); }
  std::size_t size_bytes() const { return region_.get_size(); }
  int fd() const { return fd_.get(); }
  SegmentHeader& header() const { return *reinterpret_cast<SegmentHeader*>(base()); }
  explicit operator bool() const { return region_.get_address() != nullptr; }

  /// Closes the descriptor and keeps the mapping.
  void close_fd() { fd_.reset(); }

  template <typename T>
  T* at(std::uint64_t offset) const {
    return reinterpret_cast<T*>(base() + offset);
  }

 private:
  UniqueFd fd_;
  boost::interprocess::mapped_region region_;
};

/// True where the kernel has F_SEAL_FUTURE_WRITE (Linux 5.1).
bool has_future_write_seal();

}  // namespace enjoin::ipc
