#include <cstdio>
#include <string>

#include <doctest/doctest.h>

#include "worker/term_safe.h"

using namespace enjoin;

TEST_CASE("term_safe: every single byte") {
  for (int code = 0; code < 256; ++code) {
    const std::string byte(1, static_cast<char>(code));
    std::string expected = byte;
    char escape[8];
    std::snprintf(escape, sizeof(escape), "\\x%02X", static_cast<unsigned>(code));
    if (code < 0x20 || code >= 0x7f) expected = escape;
    if (code == '\n') expected = "\\n";
    if (code == '\r') expected = "\\r";
    if (code == '\t') expected = "\\t";
    CHECK(term_safe(byte) == expected);
  }
}

TEST_CASE("term_safe: ordinary text in any language stays") {
  const std::string text = "a\\b 'c' \xc3\xa4 \xe2\x82\xac \xe6\x97\xa5 \xf0\x9f\x98\x80";
  CHECK(term_safe(text) == text);
}

TEST_CASE("term_safe: escape sequences become visible") {
  CHECK(term_safe("\x1b]52;c;QQ==\x07") == "\\x1B]52;c;QQ==\\x07");
  CHECK(term_safe("\x1b[2J") == "\\x1B[2J");
  // CSI as one C1 character in UTF-8, and as a single byte.
  CHECK(term_safe("\xc2\x9b"
                  "2J") == "\\u{009B}2J");
  CHECK(term_safe("\x9b"
                  "2J") == "\\x9B2J");
}

TEST_CASE("term_safe: controls that turn the direction of text become visible") {
  CHECK(term_safe("a\xe2\x80\xae"
                  "b") == "a\\u{202E}b");
  CHECK(term_safe("\xd8\x9c") == "\\u{061C}");
  CHECK(term_safe("\xe2\x80\x8e\xe2\x80\x8f") == "\\u{200E}\\u{200F}");
  CHECK(term_safe("\xe2\x81\xa6\xe2\x81\xa9") == "\\u{2066}\\u{2069}");
  CHECK(term_safe("\xe2\x80\xa8") == "\\u{2028}");
}

TEST_CASE("term_safe: bytes that are not UTF-8 become visible one by one") {
  CHECK(term_safe("\xc3") == "\\xC3");
  CHECK(term_safe("\xc0\xaf") == "\\xC0\\xAF");
  CHECK(term_safe("\xe2\x82") == "\\xE2\\x82");
  CHECK(term_safe("\xed\xa0\x80") == "\\xED\\xA0\\x80");
  CHECK(term_safe("\xf4\x90\x80\x80") == "\\xF4\\x90\\x80\\x80");
}

TEST_CASE("term_safe: columns of wide and of ordinary characters") {
  CHECK(term_columns("abc") == 3);
  CHECK(term_columns("\xc3\xa4") == 1);
  CHECK(term_columns("\xe6\x97\xa5") == 2);
  CHECK(term_prefix("a\xe6\x97\xa5z", 2) == "a");
  CHECK(term_prefix("a\xe6\x97\xa5z", 3) == "a\xe6\x97\xa5");
}

TEST_CASE("term_safe: what is safe already stays, and lines may stay lines") {
  std::string all;
  for (int code = 0; code < 256; ++code) all += static_cast<char>(code);
  const std::string once = term_safe(all);
  CHECK(term_safe(once) == once);
  CHECK(term_safe_lines("a\033\nb\n\nc") == "a\\x1B\nb\n\nc");
  CHECK(term_safe_lines("").empty());
}

TEST_CASE("term_safe: a line that is drawn in place has no escapes, but no controls either") {
  CHECK(without_controls("a\x1b[2Jb") == "a[2Jb");
  // C1 as a byte and in UTF-8, a direction, a cut character.
  CHECK(without_controls("a\x9b"
                         "b\xc2\x9b"
                         "c\xe2\x80\xae"
                         "d\xc3") == "abcd");
  CHECK(without_controls("\xc3\xa4\xe6\x97\xa5") == "\xc3\xa4\xe6\x97\xa5");
}
