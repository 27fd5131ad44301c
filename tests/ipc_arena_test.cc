#include <doctest/doctest.h>

#include "ipc/arena.h"

using enjoin::ipc::Arena;

TEST_CASE("arena: pieces lie one after the other") {
  Arena arena(100);
  CHECK(arena.try_allocate(30) == 0U);
  CHECK(arena.try_allocate(30) == 30U);
  CHECK(arena.used_bytes() == 60);
}

TEST_CASE("arena: a full arena refuses, and takes again what was freed") {
  Arena arena(100);
  REQUIRE(arena.try_allocate(60) == 0U);
  const std::uint64_t first = arena.mark();
  REQUIRE(arena.try_allocate(40) == 60U);
  CHECK_FALSE(arena.try_allocate(1));
  arena.free_up_to(first);
  CHECK(arena.try_allocate(60) == 0U);
  CHECK_FALSE(arena.try_allocate(1));
}

TEST_CASE("arena: a piece is never split, the rest of the ring is skipped") {
  Arena arena(100);
  REQUIRE(arena.try_allocate(50) == 0U);
  const std::uint64_t first = arena.mark();
  REQUIRE(arena.try_allocate(30) == 50U);
  arena.free_up_to(first);
  CHECK(arena.try_allocate(40) == 0U);
  CHECK(arena.used_bytes() == 30 + 20 + 40);
}

TEST_CASE("arena: what does not fit between skip and beginning is refused") {
  Arena arena(100);
  REQUIRE(arena.try_allocate(50) == 0U);
  const std::uint64_t first = arena.mark();
  REQUIRE(arena.try_allocate(30) == 50U);
  arena.free_up_to(first);
  CHECK_FALSE(arena.try_allocate(51));
  CHECK(arena.used_bytes() == 30);
}

TEST_CASE("arena: an empty arena begins at its start again and takes its whole size") {
  Arena arena(100);
  REQUIRE(arena.try_allocate(70));
  arena.free_up_to(arena.mark());
  CHECK(arena.used_bytes() == 0);
  CHECK(arena.try_allocate(100) == 0U);
}

TEST_CASE("arena: an old mark after the restart frees nothing") {
  Arena arena(100);
  REQUIRE(arena.try_allocate(70));
  const std::uint64_t old = arena.mark();
  arena.free_up_to(old);
  REQUIRE(arena.try_allocate(60) == 0U);
  arena.free_up_to(old);
  CHECK(arena.used_bytes() == 60);
}

TEST_CASE("arena: a piece larger than all of it never fits") {
  Arena arena(100);
  CHECK(arena.fits_ever(100));
  CHECK_FALSE(arena.fits_ever(101));
  CHECK_FALSE(arena.try_allocate(101));
  CHECK_FALSE(Arena(0).fits_ever(1));
}
