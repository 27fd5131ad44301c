#include "runner/pipeline/pipeline_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "runner/pipeline/checker.h"
#include "runner/pipeline/complaints.h"
#include "runner/pipeline/names.h"
#include "runner/pipeline/toml_tree.h"
#include "runner/pipeline/value_reader.h"

namespace enjoin {
namespace {

using Kind = TomlValue::Kind;

constexpr std::size_t kMostBytes = std::size_t{64} << 20;

class FileReader {
 public:
  FileReader(const std::string& path, PipelineFile* file)
      : file_(*file), complaints_(path), values_(&complaints_) {
    file_.path = path;
  }

  void read(const TomlValue& root, const std::vector<std::string>& settings);

 private:
  void read_variables(const TomlValue& table);
  void read_pools(const TomlValue& table);
  void read_pool(const TomlEntry& entry);
  void read_stages(const TomlValue& value, const StageDraft& defaults);
  void set(const std::string& setting);
  std::vector<std::string> strings_of(const std::vector<PipeText>& texts) {
    std::vector<std::string> strings;
    for (const PipeText& text : texts) strings.push_back(text.source);
    return strings;
  }

  PipelineFile& file_;
  Complaints complaints_;
  ValueReader values_;
  std::vector<StageDraft> drafts_;
};

void FileReader::read(const TomlValue& root, const std::vector<std::string>& settings) {
  for (const TomlEntry& entry : root.entries)
    if (entry.key != "vars" && entry.key != "defaults" && entry.key != "pools" &&
        entry.key != "stage")
      values_.unknown_key(entry, "the file", {"vars", "defaults", "pools", "stage"});
  const TomlValue empty;
  const auto table = [&](std::string_view key) -> const TomlValue& {
    const TomlValue* value = root.find(key);
    return value != nullptr && values_.is_table(*value, key) ? *value : empty;
  };
  read_variables(table("vars"));
  for (const std::string& setting : settings) set(setting);
  read_pools(table("pools"));
  const StageDraft defaults = read_defaults(table("defaults"), &complaints_);
  if (const TomlValue* stages = root.find("stage")) {
    read_stages(*stages, defaults);
  } else {
    complaints_.add({1, 1}, "there is no stage: each begins with [[stage]]");
  }
  check_stages(std::move(drafts_), &file_, &complaints_);
  complaints_.throw_if_any();
  file_.warnings = complaints_.warnings();
}

void FileReader::read_variables(const TomlValue& table) {
  for (const TomlEntry& entry : table.entries) {
    if (const std::string_view why = why_no_name(entry.key); !why.empty()) {
      complaints_.add(entry.at, fmt::format("'{}' cannot be a variable: {}", entry.key, why));
      continue;
    }
    PipelineVariable variable{entry.key, {}, entry.at};
    if (entry.value.kind == Kind::kArray) {
      variable.values = strings_of(values_.scalars(entry.value, entry.key));
    } else if (auto one = values_.scalar(entry.value, entry.key)) {
      variable.values = {one->source};
    }
    file_.variables.push_back(std::move(variable));
  }
}

void FileReader::set(const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    complaints_.add({}, fmt::format("--set {}: expected NAME=VALUE", setting));
    return;
  }
  const std::string name = setting.substr(0, equals);
  std::vector<std::string_view> known;
  for (PipelineVariable& variable : file_.variables) {
    known.push_back(variable.name);
    if (variable.name != name) continue;
    variable.values = {setting.substr(equals + 1)};
    return;
  }
  complaints_.add({}, fmt::format("--set {}: there is no variable '{}'{}", setting, name,
                                  did_you_mean(name, known)));
}

void FileReader::read_pools(const TomlValue& table) {
  for (const TomlEntry& entry : table.entries) {
    if (const std::string_view why = why_no_name(entry.key); !why.empty()) {
      complaints_.add(entry.at, fmt::format("'{}' cannot be a pool: {}", entry.key, why));
    } else {
      read_pool(entry);
    }
  }
}

void FileReader::read_pool(const TomlEntry& entry) {
  PoolSpec pool;
  pool.name = entry.key;
  if (entry.value.kind == Kind::kArray) {
    pool.values = strings_of(values_.scalars(entry.value, entry.key));
    pool.limit = static_cast<std::uint32_t>(pool.values.size());
    if (entry.value.items.empty())
      complaints_.add(entry.value.at, fmt::format("pool '{}' has no values", entry.key));
    for (const PipelineVariable& variable : file_.variables)
      if (variable.name == pool.name)
        complaints_.add(entry.at,
                        fmt::format("'{}' is a pool with values and a variable (line {}): "
                                    "rename one",
                                    pool.name, variable.at.line));
  } else if (entry.value.kind == Kind::kInteger) {
    if (auto limit = values_.count(entry.value, entry.key, 1, 1'000'000)) pool.limit = *limit;
  } else {
    values_.wrong_kind(entry.value, entry.key,
                       "a limit, or an array of the values that are handed out");
  }
  file_.pools.push_back(std::move(pool));
}

void FileReader::read_stages(const TomlValue& value, const StageDraft& defaults) {
  if (value.kind != Kind::kArray) {
    values_.wrong_kind(value, "stage", "[[stage]], with two brackets, for each");
    return;
  }
  if (value.items.empty())
    complaints_.add(value.at, "there is no stage: each begins with [[stage]]");
  for (const TomlValue& item : value.items)
    if (values_.is_table(item, "stage"))
      drafts_.push_back(read_stage(item, item.at, defaults, &complaints_));
}

std::string whole_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             std::fclose);
  if (!file) throw system_error("cannot open the pipeline file " + path, errno);
  std::string text;
  char buffer[64 * 1024];
  std::size_t size = 0;
  while ((size = std::fread(buffer, 1, sizeof buffer, file.get())) > 0) {
    text.append(buffer, size);
    if (text.size() > kMostBytes)
      throw Error(
          fmt::format("{}: more than {} MiB: a pipeline file describes stages; jobs in "
                      "such numbers are for JSON Lines (enjoin run jobs.jsonl)",
                      path, kMostBytes >> 20));
  }
  if (std::ferror(file.get()) != 0)
    throw system_error("cannot read the pipeline file " + path, errno);
  return text;
}

}  // namespace

std::string PipelineFile::place(FilePosition at) const {
  return place_in(path, at);
}

std::optional<std::size_t> PipelineFile::find_stage(std::string_view name) const {
  for (std::size_t at = 0; at < stages.size(); ++at)
    if (stages[at].name == name) return at;
  return std::nullopt;
}

PipelineFile read_pipeline_file(const std::string& path, const std::vector<std::string>& settings) {
  return read_pipeline(whole_file(path), path, settings);
}

PipelineFile read_pipeline(std::string_view text, const std::string& path,
                           const std::vector<std::string>& settings) {
  PipelineFile file;
  FileReader(path, &file).read(parse_toml(text, path), settings);
  return file;
}

}  // namespace enjoin
