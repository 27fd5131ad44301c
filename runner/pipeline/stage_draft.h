#pragma once

#include <string>
#include <vector>

#include "runner/pipeline/complaints.h"
#include "runner/pipeline/pipeline_file.h"
#include "runner/pipeline/toml_tree.h"

namespace enjoin {

/// A name that the checker is to look up.
struct NameUse {
  std::string name;
  FilePosition at;
};

/// A stage as its table says it: texts are not read yet (PipeText::source only), names of stages
/// and pools not looked up. A ForeachSource of kStage has the stage's name as its text.
struct StageDraft {
  struct Each {
    NameUse stage;
    std::vector<std::string> by;
  };
  PipelineStage stage;
  std::vector<NameUse> needs;
  std::vector<Each> needs_each;
  std::vector<NameUse> pools;
};

/// Reads [defaults]: what every stage begins with.
StageDraft read_defaults(const TomlValue& table, Complaints* complaints);

/// Reads the table of one [[stage]].
StageDraft read_stage(const TomlValue& table, FilePosition at, const StageDraft& defaults,
                      Complaints* complaints);

/// Reads the value of `foreach`.
std::vector<LinkedSources> read_foreach(const TomlValue& value, Complaints* complaints);

}  // namespace enjoin
