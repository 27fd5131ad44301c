#include "runner/display/run_display.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "runner/display/run_texts.h"
#include "runner/display/terminal.h"

namespace enjoin {
namespace {

constexpr std::chrono::milliseconds kRedrawEvery{250};
// What was printed over is drawn again so soon.
constexpr std::chrono::milliseconds kRedrawSoon{50};
constexpr std::chrono::seconds kStageLineEvery{1};
constexpr std::size_t kMostTold = 1000;  // failures, one by one
constexpr std::size_t kMostKept = 20;    // failures and dropped jobs that are named at the end

}  // namespace

DisplaySettings display_settings(int fd) {
  DisplaySettings settings;
  settings.redraws = can_redraw(fd);
  settings.colour = may_colour(fd);
  settings.size = [fd] { return size_of_terminal(fd); };
  settings.clock = std::chrono::steady_clock::now;
  return settings;
}

RunDisplay::RunDisplay(DisplaySettings settings, const JobSource& source, const GraphPlan& plan,
                       MessageWriter& messages)
    : settings_(std::move(settings)),
      source_(source),
      plan_(plan),
      messages_(messages),
      began_(settings_.clock()),
      drawn_(began_),
      next_(began_ + (settings_.redraws ? std::chrono::nanoseconds(0) : settings_.line_every)) {}

RunDisplay::~RunDisplay() {
  make_way();
}

std::string RunDisplay::name(JobIndex job) const {
  return source_.text(job).name;
}

void RunDisplay::say(const std::string& text) {
  make_way();
  messages_.say(text);
}

void RunDisplay::make_way() {
  if (is_shown_) messages_.say(kTakeOff);
  is_shown_ = false;
}

void RunDisplay::started(JobIndex job, std::uint32_t attempt) {
  running_[static_cast<std::uint32_t>(job)] = {settings_.clock(), attempt};
}

void RunDisplay::ended(const AttemptEnd& end) {
  running_.erase(static_cast<std::uint32_t>(end.job));
  const StageIndex stage = plan_.stage_of(end.job);
  if (end.end != GraphPlan::End::kCanceled) estimate_.add(stage, end.result.use.wall);
  if (end.result.use.bytes_out + end.result.use.bytes_err > 0) {
    was_printed_over_ = true;
    if (settings_.redraws) next_ = std::min(next_, drawn_ + kRedrawSoon);
  }
  if (end.end == GraphPlan::End::kFailure) {
    tell_failure(end, plan_.stage(stage).allow_failure);
  } else {
    tell_leftovers(end, stage);
  }
}

void RunDisplay::tell_failure(const AttemptEnd& end, bool is_allowed) {
  if (end.is_final && !is_allowed && failures_.size() < kMostKept) {
    failures_.push_back({end.job, why(end)});
  }
  if (settings_.quiet && (is_allowed || !end.is_final)) return;
  if (++told_ > kMostTold) return;
  if (told_ == kMostTold) {
    return say(fmt::format("{}: further failures are counted only\n", settings_.program));
  }
  say(failure_text(name(end.job), end,
                   {.program = settings_.program,
                    .is_allowed = is_allowed,
                    .with_output = settings_.repeats_output || end.result.output_held_back,
                    .colour = settings_.colour}));
}

/// Of each stage once, unless it got out of hand: many jobs of one stage will do alike.
void RunDisplay::tell_leftovers(const AttemptEnd& end, StageIndex stage) {
  if (settings_.quiet || (!end.result.left_processes && !end.result.processes_escaped)) return;
  if (!left_processes_.insert(at(stage)).second && !end.result.processes_escaped) return;
  say(warning_text(settings_.program, name(end.job), end.result));
}

void RunDisplay::dropped(JobIndex job) {
  if (dropped_.size() < kMostKept) dropped_.push_back(job);
}

void RunDisplay::stage_ended(StageIndex stage) {
  if (settings_.redraws || settings_.quiet) return;
  // Not a line for each of a thousand stages that take no time.
  const TimePoint now = settings_.clock();
  if (plan_.stages() < 2 || now - drawn_ < kStageLineEvery) return;
  const GraphPlan::Counts counts = plan_.counts(stage);
  if (counts.dropped == counts.added) return;
  drawn_ = now;
  messages_.say(fmt::format("{}: stage {} has ended; {}\n", settings_.program,
                            shown_name(plan_.stage(stage).name), total_line(frame(now))));
}

std::chrono::nanoseconds RunDisplay::until_due(TimePoint now) {
  if (settings_.quiet) return std::chrono::nanoseconds(-1);
  return std::max<std::chrono::nanoseconds>(next_ - now, std::chrono::nanoseconds(0));
}

void RunDisplay::turn(TimePoint now) {
  if (settings_.quiet || now < next_) return;
  if (settings_.redraws) {
    next_ = now + kRedrawEvery;
    // A frame that nobody takes is not worth waiting for; nor is one that would come amid output.
    if (messages_.is_waiting()) return;
    if (!settings_.between_output) return draw(now);
    if (!settings_.between_output([&] { draw(now); })) next_ = now + kRedrawSoon;
    return;
  }
  next_ = now + settings_.line_every;
  const Frame state = frame(now);
  if (done(state.counts) + state.counts.running == 0) return;
  drawn_ = now;
  messages_.say(fmt::format("{}: {}\n", settings_.program, total_line(state)));
}

void RunDisplay::draw(TimePoint now) {
  const ScreenSize size = settings_.size();
  messages_.say(drawing(lines(frame(now), size, settings_.colour), size,
                        std::exchange(was_printed_over_, false)));
  is_shown_ = true;
  drawn_ = now;
}

Frame RunDisplay::frame(TimePoint now) const {
  Frame frame;
  frame.counts = plan_.counts();
  frame.elapsed = now - began_;
  frame.all_known = true;
  for (std::size_t index = 0; index < plan_.stages(); ++index) {
    const StageIndex stage{static_cast<std::uint32_t>(index)};
    const bool is_closed = plan_.is_closed(stage);
    frame.all_known = frame.all_known && is_closed;
    if (settings_.redraws) {
      frame.stages.push_back({plan_.stage(stage).name, plan_.counts(stage), is_closed});
    }
  }
  const auto begun = begun_jobs();
  frame.counts.running = begun.size();
  for (StageLine& stage : frame.stages) stage.counts.running = 0;
  std::chrono::nanoseconds spent{0};
  for (const auto& [since, job] : begun) {
    spent += now - since;
    if (settings_.redraws) ++frame.stages[at(plan_.stage_of(job))].counts.running;
  }
  frame.left = estimate_.left(plan_, frame.elapsed, spent);
  if (settings_.redraws) frame.running = running_lines(begun, now);
  return frame;
}

/// The oldest first. Workers take them in the order in which they were given.
std::vector<std::pair<RunDisplay::TimePoint, JobIndex>> RunDisplay::begun_jobs() const {
  std::vector<std::pair<TimePoint, JobIndex>> begun;
  for (const auto& [job, running] : running_) begun.emplace_back(running.since, JobIndex{job});
  std::sort(begun.begin(), begun.end());
  if (settings_.running) begun.resize(std::min(begun.size(), settings_.running()));
  return begun;
}

std::vector<RunningLine> RunDisplay::running_lines(
    const std::vector<std::pair<TimePoint, JobIndex>>& begun, TimePoint now) const {
  std::vector<RunningLine> lines;
  for (const auto& [since, job] : begun) {
    if (lines.size() == most_running_lines(settings_.size())) break;
    lines.push_back({.name = name(job),
                     .attempt = running_.at(static_cast<std::uint32_t>(job)).attempt,
                     .since = now - since,
                     .latest = settings_.latest_line ? settings_.latest_line(job) : ""});
  }
  return lines;
}

void RunDisplay::run_ended(int status) {
  make_way();
  const GraphPlan::Counts counts = plan_.counts();
  if (settings_.quiet && status == 0) return;
  std::string text;
  const auto add = [&](std::string_view line) {
    text += fmt::format("{}: {}\n", settings_.program, line);
  };
  // A few failures have just been told; of many, those on the screen may be the last ones only.
  for (const Failure& failure : failures_) {
    if (counts.failed < 2) break;
    add(fmt::format("failed: {}: {}", shown_name(name(failure.job)), failure.why));
  }
  if (counts.failed > failures_.size()) {
    add(fmt::format("failed: and {} more", counts.failed - failures_.size()));
  }
  if (!dropped_.empty()) {
    std::string names;
    for (const JobIndex job : dropped_) {
      names += (names.empty() ? "" : ", ") + shown_name(name(job));
    }
    const std::uint64_t more = counts.dropped - dropped_.size();
    add("not started: " + names + (more > 0 ? fmt::format(" and {} more", more) : ""));
  }
  if (!settings_.quiet) add(summary_text(counts, settings_.clock() - began_));
  messages_.say(text);
}

}  // namespace enjoin
