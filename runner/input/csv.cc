#include "runner/input/csv.h"

#include <algorithm>
#include <utility>

namespace enjoin {

CsvParser::Result CsvParser::parse(std::string_view row, std::vector<std::string_view>* fields) {
  fields->clear();
  storage_.clear();
  storage_.reserve(row.size());  // it must not move while fields point into it
  if (!row.empty() && row.back() == '\r') row.remove_suffix(1);
  std::string_view rest = row;
  for (;;) {
    std::string_view field;
    const bool is_quoted = !rest.empty() && rest.front() == '"';
    const Result result = is_quoted ? parse_quoted(&rest, &field) : parse_plain(&rest, &field);
    if (result != Result::kRow) return result;
    fields->push_back(field);
    if (rest.empty()) return Result::kRow;
    rest.remove_prefix(delimiter_.size());
  }
}

/// Takes a field off `*rest`, which then begins with a delimiter or is empty.
CsvParser::Result CsvParser::parse_quoted(std::string_view* rest, std::string_view* field) {
  std::size_t at = 1;
  bool has_doubled = false;
  for (;; at += 2) {
    at = rest->find('"', at);
    if (at == std::string_view::npos) return Result::kOpenQuote;
    if (at + 1 == rest->size() || (*rest)[at + 1] != '"') break;
    has_doubled = true;
  }
  *field = rest->substr(1, at - 1);
  if (has_doubled) *field = unescaped(*field);
  rest->remove_prefix(at + 1);
  return rest->empty() || rest->starts_with(delimiter_) ? Result::kRow : Result::kTextAfterQuote;
}

CsvParser::Result CsvParser::parse_plain(std::string_view* rest, std::string_view* field) const {
  const std::size_t end = std::min(rest->find(delimiter_), rest->size());
  *field = rest->substr(0, end);
  rest->remove_prefix(end);
  return field->find('"') == std::string_view::npos ? Result::kRow : Result::kQuoteInField;
}

std::string_view CsvParser::unescaped(std::string_view quoted) {
  const std::size_t begin = storage_.size();
  while (!quoted.empty()) {
    const std::size_t quote = std::min(quoted.find('"'), quoted.size() - 1);
    storage_.append(quoted.substr(0, quote + 1));
    quoted.remove_prefix(std::min(quote + 2, quoted.size()));
  }
  return std::string_view(storage_).substr(begin);
}

std::string_view to_text(CsvParser::Result result) {
  switch (result) {
    case CsvParser::Result::kOpenQuote:
      return "a quoted field of the CSV row that begins here is never closed";
    case CsvParser::Result::kTextAfterQuote:
      return "in the CSV row that begins here there is text after a closing quote";
    case CsvParser::Result::kQuoteInField:
      return "in the CSV row that begins here there is a quote inside a field without quotes";
    case CsvParser::Result::kRow:
      break;
  }
  return "a CSV row";
}

}  // namespace enjoin
