#include "runner/graph/ready_queue.h"

#include <algorithm>

namespace enjoin {

std::uint32_t ReadyQueue::class_of(const ClassKey& key) {
  if (last_class_ != kNoIndex && classes_[last_class_].key == key) return last_class_;
  const auto [entry, is_new] = index_.try_emplace(key, static_cast<std::uint32_t>(classes_.size()));
  if (is_new) classes_.emplace_back().key = key;
  return last_class_ = entry->second;
}

void ReadyQueue::push(std::uint32_t job, float level, const ClassKey& key) {
  const std::uint32_t job_class = class_of(key);
  Class& one = classes_[job_class];
  one.heap.push_back({level, job});
  std::push_heap(one.heap.begin(), one.heap.end(), is_worse);
  ++size_;
  if (one.heap.front().job == job && !one.is_parked) offer(job_class);
}

void ReadyQueue::offer(std::uint32_t job_class) {
  const Class& one = classes_[job_class];
  tops_.push_back({one.heap.front(), job_class, one.key.priority});
  std::push_heap(tops_.begin(), tops_.end(), is_worse_top);
}

std::optional<ReadyQueue::Candidate> ReadyQueue::best() {
  while (!tops_.empty()) {
    const Top& top = tops_.front();
    const Class& one = classes_[top.job_class];
    if (!one.is_parked && !one.heap.empty() && one.heap.front().job == top.entry.job) {
      return Candidate{top.entry.job, top.job_class, top.entry.level};
    }
    std::pop_heap(tops_.begin(), tops_.end(), is_worse_top);
    tops_.pop_back();
  }
  return std::nullopt;
}

void ReadyQueue::take(const Candidate& candidate) {
  Class& one = classes_[candidate.job_class];
  std::pop_heap(one.heap.begin(), one.heap.end(), is_worse);
  one.heap.pop_back();
  --size_;
  std::pop_heap(tops_.begin(), tops_.end(), is_worse_top);
  tops_.pop_back();
  if (!one.heap.empty()) offer(candidate.job_class);
}

void ReadyQueue::park(const Candidate& candidate) {
  classes_[candidate.job_class].is_parked = true;
  parked_.push_back(candidate.job_class);
}

void ReadyQueue::unpark() {
  for (const std::uint32_t job_class : parked_) {
    classes_[job_class].is_parked = false;
    if (!classes_[job_class].heap.empty()) offer(job_class);
  }
  parked_.clear();
}

void ReadyQueue::restore() {
  tops_.clear();
  parked_.clear();
  size_ = 0;
  for (std::uint32_t index = 0; index < classes_.size(); ++index) {
    Class& one = classes_[index];
    one.is_parked = false;
    size_ += one.heap.size();
    std::make_heap(one.heap.begin(), one.heap.end(), is_worse);
    if (!one.heap.empty()) offer(index);
  }
}

}  // namespace enjoin
