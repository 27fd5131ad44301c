#include "runner/display/run_texts.h"

#include <algorithm>

#include <fmt/format.h>

#include "runner/progress.h"
#include "worker/latest_line.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kLastLines = 5;
constexpr std::size_t kMostLineColumns = 400;
constexpr std::size_t kMostNameBytes = 200;

void add_count(std::uint64_t count, std::string_view what, std::string* text) {
  if (count == 0) return;
  *text += text->empty() ? "" : ", ";
  *text += fmt::format("{} {}", count, what);
}

/// What is to be seen of a line in the end: a progress bar is drawn over and over.
std::string_view last_state(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t over = line.rfind('\r');
  return over == std::string_view::npos ? line : line.substr(over + 1);
}

}  // namespace

std::string why(const AttemptEnd& end) {
  std::string text = to_string(end.result.outcome);
  if (std::holds_alternative<TimedOut>(end.result.outcome)) {
    text += " after " + short_duration(end.result.use.wall);
  }
  if (end.result.left_processes) text += "; it left processes";
  if (!end.reason.empty()) {
    text += succeeded(end.result.outcome) ? ", but " : "; ";
    append_term_safe(end.reason, &text);
  }
  return text;
}

std::string shown_name(std::string_view name) {
  return term_safe(name.substr(0, kMostNameBytes)) + (name.size() > kMostNameBytes ? "…" : "");
}

std::string failure_text(std::string_view name, const AttemptEnd& end, const FailureStyle& style) {
  const bool is_red = style.colour && !style.is_allowed && end.is_final;
  std::string text = fmt::format("{}: {} {}failed{}: {}", style.program, shown_name(name),
                                 is_red ? "\033[31m" : "", is_red ? "\033[0m" : "", why(end));
  if (end.result.use.wall >= std::chrono::seconds(1)) {
    text += fmt::format(" (after {})", short_duration(end.result.use.wall));
  }
  if (!end.is_final) {
    text += fmt::format("; attempt {}, it will be tried again", end.attempt);
  } else if (end.attempt > 1) {
    text += fmt::format("; attempt {}, the last", end.attempt);
  }
  if (style.is_allowed && end.is_final) text += "; that is allowed";
  text += '\n';
  if (style.with_output) text += last_lines(end.output, kLastLines);
  return text;
}

std::string warning_text(std::string_view program, std::string_view name, const JobResult& result) {
  if (!result.processes_escaped && !result.left_processes) return {};
  return fmt::format("{}: Warning: {} left processes{}\n", program, shown_name(name),
                     result.processes_escaped
                         ? " that could not all be killed (try isolate = \"pid\")"
                         : " behind (the stage's leftovers says what becomes of them)");
}

std::string last_lines(const CapturedOutput& output, std::size_t most) {
  std::string_view text = output.text[output.text[1].empty() ? 0 : 1];
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.empty()) return {};
  std::size_t begin = text.size();
  for (std::size_t count = 0; count < most && begin != std::string_view::npos; ++count) {
    begin = begin == 0 ? std::string_view::npos : text.rfind('\n', begin - 1);
  }
  if (begin != std::string_view::npos) text.remove_prefix(begin + 1);
  std::string lines;
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines += "  | " + fit_line(last_state(text.substr(0, end)), kMostLineColumns) + '\n';
    if (end == text.size()) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string summary_text(const GraphPlan::Counts& counts, std::chrono::nanoseconds elapsed) {
  std::string parts;
  add_count(counts.succeeded, "done", &parts);
  add_count(counts.up_to_date, "up to date", &parts);
  add_count(counts.failed, "failed", &parts);
  add_count(counts.allowed, "failed (allowed)", &parts);
  add_count(counts.dropped, "not started", &parts);
  const std::string jobs = counts.added == 1 ? "1 job" : fmt::format("{} jobs", counts.added);
  return fmt::format("{} in {}{}{}", jobs, short_duration(elapsed), parts.empty() ? "" : ": ",
                     parts);
}

}  // namespace enjoin
