#include "runner/input/columns.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

namespace enjoin {

std::optional<std::string> literal_text(std::string_view regex) {
  std::string text;
  for (std::size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    if (c != '\\') {
      if (std::string_view("^$.|?*+()[]{}").find(c) != std::string_view::npos) return {};
      text += c;
      continue;
    }
    if (++i == regex.size()) return {};
    if (regex[i] == 't') {
      text += '\t';
    } else if (std::ispunct(static_cast<unsigned char>(regex[i])) != 0) {
      text += regex[i];
    } else {
      return {};
    }
  }
  if (text.empty()) return {};
  return text;
}

std::string_view trimmed(std::string_view value, Trim trim) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  if (trim.left) value.remove_prefix(std::min(value.find_first_not_of(kSpace), value.size()));
  if (trim.right) value = value.substr(0, value.find_last_not_of(kSpace) + 1);
  return value;
}

ColumnCutter::ColumnCutter(const std::string& regex) {
  if (auto text = literal_text(regex)) {
    text_ = *std::move(text);
  } else {
    // For perl's split, a lone ^ means the start of each line.
    regex_.emplace(regex, "--colsep", Regex::Options{.multi_line = regex == "^"});
  }
}

void ColumnCutter::cut(std::string_view value, std::vector<std::string_view>* columns) {
  columns->clear();
  if (regex_) {
    cut_at_matches(value, columns);
  } else {
    cut_at_text(value, columns);
  }
}

void ColumnCutter::cut_at_text(std::string_view value,
                               std::vector<std::string_view>* columns) const {
  for (;;) {
    const std::size_t at = value.find(text_);
    columns->push_back(value.substr(0, at));
    if (at == std::string_view::npos) return;
    value.remove_prefix(at + text_.size());
  }
}

void ColumnCutter::cut_at_matches(std::string_view value, std::vector<std::string_view>* columns) {
  std::size_t from = 0;
  while (from < value.size() && regex_->search_beyond(value, from)) {
    columns->push_back(value.substr(from, regex_->begin() - from));
    from = regex_->end();
    for (std::size_t group = 1; group <= regex_->groups(); ++group) {
      const std::size_t begin = regex_->begin(group);
      const bool took_part = begin != Regex::kNone;
      columns->push_back(took_part ? value.substr(begin, regex_->end(group) - begin) : "");
    }
  }
  columns->push_back(value.substr(from));
}

}  // namespace enjoin
