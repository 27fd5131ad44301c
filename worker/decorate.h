#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace enjoin {

/// What stands around each line of a job's output.
struct LineStyle {
  std::string before = {};      ///< --tag: the tag and a TAB; a colour's beginning
  std::string after = {};       ///< a colour's end; before the newline
  std::size_t color_bytes = 0;  ///< of `before`: the colour; behind it stands the tag
  bool closes_last = false;     ///< a last line without newline gets one, too

  bool is_plain() const { return before.empty() && after.empty(); }
};

/// The style of --tag (`tag`, nullptr: none) and of --color: colour number `color`, from 0; -1 is
/// none, kAlarmColor that of --color-failed.
inline constexpr std::int64_t kNoColor = -1;
inline constexpr std::int64_t kAlarmColor = -2;
LineStyle line_style(const std::string* tag, std::int64_t color);

/// Puts a style around each line. One object a stream and job; bytes may come in pieces.
class LineTagger {
 public:
  explicit LineTagger(LineStyle style) : style_(std::move(style)) {}
  /// With a tag alone.
  explicit LineTagger(const std::string& tag) : style_(line_style(&tag, kNoColor)) {}
  /// Appends `bytes`, decorated, to `*out`.
  void append(std::string_view bytes, std::string* out);
  /// The stream is at its end.
  void finish(std::string* out);

 private:
  LineStyle style_;
  bool at_line_start_ = true;
};

/// What stands where --max-output cut a stream.
std::string cut_mark(std::uint64_t cap_bytes, std::uint64_t written_bytes);

}  // namespace enjoin
