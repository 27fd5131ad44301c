// What a stage iterates over, in all its spellings:
//   "src/*.c"   ["a", "b"]   { glob = … }   { list = […] }   { lines = "file" }   { command = "…" }
//   { csv = "file" }   { tsv = "file" }   { from = "stage" }   { NAME = any of these, … }
//   { linked = { NAME = …, … } }
// Several keys of one table are a product.

#include <array>
#include <optional>

#include <fmt/format.h>

#include "runner/pipeline/names.h"
#include "runner/pipeline/stage_draft.h"
#include "runner/pipeline/value_reader.h"

namespace enjoin {
namespace {

using Kind = TomlValue::Kind;

constexpr std::string_view kForms =
    "a pattern of paths, an array, or a table with glob, list, lines, command, csv, tsv, from, "
    "linked, or names of your own";

class ForeachReader {
 public:
  explicit ForeachReader(Complaints* complaints) : values_(complaints) {}

  std::vector<LinkedSources> read(const TomlValue& value) {
    if (value.kind == Kind::kTable) return read_product(value);
    std::vector<LinkedSources> product;
    if (auto source = plain(value, "")) product.push_back({std::move(*source)});
    return product;
  }

 private:
  std::vector<LinkedSources> read_product(const TomlValue& table) {
    std::vector<LinkedSources> product;
    if (table.entries.empty()) {
      values_.complaints().add(table.at, fmt::format("'foreach' is empty: expected {}", kForms));
    }
    for (const TomlEntry& entry : table.entries) {
      if (entry.key == "linked") {
        read_linked(entry.value, &product);
      } else if (auto source = read_entry(entry)) {
        product.push_back({std::move(*source)});
      }
    }
    return product;
  }

  void read_linked(const TomlValue& value, std::vector<LinkedSources>* product) {
    if (value.kind == Kind::kArray) {
      for (const TomlValue& item : value.items) read_linked(item, product);
      return;
    }
    if (!values_.is_table(value, "linked")) return;
    LinkedSources sources;
    for (const TomlEntry& entry : value.entries) {
      if (entry.key == "linked") {
        values_.complaints().add(entry.at, "'linked' within 'linked' says nothing more");
      } else if (auto source = read_entry(entry)) {
        sources.push_back(std::move(*source));
      }
    }
    if (value.entries.empty()) values_.complaints().add(value.at, "'linked' is empty");
    if (!sources.empty()) product->push_back(std::move(sources));
  }

  /// One key of the table: a kind of source, or a column's name with its source.
  std::optional<ForeachSource> read_entry(const TomlEntry& entry) {
    if (is_kind(entry.key)) return of_kind(entry, "");
    if (const std::string_view why = why_no_name(entry.key); !why.empty()) {
      values_.complaints().add(entry.at,
                               fmt::format("'{}' cannot be a column: {}", entry.key, why));
      return std::nullopt;
    }
    std::optional<ForeachSource> source =
        entry.value.kind == Kind::kTable ? of_table(entry) : plain(entry.value, entry.key);
    if (source) source->at = entry.at;
    return source;
  }

  /// { NAME = { glob = "…" } }
  std::optional<ForeachSource> of_table(const TomlEntry& entry) {
    const std::vector<TomlEntry>& inner = entry.value.entries;
    static const std::vector<std::string_view> kNamed = {"glob", "list", "lines", "command"};
    if (inner.size() != 1) {
      values_.complaints().add(
          entry.value.at, fmt::format("'{}' needs one of glob, list, lines, command", entry.key));
      return std::nullopt;
    }
    for (const std::string_view kind : kNamed)
      if (inner[0].key == kind) return of_kind(inner[0], entry.key);
    if (is_kind(inner[0].key)) {
      values_.complaints().add(inner[0].at,
                               fmt::format("'{}' brings names of its own: write it without '{} ='",
                                           inner[0].key, entry.key));
    } else {
      values_.unknown_key(inner[0], fmt::format("'{}'", entry.key), kNamed);
    }
    return std::nullopt;
  }

  std::optional<ForeachSource> plain(const TomlValue& value, const std::string& name) {
    ForeachSource source;
    source.name = name;
    source.at = value.at;
    if (value.kind == Kind::kString) {
      source.kind = ForeachSource::Kind::kGlob;
      source.items = values_.texts(value, name.empty() ? "foreach" : name);
    } else if (value.kind == Kind::kArray) {
      source.items = values_.scalars(value, name.empty() ? "foreach" : name);
    } else {
      values_.wrong_kind(value, name.empty() ? "foreach" : name,
                         name.empty() ? kForms : "a pattern of paths, an array, or a table");
      return std::nullopt;
    }
    return source;
  }

  static bool is_kind(std::string_view key) {
    constexpr std::array<std::string_view, 7> kKinds = {"glob", "list", "lines", "command",
                                                        "csv",  "tsv",  "from"};
    for (const std::string_view kind : kKinds)
      if (key == kind) return true;
    return false;
  }

  std::optional<ForeachSource> of_kind(const TomlEntry& entry, const std::string& name) {
    ForeachSource source;
    source.name = name;
    source.at = entry.at;
    if (entry.key == "glob") {
      source.kind = ForeachSource::Kind::kGlob;
      source.items = values_.texts(entry.value, "glob");
      return source;
    }
    if (entry.key == "list") {
      source.items = values_.scalars(entry.value, "list");
      return source;
    }
    source.kind = entry.key == "lines"     ? ForeachSource::Kind::kLines
                  : entry.key == "command" ? ForeachSource::Kind::kCommand
                  : entry.key == "from"    ? ForeachSource::Kind::kStage
                                           : ForeachSource::Kind::kTable;
    if (entry.key == "csv") source.delimiter = ',';
    std::optional<PipeText> text = values_.text(entry.value, entry.key);
    if (!text) return std::nullopt;
    source.text = std::move(*text);
    return source;
  }

  ValueReader values_;
};

}  // namespace

std::vector<LinkedSources> read_foreach(const TomlValue& value, Complaints* complaints) {
  return ForeachReader(complaints).read(value);
}

}  // namespace enjoin
