#include "runner/display/frame.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "runner/progress.h"
#include "worker/latest_line.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kBarColumns = 20;
constexpr std::size_t kMostNameColumns = 30;
constexpr std::size_t kMostRunning = 8;
constexpr std::size_t kMostLines = 24;
constexpr std::string_view kRed = "\033[31m";
constexpr std::string_view kPlain = "\033[0m";

/// A line that is put together piece by piece and ends where the screen does.
class Line {
 public:
  Line(std::size_t columns, bool colour) : left_(columns), colour_(colour) {}

  Line& add(std::string_view safe) {
    const std::string_view fits = term_prefix(safe, left_);
    text_ += fits;
    left_ -= std::min(left_, fits.size() == safe.size() ? term_columns(fits) : left_);
    return *this;
  }
  Line& add_red(std::string_view safe) {
    if (colour_ && left_ > 0) text_ += kRed;
    const bool ends = colour_ && left_ > 0;
    add(safe);
    if (ends) text_ += kPlain;
    return *this;
  }
  /// In as many columns as that.
  Line& add_padded(std::string_view safe, std::size_t columns) {
    const std::string_view fits = term_prefix(safe, columns);
    add(fits);
    return add(std::string(columns - std::min(columns, term_columns(fits)), ' '));
  }
  std::size_t left() const { return left_; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t left_;
  bool colour_;
};

std::string safe_name(const std::string& name) {
  // A name of a megabyte is cut before it is looked at closely.
  return term_safe(std::string_view(name).substr(0, kMostNameColumns * 4));
}

std::size_t name_columns(const Frame& frame) {
  std::size_t widest = 5;
  for (const StageLine& stage : frame.stages) {
    widest = std::max(widest, term_columns(safe_name(stage.name)));
  }
  for (const RunningLine& job : frame.running) {
    widest = std::max(widest, term_columns(safe_name(job.name)));
  }
  return std::min(widest, kMostNameColumns);
}

bool has_ended(const StageLine& stage) {
  return stage.is_closed && done(stage.counts) >= stage.counts.added;
}

std::string bar(const StageLine& stage) {
  const std::uint64_t added = stage.counts.added;
  std::size_t filled = 0;
  if (added > 0) {
    const double part = static_cast<double>(done(stage.counts)) / static_cast<double>(added);
    filled = static_cast<std::size_t>(std::min(part, 1.0) * static_cast<double>(kBarColumns));
  } else if (stage.is_closed) {
    filled = kBarColumns;
  }
  return fmt::format("[{:#>{}}{:.>{}}]", "", filled, "", kBarColumns - filled);
}

std::string of_total(const GraphPlan::Counts& counts, bool all_known) {
  return fmt::format("{}/{}{}", done(counts), counts.added, all_known ? "" : "+");
}

void add_bad(const GraphPlan::Counts& counts, Line* line) {
  if (counts.failed > 0) line->add("  ").add_red(fmt::format("{} failed", counts.failed));
  if (counts.allowed > 0) line->add(fmt::format("  {} failed (allowed)", counts.allowed));
  if (counts.dropped > 0) line->add(fmt::format("  {} not started", counts.dropped));
}

std::string stage_text(const StageLine& stage, std::size_t name_room, Line line) {
  line.add_padded(safe_name(stage.name), name_room).add("  ");
  if (stage.counts.added == 0 && !stage.is_closed) {
    return line.add("waiting").take();
  }
  line.add(bar(stage)).add(" ").add(of_total(stage.counts, stage.is_closed));
  if (stage.counts.running > 0) line.add(fmt::format("  {} running", stage.counts.running));
  if (stage.counts.up_to_date > 0) {
    line.add(fmt::format("  {} up to date", stage.counts.up_to_date));
  }
  add_bad(stage.counts, &line);
  return line.take();
}

std::string running_text(const RunningLine& job, std::size_t name_room, Line line) {
  line.add_padded("  " + safe_name(job.name), name_room + 2);
  line.add(fmt::format(" {:>6}", short_duration(job.since)));
  if (job.attempt > 1) line.add(fmt::format(" (attempt {})", job.attempt));
  if (!job.latest.empty()) {
    line.add("  ");
    line.add(fit_line(job.latest, line.left()));
  }
  return line.take();
}

void add_total(const Frame& frame, Line* line) {
  line->add(of_total(frame.counts, frame.all_known)).add(" done");
  line->add(fmt::format("  {} running", frame.counts.running));
  if (frame.counts.waiting_for_retry > 0) {
    line->add(fmt::format("  {} to be tried again", frame.counts.waiting_for_retry));
  }
  add_bad(frame.counts, line);
  line->add("  in " + short_duration(frame.elapsed));
  if (frame.left) {
    line->add(fmt::format("  ETA {}{}", short_duration(*frame.left), frame.all_known ? "" : "+"));
  }
}

/// Which stages are worth a line, the best first: those that run, those in which something is
/// wrong, those that come next, those that are done.
int rank(const StageLine& stage) {
  if (stage.counts.running > 0) return 0;
  if (stage.counts.failed > 0) return 1;
  if (has_ended(stage)) return 4;
  return done(stage.counts) > 0 ? 2 : 3;
}

/// In the order of the plan; the rest is counted.
void add_stages(const Frame& frame, std::size_t room, std::size_t name_room, const Line& line,
                std::vector<std::string>* out) {
  const std::size_t all = frame.stages.size();
  const std::size_t most = all <= room ? all : room - 1;
  std::array<std::size_t, 5> of_rank{};
  for (const StageLine& stage : frame.stages) ++of_rank[static_cast<std::size_t>(rank(stage))];
  std::array<std::size_t, 5> taken{};
  std::size_t left = most;
  for (std::size_t at = 0; at < of_rank.size(); ++at) {
    taken[at] = std::min(left, of_rank[at]);
    left -= taken[at];
  }
  // Of those that are done the last are the most interesting.
  std::size_t passed = of_rank[4] - taken[4];
  std::size_t waiting = 0;
  std::size_t ended = 0;
  for (const StageLine& stage : frame.stages) {
    const auto of = static_cast<std::size_t>(rank(stage));
    const bool is_passed = of == 4 && passed > 0;
    if (is_passed) --passed;
    if (is_passed || taken[of] == 0) {
      ++(has_ended(stage) ? ended : waiting);
      continue;
    }
    --taken[of];
    out->push_back(stage_text(stage, name_room, line));
  }
  if (ended + waiting == 0) return;
  out->push_back(Line(line)
                     .add(fmt::format("and {} more stages: {} ended, {} to come", ended + waiting,
                                      ended, waiting))
                     .take());
}

std::size_t most_lines(const ScreenSize& size) {
  return std::clamp<std::size_t>(size.rows - std::min<std::size_t>(size.rows, 2), 1, kMostLines);
}

}  // namespace

