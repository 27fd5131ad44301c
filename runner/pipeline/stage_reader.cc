#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "runner/pipeline/stage_draft.h"
#include "runner/pipeline/value_reader.h"

namespace enjoin {
namespace {

using Kind = TomlValue::Kind;

class StageReader {
 public:
  StageReader(StageDraft* draft, Complaints* complaints)
      : draft_(*draft), stage_(draft->stage), values_(complaints) {}

  void read(const TomlValue& table, bool is_defaults);

 private:
  struct Key {
    std::string_view name;
    bool in_defaults;
    void (StageReader::*read)(const TomlValue& value);
  };
  static const std::vector<Key>& keys();

  void read_name(const TomlValue& value) {
    if (auto name = values_.text(value, "name")) {
      stage_.name = name->source;
      stage_.at = value.at;
    }
  }
  void read_run(const TomlValue& value) { stage_.run = values_.text(value, "run"); }
  void read_command(const TomlValue& value);
  void read_shell(const TomlValue& value);
  void read_foreach(const TomlValue& value) {
    stage_.foreach = enjoin::read_foreach(value, &values_.complaints());
  }
  void read_needs(const TomlValue& value) { draft_.needs = names(value, "needs"); }
  void read_needs_each(const TomlValue& value);
  void read_one_needs_each(const TomlValue& value);
  void read_env(const TomlValue& value);
  void read_cwd(const TomlValue& value) { read_text(value, "cwd", &stage_.cwd); }
  void read_stdin(const TomlValue& value) { read_text(value, "stdin", &stage_.stdin_path); }
  void read_stdout(const TomlValue& value) { read_text(value, "stdout", &stage_.stdout_path); }
  void read_stderr(const TomlValue& value) { read_text(value, "stderr", &stage_.stderr_path); }
  void read_timeout(const TomlValue& value) {
    if (auto limit = values_.duration(value, "timeout")) stage_.timeout = *limit;
  }
  void read_attempts(const TomlValue& value);
  void read_retry(const TomlEntry& entry);
  void read_jobs(const TomlValue& value) {
    if (auto jobs = values_.count(value, "jobs", 1, 1'000'000)) stage_.most_running = *jobs;
  }
  void read_pool(const TomlValue& value) { draft_.pools = names(value, "pool"); }
  void read_cpus(const TomlValue& value) {
    if (auto cpus = values_.count(value, "cpus", 1, 65'536)) stage_.cpus = *cpus;
  }
  void read_memory(const TomlValue& value);
  void read_leftovers(const TomlValue& value) {
    // In the order of the enumerators.
    if (auto policy = values_.choice(value, "leftovers", {"keep", "report", "kill", "fail"}))
      stage_.leftovers = static_cast<Leftovers>(*policy);
  }
  void read_isolate(const TomlValue& value);
  void read_allow_failure(const TomlValue& value) {
    if (auto allow = values_.boolean(value, "allow_failure")) stage_.allow_failure = *allow;
  }
  void read_when(const TomlValue& value) {
    if (auto when = values_.choice(value, "when", {"success", "failure", "always"}))
      stage_.when = static_cast<When>(*when);
  }
  void read_inputs(const TomlValue& value) { stage_.inputs = values_.texts(value, "inputs"); }
  void read_outputs(const TomlValue& value) { stage_.outputs = values_.texts(value, "outputs"); }

  void read_text(const TomlValue& value, std::string_view key, PipeText* to) {
    if (auto text = values_.text(value, key)) *to = std::move(*text);
  }
  std::vector<NameUse> names(const TomlValue& value, std::string_view key) {
    std::vector<NameUse> uses;
    for (PipeText& text : values_.texts(value, key))
      uses.push_back({std::move(text.source), text.at});
    return uses;
  }

  StageDraft& draft_;
  PipelineStage& stage_;
  ValueReader values_;
};

const std::vector<StageReader::Key>& StageReader::keys() {
  static const std::vector<Key> kKeys = {
      {"name", false, &StageReader::read_name},
      {"run", false, &StageReader::read_run},
      {"command", false, &StageReader::read_command},
      {"foreach", false, &StageReader::read_foreach},
      {"needs", false, &StageReader::read_needs},
      {"needs_each", false, &StageReader::read_needs_each},
      {"when", false, &StageReader::read_when},
      {"inputs", false, &StageReader::read_inputs},
      {"outputs", false, &StageReader::read_outputs},
      {"stdin", false, &StageReader::read_stdin},
      {"stdout", false, &StageReader::read_stdout},
      {"stderr", false, &StageReader::read_stderr},
      {"jobs", false, &StageReader::read_jobs},
      {"shell", true, &StageReader::read_shell},
      {"env", true, &StageReader::read_env},
      {"cwd", true, &StageReader::read_cwd},
      {"timeout", true, &StageReader::read_timeout},
      {"attempts", true, &StageReader::read_attempts},
      {"pool", true, &StageReader::read_pool},
      {"cpus", true, &StageReader::read_cpus},
      {"memory", true, &StageReader::read_memory},
      {"leftovers", true, &StageReader::read_leftovers},
      {"isolate", true, &StageReader::read_isolate},
      {"allow_failure", true, &StageReader::read_allow_failure},
  };
  return kKeys;
}

void StageReader::read(const TomlValue& table, bool is_defaults) {
  for (const TomlEntry& entry : table.entries) {
    std::vector<std::string_view> known;
    const Key* found = nullptr;
    for (const Key& key : keys()) {
      if (key.name == entry.key) found = &key;
      if (!is_defaults || key.in_defaults) known.push_back(key.name);
    }
    if (found != nullptr && (found->in_defaults || !is_defaults)) {
      (this->*found->read)(entry.value);
    } else if (found != nullptr) {
      values_.complaints().add(
          entry.at, fmt::format("'{}' cannot be in [defaults]: each stage has its own", entry.key));
    } else {
      values_.unknown_key(entry, is_defaults ? "[defaults]" : "a stage", known);
    }
  }
}

void StageReader::read_command(const TomlValue& value) {
  if (value.kind != Kind::kArray) {
    values_.wrong_kind(value, "command",
                       "an array: the program and its arguments ('run' is for the shell)");
    return;
  }
  if (value.items.empty()) values_.complaints().add(value.at, "'command' is empty");
  stage_.command = values_.scalars(value, "command");
}

void StageReader::read_shell(const TomlValue& value) {
  if (value.kind != Kind::kString && value.kind != Kind::kArray) {
    values_.wrong_kind(value, "shell", "a string or an array: the shell and its options");
    return;
  }
  std::vector<std::string> words;
  for (const PipeText& text : values_.texts(value, "shell")) {
    if (value.kind == Kind::kArray) {
      words.push_back(text.source);
      continue;
    }
    for (std::size_t at = 0; at < text.source.size();) {
      const std::size_t end = std::min(text.source.find_first_of(" \t\n", at), text.source.size());
      if (end > at) words.push_back(text.source.substr(at, end - at));
      at = end + 1;
    }
  }
  if (words.empty()) {
    values_.complaints().add(value.at,
                             "'shell' is empty: expected a shell, as \"bash -euo pipefail\"");
  } else {
    stage_.shell = std::move(words);
  }
}

void StageReader::read_needs_each(const TomlValue& value) {
  if (value.kind != Kind::kArray) return read_one_needs_each(value);
  for (const TomlValue& item : value.items) read_one_needs_each(item);
}

void StageReader::read_one_needs_each(const TomlValue& value) {
  StageDraft::Each each;
  if (value.kind == Kind::kTable) {
    for (const TomlEntry& entry : value.entries) {
      if (entry.key == "stage") {
        if (auto name = values_.text(entry.value, "stage")) each.stage = {name->source, name->at};
      } else if (entry.key == "by") {
        for (const PipeText& column : values_.texts(entry.value, "by"))
          each.by.push_back(column.source);
      } else {
        values_.unknown_key(entry, "'needs_each'", {"stage", "by"});
      }
    }
    if (value.find("stage") == nullptr)
      values_.complaints().add(value.at,
                               "'needs_each' does not say which stage: expected { stage = "
                               "\"NAME\", by = \"COLUMN\" }");
  } else if (value.kind == Kind::kString) {
    if (auto name = values_.text(value, "needs_each")) each.stage = {name->source, name->at};
  } else {
    values_.wrong_kind(value, "needs_each",
                       "a stage, { stage = \"NAME\", by = \"COLUMN\" }, or an array of these");
  }
  if (!each.stage.name.empty()) draft_.needs_each.push_back(std::move(each));
}

void StageReader::read_env(const TomlValue& value) {
  if (!values_.is_table(value, "env")) return;
  for (const TomlEntry& entry : value.entries) {
    if (entry.key.empty() ||
        entry.key.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      values_.complaints().add(
          entry.at, fmt::format("'{}' cannot be a variable of the environment", entry.key));
      continue;
    }
    std::optional<PipeText> text;
    if (entry.value.kind != Kind::kBoolean) {
      text = values_.scalar(entry.value, entry.key);
      if (!text) continue;
    } else if (entry.value.truth) {
      values_.wrong_kind(entry.value, entry.key, "a string or a number, or false to take it away");
      continue;
    }
    std::erase_if(stage_.env, [&](const auto& before) { return before.first == entry.key; });
    stage_.env.emplace_back(entry.key, std::move(text));
  }
}

void StageReader::read_attempts(const TomlValue& value) {
  if (value.kind == Kind::kTable) {
    for (const TomlEntry& entry : value.entries) read_retry(entry);
  } else if (value.kind == Kind::kInteger) {
    if (auto times = values_.count(value, "attempts", 0, 1'000'000)) stage_.attempts = *times;
  } else {
    values_.wrong_kind(value, "attempts",
                       "a number, or { times = 3, delay = \"10s\", backoff = 2 }");
  }
}

void StageReader::read_retry(const TomlEntry& entry) {
  if (entry.key == "times") {
    if (auto times = values_.count(entry.value, "times", 0, 1'000'000)) stage_.attempts = *times;
  } else if (entry.key == "delay") {
    if (auto delay = values_.duration(entry.value, "delay")) stage_.retry_delay = *delay;
  } else if (entry.key == "backoff") {
    const bool is_number = entry.value.kind == Kind::kInteger || entry.value.kind == Kind::kFloat;
    if (is_number && entry.value.number >= 1 && entry.value.number <= 1000) {
      stage_.retry_backoff = entry.value.number;
    } else if (is_number) {
      values_.complaints().add(
          entry.value.at,
          fmt::format("'backoff' is {}: expected a factor from 1 to 1000", entry.value.text));
    } else {
      values_.wrong_kind(entry.value, "backoff", "a factor from 1 to 1000");
    }
  } else {
    values_.unknown_key(entry, "'attempts'", {"times", "delay", "backoff"});
  }
}

void StageReader::read_memory(const TomlValue& value) {
  std::vector<std::uint64_t> sizes;
  if (value.kind == Kind::kArray) {
    if (value.items.empty()) values_.complaints().add(value.at, "'memory' is empty");
    for (const TomlValue& item : value.items)
      if (auto size = values_.size(item, "memory")) sizes.push_back(*size);
  } else if (auto size = values_.size(value, "memory")) {
    sizes.push_back(*size);
  }
  if (!sizes.empty()) stage_.memory = std::move(sizes);
}

void StageReader::read_isolate(const TomlValue& value) {
  if (value.kind == Kind::kBoolean) {
    stage_.isolate = value.truth ? Isolate::kPid : Isolate::kNone;
  } else if (value.kind == Kind::kString) {
    if (auto kind = values_.choice(value, "isolate", {"none", "pid"}))
      stage_.isolate = *kind == 0 ? Isolate::kNone : Isolate::kPid;
  } else {
    values_.wrong_kind(value, "isolate", "true, false, \"pid\" or \"none\"");
  }
}

}  // namespace

StageDraft read_defaults(const TomlValue& table, Complaints* complaints) {
  StageDraft draft;
  draft.stage.shell = {"bash", "-euo", "pipefail"};
  StageReader(&draft, complaints).read(table, true);
  return draft;
}

StageDraft read_stage(const TomlValue& table, FilePosition at, const StageDraft& defaults,
                      Complaints* complaints) {
  StageDraft draft = defaults;
  draft.stage.at = at;
  StageReader(&draft, complaints).read(table, false);
  const bool has_run = table.find("run") != nullptr;
  const bool has_command = table.find("command") != nullptr;
  const std::string name =
      draft.stage.name.empty() ? "a stage" : "stage '" + draft.stage.name + "'";
  if (table.find("name") == nullptr) complaints->add(at, "a stage has no name: give it a 'name'");
  if (has_run && has_command)
    complaints->add(draft.stage.at, name + " has both 'run' and 'command': keep one");
  if (!has_run && !has_command)
    complaints->add(draft.stage.at,
                    name + " runs nothing: give it 'run' (for the shell) or 'command'");
  return draft;
}

}  // namespace enjoin
