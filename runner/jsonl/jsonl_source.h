#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

  void begin(GraphPlan& plan) override;
  /// Nothing is added here: what comes, comes by pull().
  void open(GraphPlan&, StageIndex) override {}
  /// Takes some lines. Throws Error: in a file all that is wrong, in a stream what came first.
  Pull pull(GraphPlan& plan) override;
  int wait_fd() const override { return reader_.wait_fd(); }  ///< -1: a file
  Isolate isolate() const override { return lines_.header().defaults.isolate; }

  JobText text(JobIndex job) const override;
  std::string command(JobIndex job) const override;
  JobRecipe recipe(const GraphPlan::Start& start) override;
  std::chrono::nanoseconds timeout(JobIndex job) const override { return line(job).timeout; }
  std::vector<std::string> inputs(JobIndex job) const override;
  std::vector<std::string> outputs(JobIndex job) const override;
  Identity identity(JobIndex job) const override;

 private:
  /// A job. 48 bytes.
  struct Entry {
    KeptLine line;  ///< of one that is only promised: the first line that needs it
    IdTable::Key key{};
    std::uint64_t command = 0;
    std::uint64_t environment = 0;
  };

  /// What a job needs, and where in its line that stands.
  struct Need {
    std::string id;
    std::size_t at = 0;
  };

  bool next_line(std::string_view* text, Pull* without);
  void wait_first_line();
  void take_line(GraphPlan& plan, std::string_view text);
  void add(GraphPlan& plan, std::string_view text);
  void find_keys();
  JobIndex place_job(GraphPlan& plan, const KeptLine& kept);
  void add_needs(GraphPlan& plan, JobIndex job, const KeptLine& kept);
  JobIndex job_of(GraphPlan& plan, const IdTable::Key& key, const KeptLine& needed_by);
  StageIndex stage_of(GraphPlan& plan);
  RequirementIndex requirement_of(GraphPlan& plan);
  void end(GraphPlan& plan);
  void check_graph(const GraphPlan& plan);
  void report(std::uint64_t number, std::string_view text, const LineError& error);
  std::string place(std::uint64_t number, std::string_view text, std::size_t offset) const;
  void throw_problems() const;
  bool is_defined(JobIndex job) const { return defined_[at(job)]; }
  IdTable::Key key_of(std::string_view id) const;
  Need need_of(JobIndex job) const;
  std::string id_of(JobIndex job) const;
  const JobLine& line(JobIndex job) const;

  LineReader reader_;
  std::string name_;   // for messages
  std::string first_;  // the first line, if it is a job's
  bool has_first_ = false;
  std::uint64_t number_ = 0;  // of the line that was read last
  mutable JobLineReader lines_;
  mutable IdentityHash hash_;
  JobLine coming_;  // the line that is being added

  IdTable::Key own_key_{};
  std::vector<IdTable::Key> need_keys_;

  LineStore kept_;
  std::deque<Entry> entries_;  // by JobIndex
  std::vector<bool> defined_;
  std::vector<bool> has_files_;  // by job: most have none, and need not be read again for that
  IdTable ids_;
  std::map<std::pair<std::string, bool>, StageIndex> stages_;  // by name and allow_failure
  const std::pair<const std::pair<std::string, bool>, StageIndex>* last_stage_ = nullptr;
  std::map<std::string, PoolIndex> pools_;
  std::optional<RequirementIndex> plain_requirement_;
  std::uint64_t no_environment_ = 0;
  std::uint64_t promised_ = 0;  // jobs whose line has not come yet
  bool looked_ahead_ = false;   // some job was needed before its line came
  bool found_shell_ = false;

  std::vector<std::string> problems_;
  std::uint64_t more_problems_ = 0;

  // The job that was asked about last.
  mutable JobLine asked_;
  mutable std::uint64_t asked_index_ = ~std::uint64_t{0};
};

}  // namespace enjoin
