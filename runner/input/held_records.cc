#include "runner/input/held_records.h"

namespace enjoin {

void HeldRecords::add(const Record& record) {
  for (const std::string_view value : record.values) {
    bytes_ += value;
    value_ends_.push_back(bytes_.size());
  }
  record_ends_.push_back(value_ends_.size());
}

void HeldRecords::append_to(std::size_t i, std::vector<std::string_view>* values) const {
  std::size_t value = i == 0 ? 0 : record_ends_[i - 1];
  std::size_t begin = value == 0 ? 0 : value_ends_[value - 1];
  for (; value < record_ends_[i]; ++value) {
    values->push_back(std::string_view(bytes_).substr(begin, value_ends_[value] - begin));
    begin = value_ends_[value];
  }
}

}  // namespace enjoin
