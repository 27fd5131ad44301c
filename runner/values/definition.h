#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/regex.h"

namespace enjoin {

/// One --rpl 'TAG EXPRESSION': the text TAG stands for what the Perl expression makes of the value.
/// Parts of TAG in parentheses are regular expressions; what they match is $$1, $$2, … in the
/// expression. A TAG that begins with { may be written with a position: {2x} for {x}.
class Definition {
 public:
  /// Throws Error where a regular expression in the tag is not valid.
  explicit Definition(const std::string& text);

  const std::string& text() const { return text_; }
  const std::string& tag() const { return tag_; }
  const std::string& code() const { return code_; }
  /// Of the value that it is always evaluated for ("1 $_ = seq()"); 0: none such.
  std::int32_t position() const { return position_; }

  struct Match {
    std::size_t size = 0;
    std::int32_t position = 0;
    std::vector<std::string> groups = {};
  };
  /// Whether `text` begins with the tag.
  std::optional<Match> match(std::string_view text);

 private:
  std::string text_;
  std::string tag_;
  std::string code_;
  std::int32_t position_ = 0;
  Regex pattern_;
};

}  // namespace enjoin
