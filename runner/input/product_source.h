#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/input/input_source.h"
#include "runner/input/value_source.h"

namespace enjoin {

/// All values of one source, kept.
class HeldValues {
 public:
  explicit HeldValues(ValueSource source) : source_(std::move(source)) {}
  /// Reads on. kEnd: everything is held.
  Pull load();
  int wait_fd() const { return source_.wait_fd(); }

  std::size_t size() const { return ends_.size(); }
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  /// Adds one empty value.
  void add_empty() { ends_.push_back(bytes_.size()); }

 private:
  ValueSource source_;
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

/// Every combination of the values of several sources; the last source varies fastest. The first
/// source streams; the others are read completely before the first record.
///
/// A source without values counts as one empty value, unless all are without: then there are no
/// records (as GNU parallel does it).
class ProductSource final : public InputSource {
 public:
  ProductSource(ValueSource first, std::vector<ValueSource> others);
  Pull pull(Record* record) override;
  int wait_fd() const override;

 private:
  Pull load_others();
  Pull next_first();
  bool advance_others();
  void write(Record* record) const;

  ValueSource first_;
  std::vector<HeldValues> others_;
  std::vector<std::size_t> at_;   // the value of each of others_ that is next
  std::size_t loaded_ = 0;        // how many of others_ are held completely
  bool others_are_empty_ = true;  // none of them had a value
  bool first_had_values_ = false;
  bool in_row_ = false;  // first_value_ has combinations left
  bool ended_ = false;
  std::string_view first_value_;
};

}  // namespace enjoin
