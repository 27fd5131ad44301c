#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runner/graph/job_source.h"
#include "runner/input/line_reader.h"
#include "runner/jsonl/id_table.h"
#include "runner/jsonl/job_line.h"
#include "runner/jsonl/job_line_reader.h"
#include "runner/jsonl/line_store.h"

namespace enjoin {

/// The jobs of a machine-made graph: JSON Lines, one job a line (docs/jsonl.md). They are read as
/// they come; a job may need others that have not come yet. The text of each line is kept as it is
/// and read again when the job is asked about, so that a million jobs take little memory.
class JsonlSource : public JobSource {
 public:
  /// `path`: a file or "-" for stdin. Reads the first line, waiting for it: it may say how the run
  /// has to be set up. Throws Error: what cannot be opened, or what is wrong with that line.
  explicit JsonlSource(const std::string& path);
  ~JsonlSource() override;

  void begin(GraphPlan& plan) override;
  void open(GraphPlan& plan, StageIndex stage) override;
  /// Takes some lines. Throws Error: in a file all that is wrong, in a stream what came first.
  Pull pull(GraphPlan& plan) override;
  int wait_fd() const override;  ///< -1: a file
  Isolate isolate() const override;

  JobText text(JobIndex job) const override;
  std::string command(JobIndex job) const override;
  JobRecipe recipe(const GraphPlan::Start& start) override;
  std::chrono::nanoseconds timeout(JobIndex job) const override;
  std::vector<std::string> inputs(JobIndex job) const override;
  std::vector<std::string> outputs(JobIndex job) const override;
  Identity identity(JobIndex job) const override;

 private:
  /// A job: where its line is, and what it is. 48 bytes.
  struct Entry {
    KeptLine line;  // of a job that is only promised: the first line that needs it
    Identity::Key key{};
    std::uint64_t command = 0;
    std::uint64_t environment = 0;
  };
};

}  // namespace enjoin
