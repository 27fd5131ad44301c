#include "runner/pipeline/value_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "enjoin/error.h"
#include "runner/units.h"

namespace enjoin {

using Kind = TomlValue::Kind;

void ValueReader::wrong_kind(const TomlValue& value, std::string_view key,
                             std::string_view expected) {
  complaints_.add(value.at,
                  fmt::format("'{}' is {}: expected {}", key, kind_name(value.kind), expected));
}

void ValueReader::unknown_key(const TomlEntry& entry, std::string_view where,
                              const std::vector<std::string_view>& known) {
  std::string text = fmt::format("{} has no key '{}'", where, entry.key);
  const std::string hint = did_you_mean(entry.key, known);
  if (!hint.empty()) {
    text += hint;
  } else if (known.size() <= 12) {
    text += fmt::format(": it takes {}", fmt::join(known, ", "));
  }
  complaints_.add(entry.at, text);
}

bool ValueReader::has_nul(const TomlValue& value, std::string_view key) {
  if (value.text.find('\0') == std::string::npos) return false;
  complaints_.add(value.at, fmt::format("'{}' holds a NUL character: no job can take it", key));
  return true;
}

std::optional<std::string> ValueReader::string(const TomlValue& value, std::string_view key) {
  if (value.kind != Kind::kString) {
    wrong_kind(value, key, "a string");
    return std::nullopt;
  }
  if (has_nul(value, key)) return std::nullopt;
  return value.text;
}

std::optional<PipeText> ValueReader::text(const TomlValue& value, std::string_view key) {
  const std::optional<std::string> read = string(value, key);
  if (!read) return std::nullopt;
  if (read->empty()) {
    complaints_.add(value.at, fmt::format("'{}' is empty", key));
    return std::nullopt;
  }
  return PipeText{{}, value.at, *read};
}

std::optional<PipeText> ValueReader::scalar(const TomlValue& value, std::string_view key) {
  const bool is_one = value.kind == Kind::kString || value.kind == Kind::kInteger ||
                      value.kind == Kind::kFloat || value.kind == Kind::kBoolean;
  if (!is_one) {
    wrong_kind(value, key, "a string or a number");
    return std::nullopt;
  }
  if (has_nul(value, key)) return std::nullopt;
  return PipeText{{}, value.at, value.text};
}

std::vector<PipeText> ValueReader::texts(const TomlValue& value, std::string_view key) {
  std::vector<PipeText> all;
  if (value.kind == Kind::kString) {
    if (auto one = text(value, key)) all.push_back(std::move(*one));
  } else if (value.kind == Kind::kArray) {
    for (const TomlValue& item : value.items)
      if (auto one = text(item, key)) all.push_back(std::move(*one));
  } else {
    wrong_kind(value, key, "a string or an array of strings");
  }
  return all;
}

std::vector<PipeText> ValueReader::scalars(const TomlValue& value, std::string_view key) {
  std::vector<PipeText> all;
  if (value.kind != Kind::kArray) {
    wrong_kind(value, key, "an array of strings or numbers");
    return all;
  }
  for (const TomlValue& item : value.items)
    if (auto one = scalar(item, key)) all.push_back(std::move(*one));
  return all;
}

std::optional<std::uint32_t> ValueReader::count(const TomlValue& value, std::string_view key,
                                                std::uint32_t least, std::uint32_t most) {
  const std::string expected = fmt::format("a whole number from {} to {}", least, most);
  if (value.kind != Kind::kInteger) {
    wrong_kind(value, key, expected);
    return std::nullopt;
  }
  if (value.integer < least || value.integer > most) {
    complaints_.add(value.at, fmt::format("'{}' is {}: expected {}", key, value.integer, expected));
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(value.integer);
}

std::optional<bool> ValueReader::boolean(const TomlValue& value, std::string_view key) {
  if (value.kind == Kind::kBoolean) return value.truth;
  wrong_kind(value, key, "true or false");
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> ValueReader::duration(const TomlValue& value,
                                                              std::string_view key) {
  if (value.kind != Kind::kString && value.kind != Kind::kInteger && value.kind != Kind::kFloat) {
    wrong_kind(value, key, "seconds, or a text such as \"90s\", \"1h30m\"");
    return std::nullopt;
  }
  try {
    return parse_duration(value.text, fmt::format("'{}' is", key));
  } catch (const Error& error) {
    complaints_.add(value.at, error.what());
    return std::nullopt;
  }
}

std::optional<std::uint64_t> ValueReader::size(const TomlValue& value, std::string_view key) {
  if (value.kind != Kind::kString && value.kind != Kind::kInteger) {
    wrong_kind(value, key, "bytes, or a text such as \"512M\", \"8G\"");
    return std::nullopt;
  }
  try {
    const std::uint64_t bytes = parse_size(value.text, fmt::format("'{}' is", key));
    if (bytes > 0) return bytes;
    complaints_.add(value.at, fmt::format("'{}' is 0: expected a size", key));
  } catch (const Error& error) {
    complaints_.add(value.at, error.what());
  }
  return std::nullopt;
}

std::optional<std::size_t> ValueReader::choice(const TomlValue& value, std::string_view key,
                                               const std::vector<std::string_view>& words) {
  const std::string expected = fmt::format("one of {}", fmt::join(words, ", "));
  if (value.kind != Kind::kString) {
    wrong_kind(value, key, expected);
    return std::nullopt;
  }
  for (std::size_t at = 0; at < words.size(); ++at)
    if (value.text == words[at]) return at;
  complaints_.add(value.at, fmt::format("'{}' is '{}': expected {}{}", key, value.text, expected,
                                        did_you_mean(value.text, words)));
  return std::nullopt;
}

bool ValueReader::is_table(const TomlValue& value, std::string_view key) {
  if (value.kind == Kind::kTable) return true;
  wrong_kind(value, key, "a table");
  return false;
}

}  // namespace enjoin
