#include "runner/input/product_source.h"

#include <algorithm>
#include <utility>

namespace enjoin {

Pull HeldValues::load() {
  std::string_view value;
  Pull result;
  while ((result = source_.pull(&value)) == Pull::kRecord) {
    bytes_ += value;
    ends_.push_back(bytes_.size());
  }
  return result;
}

ProductSource::ProductSource(ValueSource first, std::vector<ValueSource> others)
    : first_(std::move(first)), at_(others.size()) {
  others_.reserve(others.size());
  for (ValueSource& other : others) others_.emplace_back(std::move(other));
}

Pull ProductSource::pull(Record* record) {
  if (ended_) return Pull::kEnd;
  if (in_row_ && advance_others()) {
    write(record);
    return Pull::kRecord;
  }
  Pull result = load_others();
  if (result == Pull::kEnd) result = next_first();
  in_row_ = result == Pull::kRecord;
  ended_ = result == Pull::kEnd;
  if (in_row_) {
    std::fill(at_.begin(), at_.end(), 0);
    write(record);
  }
  return result;
}

int ProductSource::wait_fd() const {
  return loaded_ < others_.size() ? others_[loaded_].wait_fd() : first_.wait_fd();
}

Pull ProductSource::load_others() {
  for (; loaded_ < others_.size(); ++loaded_) {
    HeldValues& values = others_[loaded_];
    if (const Pull result = values.load(); result != Pull::kEnd) return result;
    if (values.size() == 0) {
      values.add_empty();
    } else {
      others_are_empty_ = false;
    }
  }
  return Pull::kEnd;
}

Pull ProductSource::next_first() {
  const Pull result = first_.pull(&first_value_);
  if (result == Pull::kEnd && !first_had_values_ && !others_are_empty_) {
    first_value_ = {};
    first_had_values_ = true;
    return Pull::kRecord;
  }
  first_had_values_ = first_had_values_ || result == Pull::kRecord;
  return result;
}

/// Turns the others on, the last first. False where `first_value_` has met all combinations.
bool ProductSource::advance_others() {
  std::size_t turning = others_.size();
  while (turning > 0 && at_[turning - 1] + 1 == others_[turning - 1].size()) --turning;
  if (turning == 0) return false;
  ++at_[turning - 1];
  std::fill(at_.begin() + static_cast<std::ptrdiff_t>(turning), at_.end(), 0);
  return true;
}

void ProductSource::write(Record* record) const {
  record->values.resize(1 + others_.size());
  record->values[0] = first_value_;
  for (std::size_t i = 0; i < others_.size(); ++i) record->values[i + 1] = others_[i][at_[i]];
}

}  // namespace enjoin
