#include "ipc/segment.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "enjoin/error.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace enjoin::ipc {
namespace {

namespace bip = boost::interprocess;

// mapped_region maps whatever type gives it a handle.
struct FdMapping {
  int fd;
  bip::mapping_handle_t get_mapping_handle() const {
    bip::mapping_handle_t handle{};
    handle.handle = fd;
    handle.is_xsi = false;
    return handle;
  }
};

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

bip::mapped_region map_whole(int fd, std::size_t size, bip::mode_t mode) {
  try {
    return bip::mapped_region(FdMapping{fd}, mode, 0, size);
  } catch (const bip::interprocess_exception& failure) {
    throw system_error("cannot map shared memory of " + std::to_string(size) + " bytes",
                       failure.get_native_error());
  }
}

}  // namespace

Segment Segment::create(SegmentKind kind, std::size_t size_bytes, SegmentRights rights) {
  Segment made;
  made.fd_.reset(::memfd_create("enjoin", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!made.fd_) throw system_error("cannot make shared memory (memfd_create)", errno);
  if (::ftruncate(made.fd_.get(), static_cast<off_t>(size_bytes)) != 0) {
    throw system_error("cannot size shared memory to " + std::to_string(size_bytes) + " bytes",
                       errno);
  }
  made.region_ = map_whole(made.fd_.get(), size_bytes, bip::read_write);
  SegmentHeader& header = made.header();
  header.magic = kMagic;
  header.signature = kLayoutSignature;
  header.kind = kind;
  header.creator_pid = static_cast<std::uint32_t>(::getpid());
  header.size_bytes = size_bytes;
  // Before 5.1 there is no FUTURE_WRITE; workers then map read-only of their own accord.
  if (rights == SegmentRights::kCreatorWrites) {
    [[maybe_unused]] const int seal = ::fcntl(made.fd_.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
  }
  if (::fcntl(made.fd_.get(), F_ADD_SEALS, kSizeSeals) != 0) {
    throw system_error("cannot seal shared memory", errno);
  }
  return made;
}

Segment Segment::attach(UniqueFd fd, SegmentKind kind, SegmentRights rights) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0) throw system_error("descriptor is no sealed shared memory", errno);
  if ((seals & kSizeSeals) != kSizeSeals) throw Error("shared memory is not sealed against resize");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw system_error("cannot examine shared memory", errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < sizeof(SegmentHeader)) throw Error("shared memory is too small for its header");

  Segment joined;
  joined.fd_ = std::move(fd);
  joined.region_ =
      map_whole(joined.fd_.get(), size,
                rights == SegmentRights::kCreatorWrites ? bip::read_only : bip::read_write);
  const SegmentHeader header = joined.header();
  if (header.magic != kMagic) throw WrongHeader("shared memory is not enjoin's (wrong magic)");
  if (header.signature != kLayoutSignature) {
    throw WrongHeader("shared memory was made by another build of enjoin (layout differs)");
  }
  if (header.kind != kind) throw WrongHeader("shared memory is of another kind");
  if (header.size_bytes != size)
    throw WrongHeader("shared memory has another size than its header says");
  return joined;
}

bool has_future_write_seal() {
  UniqueFd probe(::memfd_create("enjoin-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  return probe && ::fcntl(probe.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0;
}

}  // namespace enjoin::ipc
