#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/pipeline/complaints.h"
#include "runner/pipeline/toml_tree.h"

namespace enjoin {

/// Takes values out of a pipeline file. What is not as it should be becomes a complaint that says
/// what `key` takes; the result is then empty.
class ValueReader {
 public:
  explicit ValueReader(Complaints* complaints) : complaints_(*complaints) {}

  std::optional<std::string> string(const TomlValue& value, std::string_view key);
  std::optional<PipeText> text(const TomlValue& value, std::string_view key);  ///< not empty
  /// A string, a number or a boolean as text.
  std::optional<PipeText> scalar(const TomlValue& value, std::string_view key);
  /// One string or an array of strings.
  std::vector<PipeText> texts(const TomlValue& value, std::string_view key);
  /// An array of strings and numbers.
  std::vector<PipeText> scalars(const TomlValue& value, std::string_view key);
  std::optional<std::uint32_t> count(const TomlValue& value, std::string_view key,
                                     std::uint32_t least, std::uint32_t most);
  std::optional<bool> boolean(const TomlValue& value, std::string_view key);
  std::optional<std::chrono::nanoseconds> duration(const TomlValue& value, std::string_view key);
  std::optional<std::uint64_t> size(const TomlValue& value, std::string_view key);
  /// Which of `words` it is.
  std::optional<std::size_t> choice(const TomlValue& value, std::string_view key,
                                    const std::vector<std::string_view>& words);
  /// Whether it is a table; else a complaint.
  bool is_table(const TomlValue& value, std::string_view key);

  void wrong_kind(const TomlValue& value, std::string_view key, std::string_view expected);
  void unknown_key(const TomlEntry& entry, std::string_view where,
                   const std::vector<std::string_view>& known);
  Complaints& complaints() { return complaints_; }

 private:
  bool has_nul(const TomlValue& value, std::string_view key);

  Complaints& complaints_;
};

}  // namespace enjoin
