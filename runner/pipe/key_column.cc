#include "runner/pipe/key_column.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "runner/cli/options.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// The size of the first word, where it is a column: a number or a name. 0: all is an expression.
std::size_t column_word(const std::string& text) {
  std::size_t end = 0;
  if (!text.empty() && is_digit(text[0])) {
    while (end < text.size() && is_digit(text[end])) ++end;
  } else if (!text.empty() && is_name_start(text[0])) {
    while (end < text.size() && (is_name_start(text[end]) || is_digit(text[end]))) ++end;
  }
  return end == text.size() || is_blank(text[end]) ? end : 0;
}

}  // namespace

bool names_column(const std::string& text) {
  return column_word(text) > 0 && !is_digit(text[0]);
}

KeyColumn::KeyColumn(const std::string& text, const char* option, const InputSpec& input)
    : option_(option) {
  const std::string separator = input.column_regex.value_or("\t");
  if (input.csv) {
    // As for --csv itself: a comma, unless a separator was given.
    csv_.emplace(input.column_regex.value_or(","));
  } else {
    cutter_.emplace(separator);
  }
  parse(text);
  if (!expression_.empty()) start_perl();
}

void KeyColumn::parse(const std::string& text) {
  if (text.empty()) throw UsageError(option_ + " needs a column: a number, or a name");
  if (text[0] == '-' && text.size() > 1 && is_digit(text[1]))
    throw UsageError(option_ + ' ' + text + ": columns are counted from 1");
  std::size_t end = column_word(text);
  if (names_column(text)) {
    name_ = text.substr(0, end);
  } else if (end > 0) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + end, number_);
    if (error != std::errc{}) throw UsageError(option_ + ' ' + text + ": there is no such column");
  }
  while (end < text.size() && is_blank(text[end])) ++end;
  expression_ = text.substr(end);
}

void KeyColumn::set_header(std::string_view line) {
  if (name_.empty()) return;
  cut(without_line_end(line.substr(0, line.find('\n'))));
  const auto hit = std::find(columns_.begin(), columns_.end(), name_);
  if (hit == columns_.end()) {
    std::string names;
    for (const std::string_view column : columns_) names += " '" + term_safe(column) + "'";
    throw Error(fmt::format("{}: the header has no column '{}'; it has{}", option_,
                            term_safe(name_), names));
  }
  number_ = static_cast<std::uint32_t>(hit - columns_.begin()) + 1;
}

void KeyColumn::cut(std::string_view line) {
  if (cutter_) {
    cutter_->cut(line, &columns_);
    return;
  }
  const CsvParser::Result result = csv_->parse(line, &columns_);
  if (result != CsvParser::Result::kRow)
    throw Error(fmt::format("{}: '{}' is no CSV: {}", option_, term_safe(line), to_text(result)));
}

std::string_view KeyColumn::column_of(std::string_view line) {
  if (number_ == 0) {
    if (name_.empty()) return line;
    throw Error(fmt::format("{} {}: the input has no header", option_, term_safe(name_)));
  }
  cut(line);
  return number_ <= columns_.size() ? columns_[number_ - 1] : std::string_view();
}

void KeyColumn::keys(std::span<const std::string_view> lines, std::vector<std::string>* keys) {
  keys->resize(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    (*keys)[i].assign(column_of(without_line_end(lines[i])));
  if (perl_) ask_perl(keys);
}

void KeyColumn::start_perl() {
  perl_ = std::make_unique<PerlHelper>(1);
  PerlMessage definition("define");
  definition.add(std::uint64_t{0});
  definition.add(expression_);
  const auto answer = perl_->ask(definition);
  if (answer.front() == "error") {
    throw UsageError(fmt::format("{}: perl refuses '{}': {}", option_, expression_,
                                 answer.size() > 1 ? answer[1] : ""));
  }
}

void KeyColumn::ask_perl(std::vector<std::string>* keys) {
  PerlMessage message("job");
  // Number, total, and no values.
  for (int i = 0; i < 3; ++i) message.add(std::uint64_t{0});
  for (const std::string& key : *keys) {
    message.add(std::uint64_t{0});  // the expression's id
    message.add(std::uint64_t{1});  // a slot
    message.add(key);
  }
  const auto answer = perl_->ask(message);
  if (answer.front() == "exit") {
    throw Error(fmt::format("{}: '{}' called exit", option_, expression_));
  }
  if (answer.front() == "error" || answer.size() != keys->size() + 1) {
    throw Error(fmt::format("{}: '{}' failed: {}", option_, expression_,
                            answer.size() > 1 ? answer[1] : ""));
  }
  // Each is led by a letter.
  for (std::size_t i = 0; i < keys->size(); ++i) (*keys)[i].assign(answer[i + 1], 1);
}

}  // namespace enjoin
