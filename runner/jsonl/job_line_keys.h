#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace enjoin {

/// The keys of a job's line. Those that most lines have come first.
enum class LineKey : std::uint8_t {
  kId,
  kArgv,
  kNeeds,
  kSh,
  kOutputs,
  kInputs,
  kStage,
  kCpus,
  kMemory,
  kCwd,
  kEnv,
  kStdinPath,
  kStdoutPath,
  kStderrPath,
  kTimeout,
  kAttempts,
  kRetryDelay,
  kRetryBackoff,
  kPool,
  kShell,
  kExpected,
  kLeftovers,
  kIsolate,
  kAllowFailure,
};

/// What a key's value must be.
enum class LineValue : std::uint8_t {
  kName,      ///< a text that is not empty
  kId,        ///< the same, or a whole number
  kPath,      ///< the same as kName
  kDuration,  ///< a number of seconds, or a text
  kNumber,    ///< a number
  kSizes,     ///< a size, or an array of them
  kWords,     ///< an array of texts
  kNames,     ///< one text, or an array
  kTable,     ///< an object of texts and nulls
  kBool,
};

struct LineKeyRow {
  std::string_view name;
  LineKey key;
  LineValue value;
  bool may_be_default = true;
};

constexpr std::array<LineKeyRow, 24> kLineKeys{{
    {"id", LineKey::kId, LineValue::kId, false},
    {"argv", LineKey::kArgv, LineValue::kWords, false},
    {"needs", LineKey::kNeeds, LineValue::kNames, false},
    {"sh", LineKey::kSh, LineValue::kName, false},
    {"outputs", LineKey::kOutputs, LineValue::kNames, false},
    {"inputs", LineKey::kInputs, LineValue::kNames, false},
    {"stage", LineKey::kStage, LineValue::kName},
    {"cpus", LineKey::kCpus, LineValue::kNumber},
    {"memory", LineKey::kMemory, LineValue::kSizes},
    {"cwd", LineKey::kCwd, LineValue::kPath},
    {"env", LineKey::kEnv, LineValue::kTable},
    {"stdin", LineKey::kStdinPath, LineValue::kPath},
    {"stdout", LineKey::kStdoutPath, LineValue::kPath},
    {"stderr", LineKey::kStderrPath, LineValue::kPath},
    {"timeout", LineKey::kTimeout, LineValue::kDuration},
    {"attempts", LineKey::kAttempts, LineValue::kNumber},
    {"retry_delay", LineKey::kRetryDelay, LineValue::kDuration},
    {"retry_backoff", LineKey::kRetryBackoff, LineValue::kNumber},
    {"pool", LineKey::kPool, LineValue::kNames},
    {"shell", LineKey::kShell, LineValue::kNames},
    {"expected", LineKey::kExpected, LineValue::kDuration},
    {"leftovers", LineKey::kLeftovers, LineValue::kName},
    {"isolate", LineKey::kIsolate, LineValue::kName},
    {"allow_failure", LineKey::kAllowFailure, LineValue::kBool},
}};

constexpr const LineKeyRow* find_line_key(std::string_view name) {
  const auto* const row = std::find_if(kLineKeys.begin(), kLineKeys.end(),
                                       [&](const LineKeyRow& it) { return it.name == name; });
  return row == kLineKeys.end() ? nullptr : row;
}

}  // namespace enjoin
