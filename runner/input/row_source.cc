#include "runner/input/row_source.h"

#include <algorithm>
#include <poll.h>
#include <utility>

#include <fmt/format.h>

#include "enjoin/error.h"

namespace enjoin {

RowSource::RowSource(ValueSource values, Rules rules)
    : values_(std::move(values)), rules_(std::move(rules)), runs_(nullptr) {
  const bool whole = rules_.cutter == nullptr && !rules_.csv && !rules_.trim.left &&
                     !rules_.trim.right && !rules_.skip_first;
  if (whole) runs_ = values_.runs();
}

Pull RowSource::pull(Record* record) {
  record->values.resize(1);
  if (runs_ != nullptr) return runs_->pull(&record->values[0]);
  if (rules_.skip_first) {
    if (const Pull result = pull_first_line(); result != Pull::kRecord) return result;
  }
  if (rules_.csv) return pull_csv(record);
  std::string_view value;
  const Pull result = pull_value(&value);
  if (result == Pull::kRecord) cut(value, record);
  return result;
}

Pull RowSource::pull_first_line() {
  std::string_view ignored;
  const Pull result = values_.pull_raw(&ignored);
  rules_.skip_first = result == Pull::kWouldBlock;
  return result;
}

Pull RowSource::pull_value(std::string_view* value) {
  return in_header_ ? values_.pull_raw(value) : values_.pull(value);
}

void RowSource::cut(std::string_view value, Record* record) {
  if (rules_.cutter != nullptr) {
    rules_.cutter->cut(value, &record->values);
  } else {
    record->values.assign(1, value);
  }
  keep(record);
}

/// A row is complete when its quotes are even in number; only then it is cut, once.
Pull RowSource::pull_csv(Record* record) {
  if (!in_row_) row_.clear();
  do {
    std::string_view value;
    const Pull result = pull_value(&value);
    if (result == Pull::kWouldBlock) return result;
    if (result == Pull::kEnd) {
      if (!in_row_) return result;
      break;
    }
    if (!in_row_) row_begin_ = values_.where();
    if (in_row_) row_ += values_.delimiter();
    row_ += value;
    in_row_ ^= std::count(value.begin(), value.end(), '"') % 2 != 0;
  } while (in_row_ && row_.size() <= LineReader::kMaxValueBytes);
  const CsvParser::Result result = rules_.csv->parse(row_, &record->values);
  if (result != CsvParser::Result::kRow) {
    throw Error(fmt::format("{}: {}", row_begin_, to_text(result)));
  }
  keep(record);
  return Pull::kRecord;
}

/// Trims, and copies what would not outlive a pull of another source with the same reader.
void RowSource::keep(Record* record) {
  if (!in_header_) {
    for (std::string_view& value : record->values) value = trimmed(value, rules_.trim);
  }
  if (!values_.shares_reader()) return;
  std::size_t size = 0;
  for (const std::string_view value : record->values) size += value.size();
  kept_.clear();
  kept_.reserve(size);
  for (std::string_view& value : record->values) {
    const std::size_t begin = kept_.size();
    kept_ += value;
    value = std::string_view(kept_).substr(begin);
  }
}

void RowSource::read_header(std::vector<std::string>* names) {
  in_header_ = true;
  Record record;
  Pull result;
  while ((result = pull(&record)) == Pull::kWouldBlock) {
    pollfd watched{wait_fd(), POLLIN, 0};
    ::poll(&watched, 1, -1);
  }
  in_header_ = false;
  if (result == Pull::kRecord) {
    // A line from elsewhere may end in \r\n; nobody means the \r as a part of the name.
    std::string_view& last = record.values.back();
    if (last.ends_with('\r')) last.remove_suffix(1);
    names->insert(names->end(), record.values.begin(), record.values.end());
  }
}

InputSource::Run RowSource::peek_run() {
  if (runs_ == nullptr) return {};
  return {runs_->peek_run(), runs_->run_delimiter()};
}

void RowSource::skip_run(std::size_t bytes, std::size_t records) {
  runs_->skip_run(bytes, records);
}

}  // namespace enjoin
