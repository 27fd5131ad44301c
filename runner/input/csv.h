#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace enjoin {

/// Rows of RFC 4180: fields between delimiters; a field in quotes may hold delimiters, line ends
/// and, doubled, quotes. A carriage return at the end of a row is not part of it. Blanks count.
class CsvParser {
 public:
  /// `delimiter` has at least one byte.
  explicit CsvParser(std::string delimiter) : delimiter_(std::move(delimiter)) {}

  enum class Result : std::uint8_t {
    kRow,
    kOpenQuote,       ///< the row's end is in a quoted field
    kTextAfterQuote,  ///< after a closing quote something else than a delimiter
    kQuoteInField,    ///< a quote in a field that does not begin with one
  };
  /// Cuts one row. The views are valid as long as `row` is, and until the next call.
  Result parse(std::string_view row, std::vector<std::string_view>* fields);

 private:
  Result parse_quoted(std::string_view* rest, std::string_view* field);
  Result parse_plain(std::string_view* rest, std::string_view* field) const;
  std::string_view unescaped(std::string_view quoted);

  std::string delimiter_;
  std::string storage_;  // fields without their doubled quotes
};

/// Why parse() refused a row, for people.
std::string_view to_text(CsvParser::Result result);

}  // namespace enjoin
