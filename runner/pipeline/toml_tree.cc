#include "runner/pipeline/toml_tree.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "enjoin/error.h"

namespace enjoin {
namespace {

/// What the library takes to be impossible, and is not: `[=]` makes it (3.3) assert that a key
/// begins there. Without NDEBUG that would end us, and with it be undefined.
struct BrokenToml {};

[[noreturn]] void throw_broken() {
  throw BrokenToml();
}

}  // namespace
}  // namespace enjoin

#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? void() : enjoin::throw_broken())
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace enjoin {
namespace {

FilePosition position_of(const toml::source_region& region) {
  return {static_cast<std::uint32_t>(region.begin.line),
          static_cast<std::uint32_t>(region.begin.column)};
}

bool comes_before(FilePosition a, FilePosition b) {
  return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/// As short as reads back to the same.
std::string number_text(double number) {
  char text[32];
  const auto [end, error] = std::to_chars(std::begin(text), std::end(text), number);
  return error == std::errc() ? std::string(text, end) : std::to_string(number);
}

TomlValue convert(const toml::node& node);

void convert_table(const toml::table& table, TomlValue* value) {
  value->kind = TomlValue::Kind::kTable;
  for (const auto& [key, node] : table)
    value->entries.push_back({std::string(key.str()), position_of(key.source()), convert(node)});
  // The library keeps them by name.
  std::sort(value->entries.begin(), value->entries.end(),
            [](const TomlEntry& a, const TomlEntry& b) { return comes_before(a.at, b.at); });
}

TomlValue convert(const toml::node& node) {
  TomlValue value;
  value.at = position_of(node.source());
  if (const toml::table* table = node.as_table()) {
    convert_table(*table, &value);
  } else if (const toml::array* array = node.as_array()) {
    value.kind = TomlValue::Kind::kArray;
    for (const toml::node& item : *array) value.items.push_back(convert(item));
  } else if (const auto* string = node.as_string()) {
    value.kind = TomlValue::Kind::kString;
    value.text = string->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = TomlValue::Kind::kInteger;
    value.integer = integer->get();
    value.number = static_cast<double>(value.integer);
    value.text = std::to_string(value.integer);
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = TomlValue::Kind::kFloat;
    value.number = number->get();
    value.text = number_text(value.number);
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = TomlValue::Kind::kBoolean;
    value.truth = boolean->get();
    value.text = value.truth ? "true" : "false";
  } else {
    value.kind = TomlValue::Kind::kTime;
  }
  return value;
}

bool is_broken(std::string_view text) {
  try {
    (void)toml::parse(text);
    return false;
  } catch (const toml::parse_error&) {
    return false;
  } catch (const BrokenToml&) {
    return true;
  }
}

/// The line that the parser breaks on, which does not say it: the last of the shortest beginning
/// that breaks it too.
std::size_t broken_line(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    ends.push_back(at + 1);
  const auto found = std::partition_point(
      ends.begin(), ends.end(), [&](std::size_t end) { return !is_broken(text.substr(0, end)); });
  return static_cast<std::size_t>(found - ends.begin()) + 1;
}

}  // namespace

const TomlValue* TomlValue::find(std::string_view key) const {
  for (const TomlEntry& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

std::string_view kind_name(TomlValue::Kind kind) {
  switch (kind) {
    case TomlValue::Kind::kTable:
      return "a table";
    case TomlValue::Kind::kArray:
      return "an array";
    case TomlValue::Kind::kString:
      return "a string";
    case TomlValue::Kind::kInteger:
      return "an integer";
    case TomlValue::Kind::kFloat:
      return "a decimal number";
    case TomlValue::Kind::kBoolean:
      return "a boolean";
    case TomlValue::Kind::kTime:
      return "a date or time";
  }
  return "a value";
}

TomlValue parse_toml(std::string_view text, const std::string& path) {
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    const FilePosition at = position_of(error.source());
    throw Error(fmt::format("{}:{}:{}: {}", path, at.line, at.column, error.description()));
  } catch (const BrokenToml&) {
    throw Error(fmt::format("{}:{}:1: this is no key, table or value", path, broken_line(text)));
  }
}

}  // namespace enjoin
