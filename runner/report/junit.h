#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/report/report_data.h"

namespace enjoin {

/// Makes JUnit XML, as CI systems read it: a suite for each stage, a case for each job; attempts
/// that another followed are told as flakyFailure or rerunFailure. Jobs that were up to date or
/// never started have no case.
class JunitOut {
 public:
  explicit JunitOut(const RunFacts& run);

  /// Attempts of one stage, and of one job, follow each other.
  void add(const AttemptFacts& attempt);
  /// All of it.
  std::string take();

 private:
  void finish_job();
  void finish_suite();

  const RunFacts& run_;
  std::string suites_;
  std::string cases_;  // of the suite that is being made
  std::string stage_;
  std::vector<AttemptFacts> attempts_;  // of the job that is being made
  std::uint64_t tests_ = 0, failures_ = 0, all_tests_ = 0, all_failures_ = 0;
  double time_ = 0, all_time_ = 0, first_ = 0;
};

/// As the text of an element, or as an attribute's value, in XML 1.0: escaped; characters that it
/// cannot hold, and bytes that are no UTF-8, become U+FFFD.
std::string xml_text(std::string_view text);
std::string xml_attribute(std::string_view text);

}  // namespace enjoin
