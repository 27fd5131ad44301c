#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/config.h"

namespace enjoin {

// All of these throw Error where the text is malformed. The message names `option` (as the person
// knows it, "--delay") and the text, and shows the forms that are right.

/// A duration: "10", "1.5", "2m", "1h30m", "1d3.5h16.6m4s". A number without s, m, h or d (small or
/// capital) is in seconds; a sum is written without blanks.
std::chrono::nanoseconds parse_duration(std::string_view text, std::string_view option);

/// A size with GNU parallel's suffixes: K, M, G, T, P are powers of 1024 and k, m, g, t, p powers
/// of 1000. "10", "1k" (1000), "2M" (2097152), "1.5G". Rounded down to whole bytes.
std::uint64_t parse_size(std::string_view text, std::string_view option);

/// A whole number from `least` to `most`, with the same suffixes: "12", "1K", "1.5k".
std::uint64_t parse_count(std::string_view text, std::string_view option, std::uint64_t least,
                          std::uint64_t most);

struct TimeoutSpec {
  std::chrono::nanoseconds limit{0};  ///< 0: none
  double percent_of_median = 0;       ///< "200%": of the median run time of succeeded jobs; 0: none
};
/// A duration, or a percentage of the median. "0" and "0%": none.
TimeoutSpec parse_timeout(std::string_view text);

/// --rlimit: `as=2G,nproc=64`. Items are NAME=VALUE with the names of setrlimit(2) in small
/// letters. VALUE is a size, a number, or (cpu, rttime) a duration, as the resource has it; or
/// "unlimited".
std::vector<ResourceLimit> parse_limits(std::string_view text);

/// -j: "auto" (auto_jobs.h: `cpus`, to begin with), "4", "150%" (rounded up), "+2", "-1", "0" (as
/// many as possible: returns `most`), or a file that holds one of these. Empty: `cpus`. Never less
/// than 1.
std::uint32_t parse_jobs(std::string_view text, std::uint32_t cpus, std::uint32_t most);
/// Whether the text of -j is none of the forms but a file's name.
bool is_jobs_file(std::string_view text);
/// Whether the text of -j leaves the number to auto_jobs.h.
constexpr bool is_auto_jobs(std::string_view text) {
  return text == "auto";
}

}  // namespace enjoin
