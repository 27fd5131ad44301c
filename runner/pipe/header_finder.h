#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runner/regex.h"

namespace enjoin {

/// --header: what at the start of the input goes to every job.
class HeaderFinder {
 public:
  /// ":" is a line, a number so many lines, anything else a regular expression; "" and "0" are no
  /// header. Throws UsageError where the expression cannot be compiled.
  explicit HeaderFinder(const std::string& spec);

  bool is_wanted() const { return lines_ > 0 || regex_; }
  /// True where the header can be told only from much text: it may match more of more.
  bool wants_much() const { return regex_.has_value(); }
  /// The header's bytes at the start of `text`; none: it is not there, or not whole.
  std::optional<std::size_t> find(std::string_view text);

 private:
  std::size_t lines_ = 0;
  std::optional<Regex> regex_;
};

}  // namespace enjoin
