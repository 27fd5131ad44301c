#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/graph/specs.h"
#include "runner/pipeline/pipe_text.h"
#include "worker/config.h"

namespace enjoin {

/// One thing that a stage iterates over. It binds columns: `{name}` in the stage's texts.
struct ForeachSource {
  enum class Kind : std::uint8_t {
    kList,     ///< `items`
    kGlob,     ///< the paths that match `items` (patterns), sorted, each pattern after the other
    kLines,    ///< the lines of the file `text`; empty ones are left out
    kCommand,  ///< the same of what the shell command `text` writes
    kTable,    ///< the rows of the file `text`: its first row names the columns
    kStage,    ///< the jobs of stage `stage`, with all their columns; each needs its own
  } kind = Kind::kList;
  /// The column that it binds. Empty: none but {item} (kTable, kStage: the columns that they have).
  std::string name;
  std::vector<PipeText> items;
  PipeText text;
  char delimiter = '\t';  ///< kTable: ',' for csv (RFC 4180), TAB without quoting for tsv
  std::size_t stage = 0;
  FilePosition at;
};

/// Sources that go in step: all have the same number of items.
using LinkedSources = std::vector<ForeachSource>;

struct NeedsEach {
  std::size_t stage = 0;
  /// Columns whose values both jobs share. Empty: the k-th job needs the k-th.
  std::vector<std::string> by;
  FilePosition at;
};

/// A stage as it stands in the file, [defaults] put in, checked. Texts: where paths are relative,
/// they are so to the folder where the job runs (`cwd`); what `foreach` reads is relative to ours.
struct PipelineStage {
  std::string name;
  FilePosition at;

  // What it runs: `run` for the shell, or `command` as it is. Exactly one.
  std::optional<PipeText> run;
  std::vector<PipeText> command;
  std::vector<std::string> shell;  ///< never empty where there is `run`

  // Its items. A stage without `foreach` has one job; but one with needs_each has those of the
  // first of these: a job for each of its jobs, or with `by` for each combination of these columns.
  std::vector<LinkedSources> foreach;  ///< the product of these, the last varies fastest
  std::vector<std::size_t> needs;      ///< stages, all of whose jobs are joined; no doubles
  std::vector<NeedsEach> needs_each;

  // How it runs.
  std::vector<std::pair<std::string, std::optional<PipeText>>> env;  ///< nullopt: taken away
  PipeText cwd, stdin_path, stdout_path, stderr_path;                ///< empty: none
  std::chrono::nanoseconds timeout{0};
  std::uint32_t attempts = 1;  ///< 0: without end
  std::chrono::nanoseconds retry_delay{0};
  double retry_backoff = 1;
  std::uint32_t most_running = 0;  ///< `jobs`; 0: no limit
  std::vector<std::size_t> pools;
  std::uint32_t cpus = 1;
  std::vector<std::uint64_t> memory;  ///< bytes, by attempt
  Leftovers leftovers = Leftovers::kKill;
  Isolate isolate = Isolate::kNone;
  bool allow_failure = false;
  When when = When::kSuccess;

  // Files. stdin counts as an input and stdout as the last output, where they are not among them;
  // the outputs of other stages that the texts name count as inputs.
  /// Paths; literal * ? [ make a pattern, and what matches it counts.
  std::vector<PipeText> inputs;
  std::vector<PipeText> outputs;

  // Found by the checker.
  std::vector<std::string> columns;  ///< those of its items that are known before anything is read
  bool more_columns = false;         ///< a table may bring more
  bool is_many() const { return !foreach.empty() || !needs_each.empty(); }
};

struct PipelineVariable {
  std::string name;
  std::vector<std::string> values;  ///< one, or those of a list
  FilePosition at;                  ///< in the file, also where --set gave the value
};

/// A pipeline file, read and checked as a whole. No name is two of variable, column, pool with
/// values and replacement string of ours; columns that come from tables are still to be checked.
struct PipelineFile {
  std::string path;  ///< as it was given
  std::vector<PipelineVariable> variables;
  std::vector<PoolSpec> pools;
  std::vector<PipelineStage> stages;  ///< in the order of the file
  std::vector<std::string> warnings;  ///< "file:line:column: {cups} stays as it is…", for stderr

  /// "pipeline.toml:3:14: ", to begin a message with.
  std::string place(FilePosition at) const;
  std::optional<std::size_t> find_stage(std::string_view name) const;
};

/// Reads and checks the file. `settings`: NAME=VALUE of --set, each for a variable that the file
/// has. Throws Error: all that is wrong, a line for each, "file:line:column: what, and what to do".
PipelineFile read_pipeline_file(const std::string& path, const std::vector<std::string>& settings);

/// The same of a text; `path` is for messages.
PipelineFile read_pipeline(std::string_view text, const std::string& path,
                           const std::vector<std::string>& settings);

}  // namespace enjoin
