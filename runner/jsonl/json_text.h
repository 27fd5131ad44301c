#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace enjoin {

/// Appends `text` as a JSON string. Bytes that are no UTF-8 become U+FFFD; returns whether there
/// were none of these.
bool append_json_text(std::string_view text, std::string* out);
void append_base64(std::string_view bytes, std::string* out);

/// Writes one JSON object, a field after the other, on a line of its own.
class JsonLine {
 public:
  /// Appends to `*out`, which outlives this.
  explicit JsonLine(std::string* out) : out_(out) { *out_ += '{'; }

  /// Where the text is no UTF-8, a field "KEY_base64" follows with the very bytes.
  JsonLine& add(std::string_view key, std::string_view text);
  JsonLine& add(std::string_view key, const char* text) { return add(key, std::string_view(text)); }
  template <std::integral Number>
  JsonLine& add(std::string_view key, Number number) {
    if constexpr (std::same_as<Number, bool>) {
      return add_raw(key, number ? "true" : "false");
    } else {
      return add_raw(key, std::to_string(number));
    }
  }
  /// Seconds, with as many digits as microseconds need.
  JsonLine& add(std::string_view key, std::chrono::nanoseconds time);
  void end() { *out_ += "}\n"; }

 private:
  void begin_field(std::string_view key);
  JsonLine& add_raw(std::string_view key, std::string_view text);

  std::string* out_;
  bool is_first_ = true;
};

}  // namespace enjoin
