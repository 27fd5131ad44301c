#include "worker/term_safe.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace enjoin {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

/// The first character of `text`, which is not empty. Overlong forms, surrogates and codes beyond
/// U+10FFFF are not UTF-8.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  std::uint32_t code = lead & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[bytes] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return {};
  return {code, bytes};
}

/// Characters that change what is shown around them: directions and line ends.
bool reorders(std::uint32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

bool is_control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

void append_byte(std::uint32_t byte, std::string* out) {
  char text[8];
  const int size = std::snprintf(text, sizeof text, "\\x%02X", byte);
  out->append(text, static_cast<std::size_t>(size));
}

void append_escaped(std::uint32_t code, std::string* out) {
  switch (code) {
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      break;
  }
  if (code < 0x80) {
    append_byte(code, out);
  } else {
    char text[16];
    const int size = std::snprintf(text, sizeof text, "\\u{%04X}", code);
    out->append(text, static_cast<std::size_t>(size));
  }
}

}  // namespace

void append_term_safe(std::string_view text, std::string* out) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.bytes == 0) {
      append_byte(static_cast<unsigned char>(text[0]), out);
      text.remove_prefix(1);
      continue;
    }
    if (is_control(character.code) || reorders(character.code)) {
      append_escaped(character.code, out);
    } else {
      out->append(text, 0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
}

std::string term_safe(std::string_view text) {
  std::string out;
  append_term_safe(text, &out);
  return out;
}

std::string term_safe_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    append_term_safe(text.substr(0, size), &out);
    text.remove_prefix(size);
    if (text.empty()) break;
    out += '\n';
    text.remove_prefix(1);
  }
  return out;
}

std::string without_controls(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::size_t bytes = std::max<std::size_t>(character.bytes, 1);
    if (character.bytes != 0 && !is_control(character.code) && !reorders(character.code)) {
      out.append(text, 0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return out;
}

std::size_t term_columns(std::string_view safe_text) {
  std::size_t columns = 0;
  while (!safe_text.empty()) {
    const Character character = first_character(safe_text);
    columns += character.code >= 0x1100 ? 2 : 1;
    safe_text.remove_prefix(character.bytes == 0 ? 1 : character.bytes);
  }
  return columns;
}

std::string_view term_prefix(std::string_view safe_text, std::size_t columns) {
  std::size_t bytes = 0;
  while (bytes < safe_text.size()) {
    const Character character = first_character(safe_text.substr(bytes));
    const std::size_t width = character.code >= 0x1100 ? 2 : 1;
    if (width > columns) break;
    columns -= width;
    bytes += character.bytes == 0 ? 1 : character.bytes;
  }
  return safe_text.substr(0, bytes);
}

}  // namespace enjoin
