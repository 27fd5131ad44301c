#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runner/graph/graph_plan.h"

namespace enjoin {

struct ScreenSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

struct StageLine {
  std::string name;
  GraphPlan::Counts counts;
  bool is_closed = false;  ///< all its jobs are known
};

struct RunningLine {
  std::string name;
  std::uint32_t attempt = 1;
  std::chrono::nanoseconds since{0};
  std::string latest;  ///< what it wrote last, as it is
};

/// What is to be seen of a run at one moment.
struct Frame {
  std::vector<StageLine> stages;
  std::vector<RunningLine> running;  ///< those that have run longest first; maybe not all
  GraphPlan::Counts counts;
  bool all_known = false;  ///< all stages are closed
  std::chrono::nanoseconds elapsed{0};
  std::optional<std::chrono::nanoseconds> left;  ///< nullopt: not known
};

/// Ended somehow, or never to start.
std::uint64_t done(const GraphPlan::Counts& counts);

/// How many running jobs there is room for.
std::size_t most_running_lines(const ScreenSize& size);

/// The lines of a frame, as many as leave room on the screen, each shorter than it. They hold no
/// control characters but our own colours.
std::vector<std::string> lines(const Frame& frame, const ScreenSize& size, bool colour);

/// The last of these lines, for where nothing can be drawn.
std::string total_line(const Frame& frame);

/// What draws lines from the cursor on, over those that were drawn before, and leaves the cursor
/// where it began. `fresh_line`: others may have left it within a line of theirs, which is to stay.
std::string drawing(const std::vector<std::string>& lines, const ScreenSize& size, bool fresh_line);

/// Takes them off again.
inline constexpr const char* kTakeOff = "\033[J";

}  // namespace enjoin
