#include "runner/input/value_source.h"

#include <utility>

namespace enjoin {

bool is_blank(std::string_view value) {
  return value.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
}

ValueSource::ValueSource(SourceSpec spec, const std::string& delimiter, bool skip_blank)
    : skip_blank_(skip_blank) {
  if (spec.kind == SourceSpec::Kind::kFile) {
    values_.emplace<LineReader>(spec.path, delimiter);
  } else {
    values_ = Arguments{std::move(spec.arguments), 0};
  }
}

Pull ValueSource::pull(std::string_view* value) {
  Pull result = pull_any(value);
  while (skip_blank_ && result == Pull::kRecord && is_blank(*value)) result = pull_any(value);
  return result;
}

Pull ValueSource::pull_any(std::string_view* value) {
  if (auto* reader = std::get_if<LineReader>(&values_)) return reader->pull(value);
  auto& arguments = std::get<Arguments>(values_);
  if (arguments.next == arguments.list.size()) return Pull::kEnd;
  *value = arguments.list[arguments.next++];
  return Pull::kRecord;
}

}  // namespace enjoin
