#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enjoin {

/// Tells whether the kernel has killed processes for lack of memory lately, by its own counter: of
/// our memory cgroup and those below it where there is one that counts, else of the whole machine.
/// Asked only about jobs that ended by a SIGKILL that nobody here sent, so other jobs pay nothing.
class OomWatch {
 public:
  /// Counts from now on. The first call only.
  void begin();
  /// Whether it killed any in the last `span_ns`, or since the look before that.
  bool killed_within(std::uint64_t span_ns);

 private:
  struct Reading {
    std::uint64_t at_ns = 0;  ///< CLOCK_MONOTONIC
    std::uint64_t count = 0;
  };
  std::optional<std::uint64_t> read() const;

  std::string path_;  // of the file that holds a line "oom_kill N"; empty: there is none
  std::vector<Reading> readings_;
};

}  // namespace enjoin
