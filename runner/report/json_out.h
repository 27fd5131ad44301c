#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace enjoin {

/// Writes one JSON value, indented by two blanks a level. The caller calls begin and end in pairs.
class JsonOut {
 public:
  JsonOut& begin_object() { return open('{'); }
  JsonOut& end_object() { return close('}'); }
  JsonOut& begin_array() { return open('['); }
  JsonOut& end_array() { return close(']'); }
  JsonOut& key(std::string_view name);
  /// Bytes that are not UTF-8 become U+FFFD.
  JsonOut& value(std::string_view text);
  JsonOut& value(const char* text) { return value(std::string_view(text)); }
  JsonOut& value(double number);
  JsonOut& value(std::uint64_t number);
  JsonOut& value(std::int64_t number);
  JsonOut& value(bool is_so);
  JsonOut& null();
  template <typename Value>
  JsonOut& member(std::string_view name, const Value& of) {
    return key(name).value(of);
  }
  /// All of it, with a newline.
  std::string take();

 private:
  JsonOut& open(char bracket);
  JsonOut& close(char bracket);
  JsonOut& raw(std::string_view text);
  void separate();

  std::string text_;
  std::size_t depth_ = 0;
  bool is_first_ = true;  // in its object or array
  bool after_key_ = false;
};

/// `text` as UTF-8: what is not becomes U+FFFD.
std::string valid_utf8(std::string_view text);

}  // namespace enjoin
