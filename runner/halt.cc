#include "runner/halt.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "enjoin/error.h"

// Found by running GNU parallel 20221122 with -j1 on lists of jobs that fail or succeed:
//  - percentages are of all jobs: it reads its input to the end before the first decision, and
//    stops at the first job for which ended/all >= percent (30 % of 10: at the 3rd; 33 % of 3: at
//    the 1st). There is no least number of jobs, as older versions had.
//  - exit status: `fail=1` and `done=1` give the deciding job's own, `fail=2` gives 2, `done=2`
//    the number of failed jobs; `fail=20%` of 5 jobs is one job and gives that job's own,
//    `fail=30%` of 5 (2 failed) gives 40, `fail=33%` of 3 (1 failed) gives 34; success rules give 0
//    when met.

namespace enjoin {
namespace {

// done=3 without a failed job; GNU parallel of 2022 and of 2026 alike.
constexpr int kStoppedWithoutFailure = 101;

constexpr std::string_view kForms =
    "never, or WHEN,WHY=VALUE with now or soon, fail or success or done, and a number or a "
    "percentage of all jobs: now,fail=1  soon,done=10  now,success=50%";

[[noreturn]] void throw_malformed(std::string_view text, std::string_view what) {
  throw Error(fmt::format("--halt '{}': {}; expected {}", text, what, kForms));
}

/// Takes the text up to `end` (or all) off the front.
std::string_view take_until(std::string_view* text, char end) {
  const std::size_t at = std::min(text->find(end), text->size());
  const std::string_view taken = text->substr(0, at);
  text->remove_prefix(std::min(at + 1, text->size()));
  return taken;
}

/// "3" or "30%" into the spec.
void parse_value(std::string_view value, std::string_view text, HaltSpec* spec) {
  const char* end = value.data() + value.size();
  if (value.ends_with('%')) {
    const auto [stop, error] =
        std::from_chars(value.data(), end - 1, spec->percent, std::chars_format::fixed);
    if (error != std::errc() || stop != end - 1 || !(spec->percent > 0))
      throw_malformed(text, fmt::format("'{}' is no percentage above 0%", value));
  } else {
    const auto [stop, error] = std::from_chars(value.data(), end, spec->count);
    if (error != std::errc() || stop != end || spec->count == 0)
      throw_malformed(text, fmt::format("'{}' is no number from 1 on and no percentage", value));
  }
}

/// GNU parallel's forms of before 2015. False where `text` is none of them.
bool parse_old_form(std::string_view text, HaltSpec* spec) {
  using When = HaltSpec::When;
  using Why = HaltSpec::Why;
  if (text == "0" || text == "never") {
    *spec = {};
  } else if (text == "1" || text == "-1") {
    *spec = {When::kSoon, text == "1" ? Why::kFail : Why::kSuccess, 1, 0};
  } else if (text == "2" || text == "-2") {
    *spec = {When::kNow, text == "2" ? Why::kFail : Why::kSuccess, 1, 0};
  } else if (text.ends_with('%') && text.find(',') == std::string_view::npos) {
    spec->when = When::kSoon;
    parse_value(text, text, spec);
  } else {
    return false;
  }
  return true;
}

std::uint64_t counted(const HaltSpec& spec, const HaltCounts& counts) {
  switch (spec.why) {
    case HaltSpec::Why::kFail:
      return counts.failed;
    case HaltSpec::Why::kSuccess:
      return counts.succeeded;
    case HaltSpec::Why::kDone:
      return counts.failed + counts.succeeded;
  }
  return 0;
}

/// Whether one job alone meets the rule.
bool is_one_job(const HaltSpec& spec, const HaltCounts& counts) {
  if (spec.count != 0) return spec.count == 1;
  return spec.percent * static_cast<double>(counts.total) == 100;
}

}  // namespace

HaltSpec parse_halt(std::string_view text) {
  HaltSpec spec;
  if (parse_old_form(text, &spec)) return spec;
  std::string_view rest = text;
  const std::string_view when = take_until(&rest, ',');
  if (when == "now") {
    spec.when = HaltSpec::When::kNow;
  } else if (when == "soon") {
    spec.when = HaltSpec::When::kSoon;
  } else {
    throw_malformed(text, fmt::format("'{}' is not never, soon or now", when));
  }
  const std::string_view why = take_until(&rest, '=');
  if (why == "fail") {
    spec.why = HaltSpec::Why::kFail;
  } else if (why == "success") {
    spec.why = HaltSpec::Why::kSuccess;
  } else if (why == "done") {
    spec.why = HaltSpec::Why::kDone;
  } else {
    throw_malformed(text, why.empty() ? fmt::format("after {} comes ,fail= or the like", when)
                                      : fmt::format("'{}' is not fail, success or done", why));
  }
  parse_value(rest, text, &spec);
  return spec;
}

bool halt_is_due(const HaltSpec& spec, const HaltCounts& counts) {
  if (spec.when == HaltSpec::When::kNever) return false;
  const std::uint64_t ended = counted(spec, counts);
  if (spec.count != 0) return ended >= spec.count;
  if (!counts.total_is_final || ended == 0) return false;
  return static_cast<double>(ended) * 100 >= spec.percent * static_cast<double>(counts.total);
}

int halt_exit_status(const HaltSpec& spec, const HaltCounts& counts, int deciding_status) {
  const bool met = halt_is_due(spec, counts);
  if (met && spec.why == HaltSpec::Why::kSuccess) return 0;
  if (met && is_one_job(spec, counts)) return deciding_status;
  if (met && spec.count != 0 && spec.why == HaltSpec::Why::kDone && counts.failed == 0)
    return kStoppedWithoutFailure;
  const bool by_percent = spec.when != HaltSpec::When::kNever && spec.count == 0;
  if (!by_percent || counts.total == 0)
    return static_cast<int>(std::min<std::uint64_t>(counts.failed, 101));
  const double share = static_cast<double>(counts.failed) * 100 / static_cast<double>(counts.total);
  return static_cast<int>(std::ceil(share));
}

}  // namespace enjoin
