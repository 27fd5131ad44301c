#include "runner/input/value_source.h"

#include <utility>

#include <fmt/format.h>

namespace enjoin {
namespace {

/// Any white space but a carriage return: GNU parallel takes that one too, and so makes one value
/// of a whole file with DOS line ends.
bool ends_in_blank(std::string_view value) {
  return !value.empty() &&
         std::string_view(" \t\n\v\f").find(value.back()) != std::string_view::npos;
}

}  // namespace

bool is_blank(std::string_view value) {
  return value.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
}

ValueSource::ValueSource(std::vector<std::string> arguments, Rules rules)
    : values_(Arguments{std::move(arguments)}), rules_(std::move(rules)) {}

ValueSource::ValueSource(std::shared_ptr<LineReader> reader, Rules rules)
    : values_(std::move(reader)), rules_(std::move(rules)) {}

Pull ValueSource::pull(std::string_view* value) {
  return rules_.continue_lines ? pull_continued(value) : pull_value(value);
}

Pull ValueSource::pull_value(std::string_view* value) {
  if (ended_) return Pull::kEnd;
  Pull result = pull_raw(value);
  while (rules_.skip_blank && result == Pull::kRecord && is_blank(*value)) {
    result = pull_raw(value);
  }
  if (result == Pull::kRecord && rules_.end_marker && *value == *rules_.end_marker) {
    ended_ = true;
    return Pull::kEnd;
  }
  return result;
}

Pull ValueSource::pull_continued(std::string_view* value) {
  if (!continues_) continued_.clear();
  for (;;) {
    const Pull result = pull_value(value);
    if (result == Pull::kWouldBlock) return result;
    if (result == Pull::kEnd && !continues_) return result;
    if (result == Pull::kRecord) continued_ += *value;
    continues_ = result == Pull::kRecord && ends_in_blank(continued_);
    if (!continues_) break;
  }
  *value = continued_;
  return Pull::kRecord;
}

Pull ValueSource::pull_raw(std::string_view* value) {
  if (auto* reader = std::get_if<std::shared_ptr<LineReader>>(&values_)) {
    return (*reader)->pull(value);
  }
  auto& arguments = std::get<Arguments>(values_);
  if (arguments.next == arguments.list.size()) return Pull::kEnd;
  *value = arguments.list[arguments.next++];
  return Pull::kRecord;
}

const LineReader* ValueSource::reader() const {
  const auto* reader = std::get_if<std::shared_ptr<LineReader>>(&values_);
  return reader == nullptr ? nullptr : reader->get();
}

LineReader* ValueSource::runs() {
  const bool as_it_came = !rules_.skip_blank && !rules_.continue_lines && !rules_.end_marker;
  auto* reader = std::get_if<std::shared_ptr<LineReader>>(&values_);
  return as_it_came && reader != nullptr && reader->use_count() == 1 ? reader->get() : nullptr;
}

bool ValueSource::shares_reader() const {
  const auto* reader = std::get_if<std::shared_ptr<LineReader>>(&values_);
  return reader != nullptr && reader->use_count() > 1;
}

std::string ValueSource::where() const {
  if (const LineReader* file = reader()) return file->where(file->values());
  return fmt::format("argument {} of :::", std::get<Arguments>(values_).next);
}

std::string_view ValueSource::delimiter() const {
  return reader() == nullptr ? std::string_view("\n") : reader()->delimiter();
}

}  // namespace enjoin
