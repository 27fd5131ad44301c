#include "runner/report/report_text.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "runner/display/run_texts.h"
#include "runner/progress.h"
#include "worker/shell_quote.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kLastLines = 10;
constexpr std::size_t kMostCommandBytes = 300;
constexpr std::size_t kMostShortBytes = 60;
constexpr std::size_t kMostPathSteps = 20;
constexpr std::size_t kMostStages = 200;

std::string shown(std::string_view text, std::size_t most) {
  const bool is_long = text.size() > most;
  return term_safe(text.substr(0, most)) + (is_long ? "…" : "");
}

std::string time_text(double time) {
  const auto seconds = static_cast<std::time_t>(time);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

std::string size_text(std::uint64_t bytes) {
  if (bytes == 0) return "-";
  constexpr std::string_view kUnits = "KMGTP";
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1000 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return size < 10 ? fmt::format("{:.1f}{}", size, kUnits[unit])
                   : fmt::format("{:.0f}{}", size, kUnits[unit]);
}

std::string command_line(const RunFacts& run) {
  std::string line = "enjoin";
  for (const std::string& word : run.arguments) line += ' ' + shell_quoted(word);
  return shown(line, kMostCommandBytes);
}

/// A table whose columns are as wide as they have to be: the first to the left, others to the
/// right.
class Table {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (std::size_t at = 0; at < row.size(); ++at) {
        widths[at] = std::max(widths[at], term_columns(row[at]));
      }
    }
    std::string text;
    for (const auto& row : rows_) {
      text += "  ";
      for (std::size_t at = 0; at < row.size(); ++at) {
        const std::string gap(widths[at] - term_columns(row[at]), ' ');
        text += at == 0 ? row[at] + gap : "  " + gap + row[at];
      }
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string count(std::uint64_t number) {
  return number == 0 ? "-" : std::to_string(number);
}

void add_head(const Report& report, const std::string& record, std::string* text) {
  const RunFacts& run = report.run;
  *text += fmt::format("Run {} of {}: {}\n", run.run, term_safe(record), command_line(run));
  *text += fmt::format("  in {} on {}, {}", term_safe(run.folder), term_safe(run.host),
                       time_text(run.started));
  if (run.ended) {
    *text += fmt::format(", took {}", seconds_text(run.last - run.started));
  } else {
    *text += ", has not ended: it still runs, or was killed";
  }
  if (run.status) *text += fmt::format(", exit status {}", *run.status);
  std::string parts;
  const auto add = [&](std::uint64_t number, std::string_view what) {
    if (number > 0) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", number, what);
  };
  add(run.succeeded, "done");
  add(run.up_to_date, "up to date");
  add(run.failed, "failed");
  add(run.allowed, "failed (allowed)");
  add(run.canceled, "stopped");
  add(run.dropped, "not started");
  *text += fmt::format("\n  {} {}{}{}\n", run.jobs, run.jobs == 1 ? "job" : "jobs",
                       parts.empty() ? "" : ": ", parts);
}

void add_attempt(const AttemptFacts& attempt, std::string* text) {
  *text += fmt::format("  {}: {}, after {}", shown_name(attempt.name),
                       shown(attempt.outcome, kMostCommandBytes), seconds_text(attempt.wall));
  if (attempt.attempt > 1) *text += fmt::format(", attempt {}", attempt.attempt);
  if (attempt.is_allowed) *text += ", which is allowed";
  *text += fmt::format("\n    {}\n", shown(attempt.command, kMostCommandBytes));
  CapturedOutput output;
  for (int stream = 0; stream < 2; ++stream) output.text[stream] = attempt.text[stream];
  *text += last_lines(output, kLastLines);
  for (const std::string& path : attempt.path) {
    if (!path.empty()) *text += fmt::format("    all of it: {}\n", term_safe(path));
  }
}

void add_failed(const Report& report, std::string* text) {
  if (report.failed.empty()) return;
  *text += "\nFailed\n";
  for (const AttemptFacts& attempt : report.failed) add_attempt(attempt, text);
  if (report.failed_in_all > report.failed.size()) {
    *text += fmt::format("  and {} more\n", report.failed_in_all - report.failed.size());
  }
}

void add_stages(const Report& report, std::string* text) {
  if (report.stages.empty()) return;
  Table table;
  table.add({"", "jobs", "done", "up to date", "failed", "not started", "from", "to", "work", "CPU",
             "longest", "max RSS"});
  for (std::size_t at = 0; at < std::min(report.stages.size(), kMostStages); ++at) {
    const StageFacts& stage = report.stages[at];
    const auto since = [&](const std::optional<double>& time) {
      return time ? seconds_text(*time - report.run.started) : "-";
    };
    table.add({shown_name(stage.name), std::to_string(stage.jobs), count(stage.succeeded),
               count(stage.up_to_date), count(stage.failed + stage.allowed), count(stage.dropped),
               since(stage.began), since(stage.ended), seconds_text(stage.work),
               seconds_text(stage.cpu), seconds_text(stage.longest), size_text(stage.max_rss)});
  }
  *text += "\nStages\n" + table.text();
  if (report.stages.size() > kMostStages) {
    *text += fmt::format("  and {} more\n", report.stages.size() - kMostStages);
  }
}

void add_slowest(const Report& report, std::string* text) {
  if (report.slowest.empty()) return;
  Table table;
  table.add({"", "took", "CPU", "max RSS", ""});
  for (const AttemptFacts& attempt : report.slowest) {
    // Jobs of the batch mode are called by numbers, which say little.
    const bool has_name = report.run.mode != "batch";
    table.add({has_name ? shown_name(attempt.name) : shown(attempt.command, kMostShortBytes),
               seconds_text(attempt.wall), seconds_text(attempt.user + attempt.system),
               size_text(attempt.max_rss),
               attempt.state == "succeeded" ? "" : shown(attempt.outcome, kMostCommandBytes)});
  }
  *text += "\nSlowest\n" + table.text();
}

void add_path(const Report& report, std::string* text) {
  if (report.path.empty()) return;
  std::vector<const PathStep*> steps;
  for (const PathStep& step : report.path) steps.push_back(&step);
  std::stable_sort(steps.begin(), steps.end(),
                   [](const PathStep* a, const PathStep* b) { return a->wall > b->wall; });
  const std::size_t left_out = steps.size() - std::min(steps.size(), kMostPathSteps);
  steps.resize(steps.size() - left_out);
  std::sort(steps.begin(), steps.end());  // they lie in order of time
  const double span = report.run.last - report.run.started;
  Table table;
  table.add({"", "jobs", "from", "took", "the longest of them", ""});
  for (const PathStep* const step : steps) {
    table.add({shown_name(step->stage), std::to_string(step->jobs), seconds_text(step->from),
               seconds_text(step->wall), shown_name(step->longest_name),
               seconds_text(step->longest)});
  }
  *text += fmt::format("\nCritical path: {} of {}, each job and what ended last before it began\n",
                       seconds_text(report.path_work), seconds_text(span));
  *text += table.text();
  if (left_out > 0) *text += fmt::format("  and {} shorter steps\n", left_out);
}

void add_utilisation(const Report& report, std::string* text) {
  const double span = report.run.last - report.run.started;
  if (span <= 0 || report.work <= 0) return;
  *text += fmt::format("\nUtilisation\n  {:.1f} jobs ran at once on average", report.work / span);
  if (report.run.cpus > 0) *text += fmt::format(", of {} (-j)", report.run.cpus);
  *text += fmt::format("; they kept {:.1f} CPUs busy: {} in all\n", report.cpu / span,
                       seconds_text(report.cpu));
}

void add_retries(const Report& report, std::string* text) {
  if (report.retries.jobs == 0) return;
  *text += fmt::format(
      "\nRetries\n  {} {} tried again, {} passed then; {} went into attempts that failed\n",
      report.retries.jobs, report.retries.jobs == 1 ? "job was" : "jobs were",
      report.retries.passed, seconds_text(report.retries.lost));
}

}  // namespace

std::string seconds_text(double seconds) {
  if (seconds < 0.0005) return "0s";
  if (seconds < 1) return fmt::format("{:.0f}ms", seconds * 1000);
  if (seconds < 59.95) return fmt::format("{:.1f}s", seconds);
  return short_duration(std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(std::min(seconds, 3e9))));
}

std::string report_text(const Report& report, const std::string& record) {
  std::string text;
  add_head(report, record, &text);
  add_failed(report, &text);
  add_stages(report, &text);
  add_slowest(report, &text);
  add_path(report, &text);
  add_utilisation(report, &text);
  add_retries(report, &text);
  return text;
}

std::string flaky_text(const std::vector<FlakyJob>& jobs) {
  if (jobs.empty()) return "No job passed after it had failed.\n";
  std::string text;
  for (const FlakyJob& job : jobs) {
    text += fmt::format("{} ({}): failed {} {}, passed {}; last in run {}:\n", shown_name(job.name),
                        shown_name(job.stage), job.failures, job.failures == 1 ? "time" : "times",
                        job.passes, job.last_failure.run);
    add_attempt(job.last_failure, &text);
  }
  return text;
}

}  // namespace enjoin
