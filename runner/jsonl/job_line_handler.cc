#include "runner/jsonl/job_line_handler.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "runner/jsonl/job_line_reader.h"
#include "runner/near_word.h"
#include "runner/units.h"

namespace enjoin {
namespace {

constexpr std::uint32_t kMostCpus = 1'000'000;
constexpr std::size_t kDeepest = 256;
constexpr std::uint32_t kMostAttempts = 1'000'000;
constexpr std::array<std::string_view, 3> kHeaderKeys{"enjoin", "pools", "defaults"};

std::string_view wanted(LineValue value) {
  switch (value) {
    case LineValue::kName:
    case LineValue::kPath:
      return "a text";
    case LineValue::kId:
      return "a text or a whole number";
    case LineValue::kDuration:
      return "a number of seconds, or a text such as \"1h30m\"";
    case LineValue::kNumber:
      return "a number";
    case LineValue::kSizes:
      return "a size such as \"8G\", or an array of sizes, one for each attempt";
    case LineValue::kWords:
      return "an array of texts";
    case LineValue::kNames:
      return "an array of texts, or one text";
    case LineValue::kTable:
      return "an object of texts, null for what is taken away";
    case LineValue::kBool:
      return "true or false";
  }
  return "";
}

std::string did_you_mean(std::string_view word, const auto& known) {
  const std::string_view near = near_word(word, known);
  return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
}

bool is_pool_name(std::string_view name) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !name.empty() && name.find_first_not_of(kLetters) == name.npos;
}

/// A whole number as JSON writes it; nothing else.
bool to_whole(std::string_view text, std::uint64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void JobLineHandler::begin(JobLine* line, GraphHeader* header, bool is_first) {
  line_ = line;
  header_ = header;
  at_ = 0;
  scope_ = Scope::kOutside;
  row_ = nullptr;
  seen_ = 0;
  depth_ = 0;
  skips_ = false;
  is_first_ = is_first;
  is_header_ = false;
  in_defaults_ = false;
}

void JobLineHandler::end() const {
  if (is_header_) return;
  if (line_->argv.empty() && line_->line.empty()) {
    throw LineError(0, "a job without \"argv\" and without \"sh\": nothing would be run");
  }
  if (!line_->argv.empty() && !line_->line.empty()) {
    throw LineError(0, "both \"argv\" and \"sh\": a job runs one of them");
  }
}

void JobLineHandler::fail(const std::string& what) const {
  throw LineError(at_, what);
}

void JobLineHandler::fail_type(std::string_view got) const {
  switch (scope_) {
    case Scope::kOutside:
      fail(fmt::format(R"({}, where a line is an object: {{"id": "a", "argv": ["true"]}})", got));
    case Scope::kHeader:
      fail(fmt::format("{}, where \"{}\" needs {}", got, name_,
                       name_ == "enjoin" ? "the number 1" : "an object"));
    case Scope::kPools:
    case Scope::kPoolValues:
      fail(
          fmt::format("{}, where pool \"{}\" needs a number, or an array of the texts that it "
                      "hands out",
                      got, name_));
    case Scope::kTable:
      fail(fmt::format("{}, where variable \"{}\" needs a text or null", got, name_));
    case Scope::kJob:
    case Scope::kList:
      break;
  }
  fail(fmt::format("{}, where \"{}\" needs {}", got, row_->name, wanted(row_->value)));
}

/// Keys that begin with _ belong to others: their values are passed over.
bool JobLineHandler::skips_value() {
  if (!skips_) return false;
  if (depth_ == 0) skips_ = false;
  return true;
}

// The parser's stack grows with it.
void JobLineHandler::go_deeper() {
  if (++depth_ > kDeepest) fail(fmt::format("nested more than {} deep", kDeepest));
}

void JobLineHandler::key(std::string_view name) {
  if (skips_) return;
  switch (scope_) {
    case Scope::kJob:
      if (seen_ == 0 && !in_defaults_ && name == kHeaderKeys[0]) return header_key(name);
      return job_key(name);
    case Scope::kHeader:
      return header_key(name);
    default:
      name_ = name;
      if (scope_ == Scope::kPools && !is_pool_name(name)) {
        fail(fmt::format("a pool cannot be called \"{}\": letters, digits and _ only", name));
      }
      if (scope_ == Scope::kPools &&
          std::any_of(header_->pools.begin(), header_->pools.end(),
                      [&](const PoolSpec& pool) { return pool.name == name; })) {
        fail(fmt::format("pool \"{}\" stands here twice", name));
      }
      if (scope_ == Scope::kTable &&
          (name.empty() || name.find('=') != name.npos || name.find('\0') != name.npos)) {
        fail("no variable can have this name");
      }
  }
}

void JobLineHandler::job_key(std::string_view name) {
  if (name.starts_with('_')) {
    skips_ = true;
    return;
  }
  row_ = find_line_key(name);
  if (row_ == nullptr) {
    std::array<std::string_view, kLineKeys.size()> names;
    std::transform(kLineKeys.begin(), kLineKeys.end(), names.begin(),
                   [](const LineKeyRow& row) { return row.name; });
    fail(name == "enjoin"
             ? std::string("\"enjoin\" belongs to the first key of the first line only")
             : fmt::format("unknown key \"{}\"{}", name, did_you_mean(name, names)));
  }
  if (in_defaults_ && !row_->may_be_default) {
    fail(fmt::format("\"{}\" is of each job's own: it has no default", name));
  }
  const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(row_->key);
  if ((seen_ & bit) != 0) fail(fmt::format("\"{}\" stands here twice", name));
  seen_ |= bit;
}

void JobLineHandler::header_key(std::string_view name) {
  if (!is_first_) fail("\"enjoin\" belongs to the first line only");
  scope_ = Scope::kHeader;
  is_header_ = true;
  if (name.starts_with('_')) {
    skips_ = true;
    return;
  }
  if (std::find(kHeaderKeys.begin(), kHeaderKeys.end(), name) == kHeaderKeys.end()) {
    fail(fmt::format("unknown key \"{}\" in the header{}", name, did_you_mean(name, kHeaderKeys)));
  }
  name_ = name;
}

void JobLineHandler::null() {
  if (skips_value()) return;
  if (scope_ != Scope::kTable) fail_type("null");
  line_->environment.push_back(name_);
}

void JobLineHandler::boolean(bool value) {
  if (skips_value()) return;
  if (scope_ != Scope::kJob || row_->value != LineValue::kBool) fail_type("a truth value");
  line_->allow_failure = value;
}

void JobLineHandler::number(std::string_view text) {
  if (skips_value()) return;
  std::uint64_t whole = 0;
  if (scope_ == Scope::kHeader && name_ == kHeaderKeys[0]) {
    if (text != "1")
      fail(fmt::format("version {} of the format, where this program reads 1", text));
  } else if (scope_ == Scope::kPools) {
    if (!to_whole(text, &whole) || whole == 0 || whole > kMostCpus) {
      fail(fmt::format("pool \"{}\" of {}: a whole number from 1 to {}", name_, text, kMostCpus));
    }
    header_->pools.push_back({name_, static_cast<std::uint32_t>(whole), {}});
  } else if (scope_ == Scope::kJob || scope_ == Scope::kList) {
    take_number(text);
  } else {
    fail_type("a number");
  }
}

void JobLineHandler::take_number(std::string_view text) {
  switch (row_->value) {
    case LineValue::kId:
      if (text.find_first_not_of("0123456789") != text.npos) fail_type("this number");
      line_->id_at = at_;
      line_->id = text;
      return;
    case LineValue::kNames:
      if (row_->key != LineKey::kNeeds || text.find_first_not_of("0123456789") != text.npos) {
        fail_type("a number");
      }
      if (scope_ == Scope::kJob) begin_list();
      return take_list_item(text);
    case LineValue::kDuration:
      return take_duration(text);
    case LineValue::kSizes:
      return take_size(text);
    case LineValue::kNumber:
      break;
    default:
      fail_type("a number");
  }
  std::uint64_t whole = 0;
  if (row_->key == LineKey::kRetryBackoff) {
    line_->retry_backoff = std::strtod(std::string(text).c_str(), nullptr);
    if (!(line_->retry_backoff >= 1 && line_->retry_backoff <= 1000)) {
      fail(fmt::format("\"retry_backoff\" of {}: a number from 1 to 1000", text));
    }
  } else if (row_->key == LineKey::kCpus) {
    if (!to_whole(text, &whole) || whole < 1 || whole > kMostCpus) {
      fail(fmt::format("\"cpus\" of {}: a whole number from 1 to {}", text, kMostCpus));
    }
    line_->cpus = static_cast<std::uint32_t>(whole);
  } else {
    if (!to_whole(text, &whole) || whole > kMostAttempts) {
      fail(fmt::format("\"attempts\" of {}: a whole number up to {}; 0: without end", text,
                       kMostAttempts));
    }
    line_->attempts = static_cast<std::uint32_t>(whole);
  }
}

void JobLineHandler::take_duration(std::string_view text) {
  std::chrono::nanoseconds value{};
  try {
    value = parse_duration(text, row_->name);
  } catch (const Error& error) {
    fail(error.what());
  }
  if (row_->key == LineKey::kTimeout) {
    line_->timeout = value;
  } else if (row_->key == LineKey::kRetryDelay) {
    line_->retry_delay = value;
  } else {
    line_->expected = value;
  }
}

void JobLineHandler::take_size(std::string_view text) {
  try {
    line_->memory.push_back(parse_size(text, row_->name));
  } catch (const Error& error) {
    fail(error.what());
  }
}

void JobLineHandler::text(std::string_view text) {
  if (skips_value()) return;
  if (text.find('\0') != text.npos)
    fail("a NUL byte (\\u0000), which nothing that is run can hold");
  switch (scope_) {
    case Scope::kJob:
      return take_text(text);
    case Scope::kList:
      return take_list_item(text);
    case Scope::kTable:
      return set_variable(text);
    case Scope::kPoolValues:
      header_->pools.back().values.emplace_back(text);
      return;
    default:
      fail_type("a text");
  }
}

void JobLineHandler::take_text(std::string_view text) {
  if (text.empty() && row_->value != LineValue::kTable && row_->value != LineValue::kBool) {
    fail(fmt::format("\"{}\" is empty", row_->name));
  }
  switch (row_->value) {
    case LineValue::kId:
      line_->id_at = at_;
      line_->id = text;
      return;
    case LineValue::kPath:
      *path_of(row_->key) = text;
      return;
    case LineValue::kDuration:
      return take_duration(text);
    case LineValue::kSizes:
      line_->memory.clear();
      return take_size(text);
    case LineValue::kNames:
      begin_list();
      if (row_->key == LineKey::kShell) return take_shell(text);
      return take_list_item(text);
    case LineValue::kName:
      return take_choice(text);
    default:
      fail_type("a text");
  }
}

void JobLineHandler::take_choice(std::string_view text) {
  if (row_->key == LineKey::kSh) {
    line_->line = text;
  } else if (row_->key == LineKey::kStage) {
    line_->stage = text;
  } else if (row_->key == LineKey::kIsolate) {
    if (text != "none" && text != "pid") fail("\"isolate\" is \"none\" or \"pid\"");
    line_->isolate = text == "pid" ? Isolate::kPid : Isolate::kNone;
  } else {
    constexpr std::array<std::string_view, 4> kWords{"keep", "report", "kill", "fail"};
    const auto* const word = std::find(kWords.begin(), kWords.end(), text);
    if (word == kWords.end()) {
      fail("\"leftovers\" is \"keep\", \"report\", \"kill\" or \"fail\"");
    }
    line_->leftovers = static_cast<Leftovers>(word - kWords.begin());
  }
}

void JobLineHandler::begin_list() {
  list_of(row_->key)->clear();
  if (row_->key == LineKey::kPool) line_->pools_at = at_;
  if (row_->key == LineKey::kNeeds) line_->needs_at.clear();
}

void JobLineHandler::take_list_item(std::string_view text) {
  if (row_->value == LineValue::kSizes) return take_size(text);
  std::vector<std::string>* const list = list_of(row_->key);
  if (text.empty() && (row_->key != LineKey::kArgv || list->empty())) {
    fail(fmt::format("an empty text in \"{}\"", row_->name));
  }
  if (row_->key == LineKey::kNeeds) line_->needs_at.push_back(at_);
  list->emplace_back(text);
}

/// "bash -eu": its words.
void JobLineHandler::take_shell(std::string_view text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) line_->shell.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (line_->shell.empty()) fail("\"shell\" is empty");
}

void JobLineHandler::set_variable(std::string_view value) {
  line_->environment.push_back(fmt::format("{}={}", name_, value));
}

std::string* JobLineHandler::path_of(LineKey key) const {
  switch (key) {
    case LineKey::kCwd:
      return &line_->folder;
    case LineKey::kStdinPath:
      return &line_->stdin_path;
    case LineKey::kStdoutPath:
      return &line_->stdout_path;
    default:
      return &line_->stderr_path;
  }
}

std::vector<std::string>* JobLineHandler::list_of(LineKey key) const {
  switch (key) {
    case LineKey::kArgv:
      return &line_->argv;
    case LineKey::kNeeds:
      return &line_->needs;
    case LineKey::kOutputs:
      return &line_->outputs;
    case LineKey::kInputs:
      return &line_->inputs;
    case LineKey::kPool:
      return &line_->pools;
    default:
      return &line_->shell;
  }
}

void JobLineHandler::begin_object() {
  if (skips_) {
    go_deeper();
  } else if (scope_ == Scope::kOutside) {
    scope_ = Scope::kJob;
  } else if (scope_ == Scope::kJob && row_->value == LineValue::kTable) {
    scope_ = Scope::kTable;
  } else if (scope_ == Scope::kHeader && name_ == "pools") {
    scope_ = Scope::kPools;
  } else if (scope_ == Scope::kHeader && name_ == "defaults") {
    scope_ = Scope::kJob;
    in_defaults_ = true;
  } else {
    fail_type("an object");
  }
}

void JobLineHandler::end_object() {
  if (skips_) {
    if (--depth_ == 0) skips_ = false;
  } else if (scope_ == Scope::kTable) {
    scope_ = Scope::kJob;
  } else if (scope_ == Scope::kPools || (scope_ == Scope::kJob && in_defaults_)) {
    in_defaults_ = false;
    scope_ = Scope::kHeader;
  } else {
    scope_ = Scope::kOutside;
  }
}

void JobLineHandler::begin_array() {
  if (skips_) return go_deeper();
  if (scope_ == Scope::kPools) {
    header_->pools.push_back({name_, 1, {}});
    scope_ = Scope::kPoolValues;
    return;
  }
  if (scope_ != Scope::kJob) fail_type("an array");
  if (row_->value == LineValue::kSizes) {
    line_->memory.clear();
  } else if (row_->value == LineValue::kWords || row_->value == LineValue::kNames) {
    begin_list();
  } else {
    fail_type("an array");
  }
  scope_ = Scope::kList;
}

void JobLineHandler::end_array() {
  if (skips_) {
    if (--depth_ == 0) skips_ = false;
    return;
  }
  if (scope_ == Scope::kPoolValues) {
    PoolSpec& pool = header_->pools.back();
    if (pool.values.empty()) fail(fmt::format("pool \"{}\" has nothing to hand out", pool.name));
    pool.limit = static_cast<std::uint32_t>(pool.values.size());
    scope_ = Scope::kPools;
    return;
  }
  if (row_->key == LineKey::kArgv && line_->argv.empty()) fail("\"argv\" is empty");
  if (row_->key == LineKey::kShell && line_->shell.empty()) fail("\"shell\" is empty");
  scope_ = Scope::kJob;
}

}  // namespace enjoin
