#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "enjoin/error.h"
#include "ipc/segment.h"
#include "ipc/team_memory.h"
#include "support/ipc_views.h"

using namespace enjoin;
using namespace enjoin::ipc;

namespace {

constexpr std::size_t kSize = 8192;

Segment make_shared() {
  return Segment::create(SegmentKind::kResults, kSize, SegmentRights::kSharedWrite);
}

Segment join(int fd, SegmentKind kind = SegmentKind::kResults) {
  return Segment::attach(test::duplicate(fd), kind, SegmentRights::kSharedWrite);
}

}  // namespace

TEST_CASE("segment: what one view writes the other reads") {
  const Segment made = make_shared();
  const Segment joined = join(made.fd());
  std::memcpy(made.base() + 4096, "hello", 6);
  CHECK(joined.size_bytes() == kSize);
  CHECK(std::strcmp(joined.at<const char>(4096), "hello") == 0);
  CHECK(joined.header().creator_pid == static_cast<std::uint32_t>(::getpid()));
}

TEST_CASE("segment: nobody can shrink or grow it, or lift the seals") {
  const Segment made = make_shared();
  CHECK(::ftruncate(made.fd(), 4096) == -1);
  CHECK(errno == EPERM);
  CHECK(::ftruncate(made.fd(), 1 << 20) == -1);
  CHECK(errno == EPERM);
  CHECK(::fcntl(made.fd(), F_ADD_SEALS, F_SEAL_WRITE) == -1);
}

TEST_CASE("segment: its descriptor does not survive exec") {
  const Segment made = make_shared();
  CHECK((::fcntl(made.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("segment: only its creator's mapping can write what is sealed so") {
  if (!has_future_write_seal()) {
    MESSAGE("SKIPPED: this kernel has no F_SEAL_FUTURE_WRITE");
    return;
  }
  const Segment made = Segment::create(SegmentKind::kTable, kSize, SegmentRights::kCreatorWrites);
  CHECK_THROWS_AS(
      Segment::attach(test::duplicate(made.fd()), SegmentKind::kTable, SegmentRights::kSharedWrite),
      Error);
  const Segment reader = Segment::attach(test::duplicate(made.fd()), SegmentKind::kTable,
                                         SegmentRights::kCreatorWrites);
  CHECK(::mprotect(reader.base(), reader.size_bytes(), PROT_READ | PROT_WRITE) == -1);
  CHECK(::pwrite(made.fd(), "x", 1, 4096) == -1);

  made.base()[4096] = std::byte{7};
  CHECK(reader.base()[4096] == std::byte{7});
}

TEST_CASE("segment: a worker's view of the table cannot be made writable") {
  if (!has_future_write_seal()) {
    MESSAGE("SKIPPED: this kernel has no F_SEAL_FUTURE_WRITE");
    return;
  }
  const TeamMemory memory = TeamMemory::create({.slots = 8, .workers = 2, .print_window = 16});
  const TeamMemory worker = test::worker_view(memory);
  CHECK(::mprotect(&worker.table(), 4096, PROT_READ | PROT_WRITE) == -1);
  void* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory.table_fd(), 0);
  CHECK(mapped == MAP_FAILED);
}

TEST_CASE("segment: another kind is refused") {
  const Segment made = make_shared();
  CHECK_THROWS_AS(join(made.fd(), SegmentKind::kControl), Error);
}

TEST_CASE("segment: a wrong magic is refused") {
  const Segment made = make_shared();
  made.header().magic ^= 1;
  CHECK_THROWS_AS(join(made.fd()), Error);
}

TEST_CASE("segment: another build's layout is refused") {
  const Segment made = make_shared();
  ++made.header().signature;
  CHECK_THROWS_AS(join(made.fd()), Error);
}

TEST_CASE("segment: a header that names another size is refused") {
  const Segment made = make_shared();
  made.header().size_bytes = kSize * 2;
  CHECK_THROWS_AS(join(made.fd()), Error);
}

TEST_CASE("segment: memory that could still shrink is refused") {
  const UniqueFd plain(::memfd_create("enjoin-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(plain.get(), kSize) == 0);
  CHECK_THROWS_AS(join(plain.get()), Error);
}

TEST_CASE("segment: a file too small for a header is refused") {
  const UniqueFd tiny(::memfd_create("enjoin-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(tiny.get(), 8) == 0);
  REQUIRE(::fcntl(tiny.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
  CHECK_THROWS_AS(join(tiny.get()), Error);
}

TEST_CASE("segment: a descriptor that is no shared memory is refused") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  CHECK_THROWS_AS(join(in.get()), Error);
}

TEST_CASE("segment: counts that do not fit the sizes are refused") {
  const TeamMemory memory = TeamMemory::create({.slots = 8, .workers = 2, .print_window = 16});
  std::uint32_t& slots = memory.table().header.count[0];
  slots = 16;
  CHECK_THROWS_AS(test::worker_view(memory), Error);
  slots = 7;
  CHECK_THROWS_AS(test::worker_view(memory), Error);
  slots = 8;
  CHECK(test::worker_view(memory).slots() == 8);
}

TEST_CASE("segment: a table is not taken for a control segment") {
  const TeamMemory memory = TeamMemory::create({.slots = 8, .workers = 2, .print_window = 16});
  CHECK_THROWS_AS(
      TeamMemory::attach(test::duplicate(memory.control_fd()), test::duplicate(memory.table_fd())),
      Error);
}
