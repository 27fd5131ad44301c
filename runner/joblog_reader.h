#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace enjoin {

/// The parts of a row of a job log that a later run needs.
struct LoggedRow {
  std::uint64_t seq = 0;
  bool succeeded = false;    ///< exit value 0 and no signal
  std::string_view command;  ///< as logged: NULs stand for newlines
};

/// Takes a line without its newline apart. Rows of GNU parallel (any release since 2012) and of
/// ours; nullopt: it is none. NUL bytes before it, which a crash may leave in a file, are ignored.
std::optional<LoggedRow> parse_joblog_row(std::string_view line);

/// A command as logged, with its newlines back.
std::string logged_command(std::string_view logged);

/// What a job log says of the jobs that have run. The last row of a job counts.
///
/// Four bytes a job, for jobs are numbered densely but for the oddest logs: its fate, and thirty
/// bits of a hash of its command, enough to tell that the command has changed since.
class JoblogHistory {
 public:
  enum class Fate : std::uint8_t { kUnknown, kSucceeded, kFailed };
  /// Where a failed row's command lies in the file.
  struct FailedRow {
    std::uint64_t seq = 0;
    std::uint64_t offset = 0;
    std::size_t size = 0;
  };

  void add(const LoggedRow& row);
  Fate fate(std::uint64_t seq) const;
  /// Whether job `seq` is known to have run with a command other than `command`.
  bool had_other_command(std::uint64_t seq, std::string_view command) const;
  std::uint64_t rows() const { return rows_; }

 private:
  std::uint32_t entry(std::uint64_t seq) const;

  std::vector<std::uint32_t> dense_;                         // by seq
  std::unordered_map<std::uint64_t, std::uint32_t> sparse_;  // those far beyond
  std::uint64_t rows_ = 0;
};

struct JoblogReading {
  JoblogHistory history;
  /// Jobs whose last row is a failure, by number; only where they were asked for.
  std::vector<JoblogHistory::FailedRow> failed;
  /// Bytes up to the end of the last whole line: what follows was cut off in writing.
  std::uint64_t whole_bytes = 0;
  std::uint64_t lines = 0;      ///< whole ones
  std::uint64_t cut_bytes = 0;  ///< after them
  bool exists = false;
};

enum class FailedRows : std::uint8_t { kIgnore, kCollect };

/// Reads the log at `path`; one that is not there is empty. Throws Error where it cannot be read,
/// and where a line is no row: FILE:LINE. A last line without its newline is not counted: its
/// writer did not live to end it.
JoblogReading read_joblog(const std::string& path, FailedRows failed = FailedRows::kIgnore);

}  // namespace enjoin
