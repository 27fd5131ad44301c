#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "runner/record/database.h"
#include "runner/report/report_data.h"

namespace enjoin {

/// Reads out of a record what there is to say about its runs. All of its questions see one state of
/// the record, though a run may be writing to it.
class ReportReader {
 public:
  explicit ReportReader(Database& record);
  ~ReportReader();
  ReportReader(const ReportReader&) = delete;
  ReportReader& operator=(const ReportReader&) = delete;

  /// The run that is meant; nullopt: the last. Throws Error: there is none.
  std::int64_t find_run(std::optional<std::uint64_t> wanted);

  static constexpr std::size_t kMostFailed = 20;
  static constexpr std::size_t kMostSlowest = 10;
  Report read(std::int64_t run);

  /// In one run, or (nullopt) over all of them; those that failed most first.
  std::vector<FlakyJob> flaky(std::optional<std::int64_t> run);

  /// All attempts of a run that came to an end, stage by stage, those of one job one after the
  /// other, with what they wrote.
  void each_attempt(std::int64_t run, const std::function<void(const AttemptFacts&)>& take);

 private:
  RunFacts run_facts(std::int64_t run);
  void add_stages(std::int64_t run, Report* report);
  void add_failed(std::int64_t run, Report* report);
  void add_slowest(std::int64_t run, Report* report);
  void add_path(std::int64_t run, Report* report);
  void add_sums(std::int64_t run, Report* report);
  void add_output(AttemptFacts* attempt);

  Database& record_;
  Statement output_;  // of one attempt
  bool is_in_transaction_ = false;
};

}  // namespace enjoin
