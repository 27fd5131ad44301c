#pragma once

#include <chrono>

#include "runner/cli/options.h"
#include "runner/progress.h"

namespace enjoin {

/// Shows a run's progress on stderr: one line redrawn up to four times a second on a terminal, a
/// line every five seconds elsewhere. It never waits for a terminal that is stopped or a pipe that
/// is full, and leaves out what does not go through. $NO_COLOR and TERM=dumb are respected.
class ProgressPrinter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `fd` is borrowed.
  ProgressPrinter(ProgressKind kind, int fd);

  bool is_on() const { return kind_ != ProgressKind::kNone; }
  /// Off where it was on, and the other way round.
  void toggle();
  /// How long update() would still do nothing.
  std::chrono::nanoseconds until_due(TimePoint now) const;
  /// Shows `snapshot` with the recent rate filled in, where it is time to.
  void update(ProgressSnapshot snapshot, TimePoint now);
  /// Takes the line off the terminal: to be called before anything else is written to one.
  void clear();
  /// The last state, on a line that stays.
  void finish(ProgressSnapshot snapshot, TimePoint now);

 private:
  ProgressStyle style() const;
  bool write(const std::string& text) const;

  ProgressKind kind_;
  const int fd_;
  const bool redraws_;  // a terminal that can clear a line
  const bool colour_;
  const std::chrono::nanoseconds interval_;
  bool is_shown_ = false;
  TimePoint next_{};  // the first line comes at once on a terminal, after a while elsewhere
  RateMeter meter_;
};

}  // namespace enjoin
