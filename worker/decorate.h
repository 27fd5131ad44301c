#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace enjoin {

/// Puts a tag and a TAB before each line. One object a stream and job; bytes may come in pieces.
class LineTagger {
 public:
  explicit LineTagger(std::string tag) : tag_(std::move(tag)) {}
  /// Appends `bytes`, tagged, to `*out`.
  void append(std::string_view bytes, std::string* out);

 private:
  std::string tag_;
  bool at_line_start_ = true;
};

/// What stands where --max-output cut a stream.
std::string cut_mark(std::uint64_t cap_bytes, std::uint64_t written_bytes);

}  // namespace enjoin
