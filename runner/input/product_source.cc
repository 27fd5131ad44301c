#include "runner/input/product_source.h"

#include <utility>

namespace enjoin {

ProductSource::ProductSource(InputPart first, std::vector<InputPart> others)
    : first_(std::move(first)) {
  others_.reserve(others.size());
  for (InputPart& other : others) others_.push_back(Held{std::move(other)});
}

Pull ProductSource::pull(Record* record) {
  if (ended_) return Pull::kEnd;
  if (in_row_ && advance_others()) {
    write(record);
    return Pull::kRecord;
  }
  in_row_ = false;
  Pull result = has_first_ ? Pull::kRecord : next_first();
  // The others are read after the first record of the first: so GNU parallel deals out a stdin that
  // several sources name.
  if (result == Pull::kRecord) result = load_others();
  if (result == Pull::kRecord && first_is_empty_ && others_are_empty_) result = Pull::kEnd;
  in_row_ = result == Pull::kRecord;
  ended_ = result == Pull::kEnd;
  if (in_row_) {
    has_first_ = false;
    for (Held& other : others_) other.at = 0;
    write(record);
  }
  return result;
}

int ProductSource::wait_fd() const {
  const bool loading = has_first_ && loaded_ < others_.size();
  return loading ? others_[loaded_].part.source->wait_fd() : first_.source->wait_fd();
}

Pull ProductSource::next_first() {
  if (first_is_empty_) return Pull::kEnd;
  Pull result = first_.source->pull(&first_record_);
  if (result == Pull::kEnd && !first_had_records_) {
    first_is_empty_ = true;
    first_record_.values.assign(first_.columns, {});
    result = Pull::kRecord;
  }
  has_first_ = result == Pull::kRecord;
  first_had_records_ = first_had_records_ || has_first_;
  return result;
}

/// kRecord: all are held.
Pull ProductSource::load_others() {
  for (; loaded_ < others_.size(); ++loaded_) {
    Held& other = others_[loaded_];
    Pull result;
    while ((result = other.part.source->pull(&loading_)) == Pull::kRecord) {
      other.records.add(loading_);
    }
    if (result == Pull::kWouldBlock) return result;
    if (other.records.size() == 0) {
      loading_.values.assign(other.part.columns, {});
      other.records.add(loading_);
    } else {
      others_are_empty_ = false;
    }
  }
  return Pull::kRecord;
}

/// Turns the others on, the last first. False where `first_record_` has met all combinations.
bool ProductSource::advance_others() {
  for (std::size_t i = others_.size(); i-- > 0;) {
    if (++others_[i].at < others_[i].records.size()) return true;
    others_[i].at = 0;
  }
  return false;
}

void ProductSource::write(Record* record) const {
  record->values.assign(first_record_.values.begin(), first_record_.values.end());
  for (const Held& other : others_) other.records.append_to(other.at, &record->values);
}

}  // namespace enjoin
