#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runner/regex.h"

namespace enjoin {

/// --header: what at the start of the input goes to every job; --skip-first-line: what before it
/// goes to none.
class HeaderFinder {
 public:
  /// ":" is a line, a number so many lines, anything else a regular expression; "" and "0" are no
  /// header. Throws UsageError where the expression cannot be compiled.
  HeaderFinder(const std::string& spec, bool skip_first_line);

  bool is_wanted() const { return skips_line_ || lines_ > 0 || regex_; }
  /// True where the header can be told only from much text: it may match more of more.
  bool wants_much() const { return regex_.has_value(); }
  struct Header {
    std::size_t begin = 0;  ///< behind what is skipped
    std::size_t end = 0;    ///< data begins here
  };
  /// The header in `text`, the start of the input or, where `is_all`, all of it. None: more is
  /// needed; never so of all. An input that has no such header has an empty one.
  std::optional<Header> find(std::string_view text, bool is_all);

 private:
  std::optional<std::size_t> size_of(std::string_view text);

  bool skips_line_;
  std::size_t lines_ = 0;
  std::optional<Regex> regex_;
};

}  // namespace enjoin
