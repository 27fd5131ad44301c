#include "runner/pipeline/items.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "enjoin/error.h"

namespace enjoin {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

}  // namespace

std::uint32_t TextPool::add(std::string_view text) {
  if (const auto known = ids_.find(text); known != ids_.end()) return known->second;
  if (text.size() > free_) {
    free_ = std::max(kBlockBytes, text.size());
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(free_));
    next_ = blocks_.back().get();
  }
  if (!text.empty()) std::memcpy(next_, text.data(), text.size());
  const std::string_view kept(next_, text.size());
  next_ += text.size();
  free_ -= text.size();
  const auto id = static_cast<std::uint32_t>(texts_.size());
  texts_.push_back(kept);
  ids_.emplace(kept, id);
  return id;
}

ItemTable::ItemTable(std::shared_ptr<TextPool> pool, std::vector<std::string> columns)
    : pool_(std::move(pool)), columns_(std::move(columns)) {
  for (std::size_t i = 0; i < columns_.size(); ++i) label_.push_back(i);
}

std::optional<std::size_t> ItemTable::find_column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns_.begin());
}

void ItemTable::count_row() {
  if (rows_ == kMostRows) {
    throw Error("a stage would get more than " + std::to_string(kMostRows) + " jobs");
  }
  ++rows_;
}

void ItemTable::add_row(const std::vector<std::string_view>& values) {
  count_row();
  for (const std::string_view value : values) cells_.push_back(pool_->add(value));
}

void ItemTable::add_row_of_ids(const std::vector<std::uint32_t>& ids) {
  count_row();
  cells_.insert(cells_.end(), ids.begin(), ids.end());
}

std::string ItemTable::label(std::uint32_t row) const {
  std::string text;
  for (const std::size_t column : label_) {
    if (column != label_.front()) text += ',';
    text += value(row, column);
  }
  return text;
}

// Labels are told apart by a hash: two that only look alike would get a harmless "#2".
void ItemTable::count_repeats() {
  repeats_.clear();
  if (columns_.empty()) return;
  std::vector<std::pair<std::size_t, std::uint32_t>> hashes;
  hashes.reserve(rows_);
  for (std::uint32_t row = 0; row < rows_; ++row) {
    hashes.emplace_back(std::hash<std::string>()(label(row)), row);
  }
  std::sort(hashes.begin(), hashes.end());
  for (std::size_t i = 1, count = 1; i < hashes.size(); ++i) {
    count = hashes[i].first == hashes[i - 1].first ? count + 1 : 1;
    if (count > 1) repeats_.emplace(hashes[i].second, static_cast<std::uint32_t>(count));
  }
}

std::uint32_t ItemTable::repeat(std::uint32_t row) const {
  const auto found = repeats_.find(row);
  return found == repeats_.end() ? 1 : found->second;
}

std::string ItemTable::name(std::uint32_t row) const {
  const std::uint32_t count = repeat(row);
  return count == 1 ? label(row) : label(row) + '#' + std::to_string(count);
}

}  // namespace enjoin
