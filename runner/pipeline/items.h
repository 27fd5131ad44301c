#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace enjoin {

/// Texts, each kept once, known by a number.
class TextPool {
 public:
  std::uint32_t add(std::string_view text);
  std::string_view text(std::uint32_t id) const { return texts_[id]; }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t free_ = 0;  // bytes left in the last block
  char* next_ = nullptr;
  std::vector<std::string_view> texts_;
  std::unordered_map<std::string_view, std::uint32_t> ids_;
};

/// What a stage iterates over: rows of values in columns. A stage that iterates over nothing has
/// one row without columns.
class ItemTable {
 public:
  /// Rows of a table keep their values in `pool`. A column without a name can be had as {item}
  /// only.
  ItemTable(std::shared_ptr<TextPool> pool, std::vector<std::string> columns);

  const std::vector<std::string>& columns() const { return columns_; }
  std::optional<std::size_t> find_column(std::string_view name) const;
  std::uint32_t rows() const { return rows_; }
  std::string_view value(std::uint32_t row, std::size_t column) const {
    return pool_->text(cells_[row * columns_.size() + column]);
  }
  /// Equal values have equal ids, in all tables of one pool.
  std::uint32_t id(std::uint32_t row, std::size_t column) const {
    return cells_[row * columns_.size() + column];
  }

  /// Values for all columns. Throws Error where there are too many rows.
  void add_row(const std::vector<std::string_view>& values);
  void add_row_of_ids(const std::vector<std::uint32_t>& ids);

  /// The columns that make {item}, joined by commas: all, unless set.
  void set_label_columns(std::vector<std::size_t> columns) { label_ = std::move(columns); }
  const std::vector<std::size_t>& label_columns() const { return label_; }
  std::string label(std::uint32_t row) const;

  /// To be called when all rows are there: finds labels that come again.
  void count_repeats();
  /// 1 for the first row with this label, 2 for the second, …
  std::uint32_t repeat(std::uint32_t row) const;
  /// The label, and "#2" where it is the second such row. What people call the item.
  std::string name(std::uint32_t row) const;

  static constexpr std::uint32_t kMostRows = 100'000'000;

 private:
  void count_row();

  std::shared_ptr<TextPool> pool_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> label_;
  std::vector<std::uint32_t> cells_;
  std::uint32_t rows_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> repeats_;  // of those above 1
};

}  // namespace enjoin
