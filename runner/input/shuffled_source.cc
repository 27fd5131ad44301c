#include "runner/input/shuffled_source.h"

#include <numeric>
#include <utility>

namespace enjoin {
namespace {

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators). Not one of std:
// their distributions differ between libraries.
std::uint64_t next_random(std::uint64_t* state) {
  *state += 0x9E3779B97F4A7C15;
  std::uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// One of 0 to `count` - 1, each as likely as any other. `count` is at least 1.
std::size_t random_below(std::size_t count, std::uint64_t* state) {
  // The first values are left out, so that a whole multiple of `count` remains.
  const std::uint64_t least = (0 - std::uint64_t{count}) % count;
  std::uint64_t random;
  do {
    random = next_random(state);
  } while (random < least);
  return random % count;
}

}  // namespace

ShuffledSource::ShuffledSource(std::unique_ptr<InputSource> source, std::uint64_t seed)
    : source_(std::move(source)), random_state_(seed) {}

Pull ShuffledSource::pull(Record* record) {
  Pull result = Pull::kEnd;
  while (!all_held_ && (result = source_->pull(record)) == Pull::kRecord) held_.add(*record);
  if (result == Pull::kWouldBlock) return result;
  if (!all_held_) shuffle();
  all_held_ = true;
  if (next_ == order_.size()) return Pull::kEnd;
  record->values.clear();
  held_.append_to(order_[next_++], &record->values);
  return Pull::kRecord;
}

void ShuffledSource::shuffle() {
  order_.resize(held_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  for (std::size_t i = order_.size(); i > 1; --i) {
    std::swap(order_[i - 1], order_[random_below(i, &random_state_)]);
  }
}

}  // namespace enjoin
