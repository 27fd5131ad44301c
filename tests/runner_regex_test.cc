#include <string>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/regex.h"

namespace enjoin {
namespace {

std::string error_of(const std::string& pattern) {
  try {
    const Regex regex(pattern, "--colsep");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST_CASE("regex: it finds the leftmost match from an offset on") {
  Regex regex("b+", "--colsep");
  REQUIRE(regex.search("abbcb", 0));
  CHECK(regex.begin() == 1);
  CHECK(regex.end() == 3);
  REQUIRE(regex.search("abbcb", 3));
  CHECK(regex.begin() == 4);
  CHECK_FALSE(regex.search("abbcb", 5));
}

TEST_CASE("regex: what lies before the offset is seen by look-behind") {
  Regex regex("(?<=a)b", "--colsep");
  REQUIRE(regex.search("ab", 1));
  CHECK(regex.begin() == 1);
}

TEST_CASE("regex: going on from match to match passes over the empty one") {
  Regex regex("x*", "--colsep");
  REQUIRE(regex.search("axx", 0));
  CHECK(regex.end() == 0);
  REQUIRE(regex.search_beyond("axx", 0));
  CHECK(regex.begin() == 1);
  CHECK(regex.end() == 3);
  REQUIRE(regex.search_beyond("xa", 1));
  CHECK(regex.begin() == 2);
  CHECK(regex.end() == 2);
  CHECK_FALSE(regex.search_beyond("x", 1));
}

TEST_CASE("regex: groups are offsets, and those without part have none") {
  Regex regex("(a)|(b)", "--colsep");
  CHECK(regex.groups() == 2);
  REQUIRE(regex.search("xb", 0));
  CHECK(regex.begin(1) == Regex::kNone);
  CHECK(regex.begin(2) == 1);
  CHECK(regex.end(2) == 2);
}

TEST_CASE("regex: bytes are characters, NUL among them") {
  Regex regex(".", "--colsep");
  REQUIRE(regex.search("\xC3\xA4", 0));
  CHECK(regex.end() == 1);
  REQUIRE(regex.search(std::string("\0", 1), 0));
  CHECK(regex.end() == 1);
}

TEST_CASE("regex: options are those of perl") {
  CHECK(Regex("A", "x", {.ignore_case = true}).search("a", 0));
  CHECK(Regex("^b", "x", {.multi_line = true}).search("a\nb", 0));
  CHECK(Regex("a.b", "x", {.dot_matches_all = true}).search("a\nb", 0));
  CHECK(Regex("a b # c", "x", {.extended = true}).search("ab", 0));
  CHECK_FALSE(Regex("A|^b|a.b|a b", "x").search("a\nb", 0));
}

TEST_CASE("regex: empty text without storage is text") {
  CHECK(Regex("^$", "x").search({}, 0));
}

TEST_CASE("regex: one that is not valid is named with its place") {
  const std::string error = error_of("a(b");
  CHECK(error.find("'a(b' of --colsep is not valid: missing closing parenthesis (at offset 3)") !=
        std::string::npos);
}

TEST_CASE("regex: one that would match for ever is an error") {
  Regex regex("^(a+)*[bc]$(?<!x)", "--recend");
  CHECK_THROWS_AS(regex.search(std::string(64, 'a') + "b!", 0), Error);
}

TEST_CASE("regex: deep nesting that machine code has no stack for still matches") {
  Regex regex("^(?:(a)|b)*$", "x");
  CHECK(regex.search(std::string(200000, 'a'), 0));
}

}  // namespace
}  // namespace enjoin