std::uint64_t done(const GraphPlan::Counts& counts) {
  return counts.succeeded + counts.up_to_date + counts.failed + counts.allowed + counts.dropped;
}

std::size_t most_running_lines(const ScreenSize& size) {
  return std::min(kMostRunning, (most_lines(size) - 1) / 2);
}

std::vector<std::string> lines(const Frame& frame, const ScreenSize& size, bool colour) {
  // Not the last column: some terminals wrap as soon as it is written.
  const Line line(size.columns - std::min<std::size_t>(size.columns, 1), colour);
  const std::size_t name_room = name_columns(frame);
  const std::size_t most = most_lines(size);
  const std::size_t running = std::min(frame.running.size(), most_running_lines(size));
  std::vector<std::string> out;
  if (most > running + 2) add_stages(frame, most - running - 1, name_room, line, &out);
  for (std::size_t at = 0; at < running; ++at) {
    out.push_back(running_text(frame.running[at], name_room, line));
  }
  Line total = line;
  add_total(frame, &total);
  out.push_back(total.take());
  return out;
}

std::string total_line(const Frame& frame) {
  Line line(200, false);
  add_total(frame, &line);
  return line.take();
}

std::string drawing(const std::vector<std::string>& lines, const ScreenSize& size,
                    bool fresh_line) {
  std::string text;
  // As many blanks as there are columns end on the line below, unless they began in the first
  // column: then the cursor waits behind the last until something follows, and \r takes it back.
  if (fresh_line) text.assign(size.columns, ' ');
  text += '\r';
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (at > 0) text += "\r\n";  // a job may have set the terminal raw
    text += lines[at];
    text += "\033[K";
  }
  text += kTakeOff;
  if (lines.size() > 1) text += fmt::format("\033[{}A", lines.size() - 1);
  return text + '\r';
}

}  // namespace enjoin
