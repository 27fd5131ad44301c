#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "worker/decorate.h"

using enjoin::cut_mark;
using enjoin::LineTagger;

namespace {

std::string tagged(std::string_view text) {
  LineTagger tagger("t");
  std::string out;
  tagger.append(text, &out);
  return out;
}

}  // namespace

TEST_CASE("tagger: each line gets the tag and a TAB") {
  CHECK(tagged("a\nb\n") == "t\ta\nt\tb\n");
}

TEST_CASE("tagger: a last line without a newline gets none") {
  CHECK(tagged("a\nb") == "t\ta\nt\tb");
}

TEST_CASE("tagger: empty lines are lines, no output is none") {
  CHECK(tagged("\n\n") == "t\t\nt\t\n");
  CHECK(tagged("").empty());
}

TEST_CASE("tagger: any byte passes") {
  const std::string bytes("\0\xff\r\n\0", 5);
  CHECK(tagged(bytes) == std::string("t\t\0\xff\r\nt\t\0", 9));
}

TEST_CASE("tagger: pieces make the same as the whole, wherever it is cut") {
  const std::string text = "one\n\ntwo three\nrest";
  const std::string whole = tagged(text);
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      LineTagger tagger("t");
      std::string out;
      tagger.append(text.substr(0, first), &out);
      tagger.append(text.substr(first, second - first), &out);
      tagger.append(text.substr(second), &out);
      REQUIRE(out == whole);
    }
  }
}

TEST_CASE("tagger: a tag may be empty or hold anything") {
  LineTagger tagger(std::string("a\tb "));
  std::string out = "before|";
  tagger.append("x\n", &out);
  CHECK(out == "before|a\tb \tx\n");
}

TEST_CASE("cut mark: it says both sizes, on a line of its own") {
  const std::string mark = cut_mark(100, 12345);
  CHECK(mark.front() == '\n');
  CHECK(mark.back() == '\n');
  CHECK(mark.find("12345") != std::string::npos);
  CHECK(mark.find("100") != std::string::npos);
}
