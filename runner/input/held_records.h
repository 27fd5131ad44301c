#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runner/input/input_source.h"

namespace enjoin {

/// Records kept, as bytes in one piece.
class HeldRecords {
 public:
  std::size_t size() const { return record_ends_.size(); }
  void add(const Record& record);
  /// Appends the values of record `i`; valid until the next add().
  void append_to(std::size_t i, std::vector<std::string_view>* values) const;

 private:
  std::string bytes_;
  std::vector<std::size_t> value_ends_;
  std::vector<std::size_t> record_ends_;  // counted in values
};

}  // namespace enjoin
