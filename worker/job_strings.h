#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "worker/template.h"

namespace enjoin {

/// A job's payload cut into strings: its values, and behind them what the runner computed for it.
/// Views into the payload; allocates nothing once it is large enough.
class JobStrings {
 public:
  /// `bytes` holds `values` strings and any number of further ones, each ended by a NUL byte (which
  /// the last may lack).
  void cut(std::string_view bytes, std::uint32_t values) {
    strings_.clear();
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    while (at < end) {
      const auto left = static_cast<std::size_t>(end - at);
      const auto* stop = static_cast<const char*>(std::memchr(at, 0, left));
      if (stop == nullptr) stop = end;
      strings_.emplace_back(at, static_cast<std::size_t>(stop - at));
      at = stop + 1;
    }
    values_ = values < strings_.size() ? values : strings_.size();
  }

  JobInputs inputs(std::uint32_t columns) const {
    const std::span<const std::string_view> all(strings_);
    return {.values = all.first(values_), .columns = columns, .computed = all.subspan(values_)};
  }

 private:
  std::vector<std::string_view> strings_;
  std::size_t values_ = 0;
};

}  // namespace enjoin
