#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runner/cli/options.h"

namespace enjoin {

/// How far a run is. All numbers are jobs.
struct ProgressSnapshot {
  std::uint64_t total = 0;      ///< made from the inputs so far
  bool total_is_final = false;  ///< the inputs have ended: there will be no more
  std::uint64_t done = 0;       ///< ended, failed ones included
  std::uint64_t failed = 0;
  std::uint64_t running = 0;
  std::chrono::nanoseconds elapsed{0};          ///< since the start
  std::chrono::nanoseconds average_runtime{0};  ///< of the jobs that are done; 0: not known
  double recent_rate = 0;                       ///< jobs a second, see RateMeter; 0: not known
  std::string_view latest;  ///< the command or input of the job started last, as it is
};

struct ProgressStyle {
  std::size_t columns = 80;  ///< lines are cut to this
  bool colour = false;
};

/// The status line of --progress, --eta or --bar, without a newline. It holds no control characters
/// but our own colours. Unlike GNU parallel nothing waits for the total: until the inputs have
/// ended it is shown as what was read so far with a plus ("150/1000+"), and there is no estimate.
std::string progress_line(ProgressKind kind, const ProgressSnapshot& now,
                          const ProgressStyle& style);

/// "7s", "3m05s", "2h01m", "4d07h".
std::string short_duration(std::chrono::nanoseconds duration);

/// Jobs a second over the last quarter of a minute or so.
class RateMeter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  /// Tells how many jobs are done by now; call it as often as convenient.
  void add(TimePoint now, std::uint64_t done);
  /// 0 where there is nothing to tell from.
  double rate() const;

 private:
  struct Sample {
    TimePoint at;
    std::uint64_t done;
  };
  static constexpr std::size_t kSamples = 32;
  static constexpr std::chrono::milliseconds kApart{500};

  std::array<Sample, kSamples> ring_{};
  std::size_t count_ = 0;  // ever added to ring_
  Sample latest_{};
};

}  // namespace enjoin
