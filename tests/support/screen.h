#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace enjoin::test {

/// What a terminal would show of bytes written to it, with all that scrolled off. Knows characters
/// of one column, CR, LF, and ESC [ with A, J, K, m; a full line wraps when the next character
/// comes.
class Screen {
 public:
  explicit Screen(std::size_t columns) : columns_(columns) {}

  void write(std::string_view bytes) {
    for (const char c : bytes) {
      if (!escape_.empty() || c == '\033') {
        take_escape(c);
      } else if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        ++row_;
      } else {
        put(c);
      }
    }
  }
  /// Lines without blanks at their ends, and without empty ones at the end.
  std::string text() const {
    std::string all;
    for (const std::string& line : lines_) {
      all += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    while (all.ends_with("\n\n") || all == "\n") all.pop_back();
    return all;
  }
  std::size_t row() const { return row_; }
  std::size_t column() const { return column_; }

 private:
  std::string& line() {
    lines_.resize(std::max(lines_.size(), row_ + 1));
    return lines_[row_];
  }
  void put(char c) {
    if (column_ == columns_) {
      column_ = 0;
      ++row_;
    }
    std::string& text = line();
    text.resize(std::max(text.size(), column_ + 1), ' ');
    text[column_++] = c;
  }
  void take_escape(char c) {
    escape_ += c;
    if (escape_.size() < 3 || (c >= '0' && c <= '9') || c == ';') return;
    const std::size_t number = std::strtoul(escape_.c_str() + 2, nullptr, 10);
    if (c == 'A') row_ -= std::min(row_, std::max<std::size_t>(number, 1));
    if (c == 'K' || c == 'J') line().resize(std::min(line().size(), column_));
    if (c == 'J') lines_.resize(row_ + 1);
    escape_.clear();
  }

  std::size_t columns_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  std::vector<std::string> lines_;
  std::string escape_;
};

}  // namespace enjoin::test
