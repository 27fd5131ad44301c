#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace enjoin {

/// A table of results in place of the jobs' output: --results FILE.csv and so on.
enum class Table : std::uint8_t { kNone, kCsv, kTsv, kJson };

/// What a row says of one job. Byte for byte GNU parallel's formats.
struct ResultRow {
  std::uint64_t seq = 0;
  std::uint64_t start_ns = 0;  ///< since the epoch
  std::uint64_t wall_ns = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  int exit_value = 0;
  int signal = 0;
  std::string_view command = {};
  std::span<const std::string_view> values = {};
  std::string_view out = {};
  std::string_view err = {};
};

/// Appends the line of one job.
void append_row(Table table, const ResultRow& row, std::string* to);

/// Appends the heading of a .csv or .tsv: the sources' names, or V1, V2, … for the `values` of the
/// first job. Nothing for JSON.
void append_heading(Table table, std::span<const std::string> names, std::size_t values,
                    std::string* to);

}  // namespace enjoin
