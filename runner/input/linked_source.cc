#include "runner/input/linked_source.h"

#include <algorithm>
#include <utility>

namespace enjoin {

LinkedSource::LinkedSource(std::vector<InputPart> parts, Unequal unequal) : unequal_(unequal) {
  members_.reserve(parts.size());
  for (InputPart& part : parts) members_.push_back(Member{std::move(part)});
}

Pull LinkedSource::pull(Record* record) {
  if (is_over_) return Pull::kEnd;
  for (; pulled_ < members_.size(); ++pulled_) {
    if (pull_member(members_[pulled_]) == Pull::kWouldBlock) return Pull::kWouldBlock;
  }
  pulled_ = 0;
  if (step_is_last()) {
    is_over_ = true;
    return Pull::kEnd;
  }
  write(record);
  ++steps_;
  return Pull::kRecord;
}

int LinkedSource::wait_fd() const {
  return pulled_ < members_.size() ? members_[pulled_].part.source->wait_fd() : -1;
}

Pull LinkedSource::pull_member(Member& member) {
  if (member.ended) return Pull::kEnd;
  const Pull result = member.part.source->pull(&member.record);
  if (result == Pull::kEnd) {
    member.ended = true;
    ++ended_;
    if (member.count == 0) member.record.values.assign(member.part.columns, {});
  }
  if (result != Pull::kRecord) return result;
  ++member.count;
  // The last one left is not begun again.
  const bool may_be_needed = unequal_ == Unequal::kRecycle && ended_ + 1 < members_.size();
  if (may_be_needed) member.held.add(member.record);
  return result;
}

/// Asked when all members have been pulled for a step: there is none.
bool LinkedSource::step_is_last() const {
  if (ended_ == members_.size() && steps_ > 0) return true;
  if (std::all_of(members_.begin(), members_.end(),
                  [](const Member& member) { return member.count == 0; })) {
    return true;
  }
  if (unequal_ == Unequal::kRecycle) return false;
  // In the first step, a part without records has its empty values.
  return steps_ > 0 && ended_ > 0;
}

void LinkedSource::write(Record* record) const {
  record->values.clear();
  for (const Member& member : members_) {
    if (member.ended && member.count > 0) {
      member.held.append_to(steps_ % member.count, &record->values);
    } else {
      record->values.insert(record->values.end(), member.record.values.begin(),
                            member.record.values.end());
    }
  }
}

}  // namespace enjoin
