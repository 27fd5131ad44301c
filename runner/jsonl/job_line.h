#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runner/graph/specs.h"
#include "worker/config.h"

namespace enjoin {

/// One line of a machine-made graph, read and checked on its own (docs/jsonl.md says what the keys
/// mean). Paths are relative to `folder`.
struct JobLine {
  std::string id;     ///< empty: it has none
  std::string stage;  ///< empty: it has none
  std::vector<std::string> argv;
  std::string line;  ///< `sh`; exactly one of the two
  std::vector<std::string> shell;
  std::vector<std::string> needs;
  std::vector<std::size_t> needs_at;  ///< where in the text each of them stands
  std::string folder, stdin_path, stdout_path, stderr_path;
  std::vector<std::string> environment;  ///< as JobRecipe has it
  std::vector<std::string> inputs, outputs;
  std::vector<std::string> pools;
  std::size_t id_at = 0, pools_at = 0;
  std::uint32_t cpus = 1;
  std::vector<std::uint64_t> memory;
  std::uint32_t attempts = 1;  ///< 0: without end
  std::chrono::nanoseconds retry_delay{0};
  double retry_backoff = 1;
  std::chrono::nanoseconds timeout{0};
  std::chrono::nanoseconds expected{0};
  Leftovers leftovers = Leftovers::kKill;
  Isolate isolate = Isolate::kNone;
  bool allow_failure = false;
};

/// What the first line of a graph may say of the whole: {"enjoin": 1, …}.
struct GraphHeader {
  std::vector<PoolSpec> pools;
  JobLine defaults;
};

}  // namespace enjoin
