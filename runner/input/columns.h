#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/input/input_source.h"
#include "runner/regex.h"

namespace enjoin {

/// Cuts values into columns at the matches of a Perl regular expression, as perl's split does: each
/// group of the expression is a column of its own, empty columns are kept, the last ones too, and
/// an empty value is one column. Expressions without anything special in them are searched as text.
class ColumnCutter {
 public:
  /// Throws Error where `regex` is not valid.
  explicit ColumnCutter(const std::string& regex);
  /// Replaces `*columns`; they are views into `value`.
  void cut(std::string_view value, std::vector<std::string_view>* columns);

 private:
  void cut_at_text(std::string_view value, std::vector<std::string_view>* columns) const;
  void cut_at_matches(std::string_view value, std::vector<std::string_view>* columns);

  std::string text_;  // to search for, where regex_ is none
  std::optional<Regex> regex_;
};

/// The text that `regex` matches, where it matches one text only: "," or "\t" or "\|".
std::optional<std::string> literal_text(std::string_view regex);

std::string_view trimmed(std::string_view value, Trim trim);

}  // namespace enjoin
