#include "runner/cli/escapes.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include <fmt/format.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

/// Takes a number of up to `most_digits` digits off the front; -1 where there is none or where it
/// is larger than a byte.
int take_byte(std::string_view* text, int base, std::size_t most_digits) {
  const std::size_t limit = std::min(most_digits, text->size());
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + limit, value, base);
  if (error != std::errc() || value < 0 || value > 255) return -1;
  text->remove_prefix(static_cast<std::size_t>(end - text->data()));
  return value;
}

/// The byte of the escape at the front of `text` (after its backslash), which is taken off; -1
/// where it is none.
int take_escape(std::string_view* text) {
  constexpr std::string_view kLetters = "abefnrtv\\";
  constexpr std::string_view kBytes = "\a\b\x1b\f\n\r\t\v\\";
  const char first = text->front();
  if (const std::size_t at = kLetters.find(first); at != std::string_view::npos) {
    text->remove_prefix(1);
    return static_cast<unsigned char>(kBytes[at]);
  }
  if (first == 'x') {
    text->remove_prefix(1);
    return take_byte(text, 16, 2);
  }
  if (first >= '0' && first <= '7') return take_byte(text, 8, first == '0' ? 4 : 3);
  return -1;
}

}  // namespace

std::string resolve_escapes(std::string_view text, std::string_view option) {
  std::string resolved;
  std::string_view rest = text;
  while (!rest.empty()) {
    const char next = rest.front();
    rest.remove_prefix(1);
    if (next != '\\' || rest.empty()) {
      resolved += next;
      continue;
    }
    const int byte = take_escape(&rest);
    if (byte < 0)
      throw Error(
          fmt::format("{} '{}': there is an escape that is none; these are: \\n \\t \\r \\a "
                      "\\b \\e \\f \\v \\\\ \\0 \\101 (octal) \\x41 (hexadecimal)",
                      option, text));
    resolved += static_cast<char>(byte);
  }
  return resolved;
}

}  // namespace enjoin
