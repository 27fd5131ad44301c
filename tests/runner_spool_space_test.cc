#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ipc/unique_fd.h"
#include "runner/team/spool_space.h"

using enjoin::SpoolSpace;

namespace {

constexpr std::int64_t kPiece = SpoolSpace::kPiece;

// In memory, whose holes show at once.
struct Spool {
  enjoin::ipc::UniqueFd fd{::memfd_create("spool", MFD_CLOEXEC)};
  explicit Spool(std::int64_t size) {
    const std::string bytes(static_cast<std::size_t>(size), 'x');
    REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) == size);
  }
  std::int64_t held() const {
    struct stat status {};
    REQUIRE(::fstat(fd.get(), &status) == 0);
    return status.st_blocks * 512;
  }
};

}  // namespace

TEST_CASE("spool space: a piece goes when all of it was printed, in whatever order") {
  const Spool spool(3 * kPiece);
  SpoolSpace space;
  space.note_printed(spool.fd.get(), kPiece / 2, kPiece);
  CHECK(spool.held() == 3 * kPiece);
  space.note_printed(spool.fd.get(), 0, kPiece / 2);
  CHECK(spool.held() == 2 * kPiece);
  space.note_printed(spool.fd.get(), kPiece * 3 / 2, kPiece / 2);
  CHECK(spool.held() == kPiece);
}

TEST_CASE("spool space: what waits stays, byte for byte") {
  const Spool spool(2 * kPiece);
  SpoolSpace space;
  for (std::int64_t at = 0; at < 2 * kPiece - 7; at += 7) {
    space.note_printed(spool.fd.get(), at, 7);
  }
  CHECK(spool.held() == kPiece);
  char last = 0;
  REQUIRE(::pread(spool.fd.get(), &last, 1, 2 * kPiece - 1) == 1);
  CHECK(last == 'x');
}

TEST_CASE("spool space: one output may be longer than a piece") {
  const Spool spool(4 * kPiece);
  SpoolSpace space;
  space.note_printed(spool.fd.get(), 10, 4 * kPiece - 10);
  CHECK(spool.held() == kPiece);
}
