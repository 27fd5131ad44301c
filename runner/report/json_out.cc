#include "runner/report/json_out.h"

#include <cmath>

#include <fmt/format.h>

namespace enjoin {
namespace {

/// The bytes of the character that `text` begins with; 0: it is not UTF-8. Overlong forms,
/// surrogates and what is beyond U+10FFFF are not.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (text.size() < bytes) return 0;
  for (std::size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return 0;
  }
  const unsigned next = byte(1);
  const bool is_wrong = (lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F) ||
                        (lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F);
  return is_wrong ? 0 : bytes;
}

void append_quoted(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '\t') {
      *out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      *out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      *out += c;
    }
  }
  *out += '"';
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    valid += bytes == 0 ? std::string_view("\uFFFD") : text.substr(0, bytes);
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return valid;
}

void JsonOut::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (!is_first_) text_ += ',';
  is_first_ = false;
  if (depth_ > 0) text_ += '\n';
  text_.append(depth_ * 2, ' ');
}

JsonOut& JsonOut::open(char bracket) {
  separate();
  text_ += bracket;
  ++depth_;
  is_first_ = true;
  return *this;
}

JsonOut& JsonOut::close(char bracket) {
  --depth_;
  if (!is_first_) {
    text_ += '\n';
    text_.append(depth_ * 2, ' ');
  }
  text_ += bracket;
  is_first_ = false;
  return *this;
}

JsonOut& JsonOut::raw(std::string_view text) {
  separate();
  text_ += text;
  return *this;
}

JsonOut& JsonOut::key(std::string_view name) {
  separate();
  append_quoted(name, &text_);
  text_ += ": ";
  after_key_ = true;
  return *this;
}

JsonOut& JsonOut::value(std::string_view text) {
  separate();
  append_quoted(valid_utf8(text), &text_);
  return *this;
}

JsonOut& JsonOut::value(double number) {
  return raw(std::isfinite(number) ? fmt::format("{}", number) : "null");
}

JsonOut& JsonOut::value(std::uint64_t number) {
  return raw(fmt::format("{}", number));
}

JsonOut& JsonOut::value(std::int64_t number) {
  return raw(fmt::format("{}", number));
}

JsonOut& JsonOut::value(bool is_so) {
  return raw(is_so ? "true" : "false");
}

JsonOut& JsonOut::null() {
  return raw("null");
}

std::string JsonOut::take() {
  text_ += '\n';
  return std::move(text_);
}

}  // namespace enjoin
