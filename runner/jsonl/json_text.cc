#include "runner/jsonl/json_text.h"

#include <cstddef>

#include <fmt/format.h>

namespace enjoin {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::string_view kReplacement = "\\ufffd";

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool is_next(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

/// The length of the UTF-8 character of several bytes that begins here; 0: none does. Overlong
/// forms, surrogates and what is beyond U+10FFFF are none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_at(text, at);
  const unsigned char second = byte_at(text, at + 1);
  if (lead < 0xC2 || lead > 0xF4 || !is_next(second)) return 0;
  if (lead < 0xE0) return 2;
  if (!is_next(byte_at(text, at + 2))) return 0;
  if (lead < 0xF0) {
    if (lead == 0xE0 && second < 0xA0) return 0;
    if (lead == 0xED && second > 0x9F) return 0;
    return 3;
  }
  if (!is_next(byte_at(text, at + 3))) return 0;
  if (lead == 0xF0 && second < 0x90) return 0;
  if (lead == 0xF4 && second > 0x8F) return 0;
  return 4;
}

void append_escape(char letter, std::string* out) {
  switch (letter) {
    case '"':
      *out += "\\\"";
      return;
    case '\\':
      *out += "\\\\";
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\t':
      *out += "\\t";
      return;
    case '\r':
      *out += "\\r";
      return;
    default:
      *out += "\\u00";
      *out += kHex[static_cast<unsigned char>(letter) >> 4];
      *out += kHex[static_cast<unsigned char>(letter) & 15];
  }
}

}  // namespace

bool append_json_text(std::string_view text, std::string* out) {
  bool is_whole = true;
  *out += '"';
  std::size_t plain = 0;  // where what can be copied as it is begins
  const auto copy_plain = [&](std::size_t end) { out->append(text, plain, end - plain); };
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    if (const std::size_t length = byte >= 0x80 ? utf8_length(text, at) : 0; length > 0) {
      at += length;
      continue;
    }
    copy_plain(at);
    if (byte >= 0x80) {
      *out += kReplacement;
      is_whole = false;
    } else {
      append_escape(text[at], out);
    }
    plain = ++at;
  }
  copy_plain(text.size());
  *out += '"';
  return is_whole;
}

void append_base64(std::string_view bytes, std::string* out) {
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t left = bytes.size() - at;
    const unsigned group = (unsigned{byte_at(bytes, at)} << 16) |
                           (unsigned{byte_at(bytes, at + 1)} << 8) | byte_at(bytes, at + 2);
    *out += kLetters[group >> 18];
    *out += kLetters[(group >> 12) & 63];
    *out += left > 1 ? kLetters[(group >> 6) & 63] : '=';
    *out += left > 2 ? kLetters[group & 63] : '=';
  }
}

void JsonLine::begin_field(std::string_view key) {
  if (!is_first_) *out_ += ',';
  is_first_ = false;
  *out_ += '"';
  *out_ += key;
  *out_ += "\":";
}

JsonLine& JsonLine::add_raw(std::string_view key, std::string_view text) {
  begin_field(key);
  *out_ += text;
  return *this;
}

JsonLine& JsonLine::add(std::string_view key, std::string_view text) {
  begin_field(key);
  if (append_json_text(text, out_)) return *this;
  *out_ += fmt::format(",\"{}_base64\":\"", key);
  append_base64(text, out_);
  *out_ += '"';
  return *this;
}

JsonLine& JsonLine::add(std::string_view key, std::chrono::nanoseconds time) {
  const std::int64_t microseconds = time.count() / 1000;
  if (microseconds < 0)
    return add_raw(key, fmt::format("{:.6f}", static_cast<double>(time.count()) / 1e9));
  return add_raw(key, fmt::format("{}.{:06}", microseconds / 1'000'000, microseconds % 1'000'000));
}

}  // namespace enjoin
