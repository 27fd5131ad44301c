#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/pipeline/pipe_text.h"

namespace enjoin {

struct TomlEntry;

/// A value of a TOML file, with its place.
struct TomlValue {
  enum class Kind : std::uint8_t { kTable, kArray, kString, kInteger, kFloat, kBoolean, kTime };
  Kind kind = Kind::kTable;
  FilePosition at;
  std::string text;  ///< a string; a number as people write it; "true", "false"
  std::int64_t integer = 0;
  double number = 0;  ///< of kInteger too
  bool truth = false;
  std::vector<TomlValue> items;
  std::vector<TomlEntry> entries;  ///< in the order of the file

  const TomlValue* find(std::string_view key) const;
};

struct TomlEntry {
  std::string key;
  FilePosition at;
  TomlValue value;
};

/// "a string", "a table", …
std::string_view kind_name(TomlValue::Kind kind);

/// Throws Error, "path:line:column: why", where `text` is no TOML.
TomlValue parse_toml(std::string_view text, const std::string& path);

}  // namespace enjoin
