#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/unique_fd.h"

namespace enjoin {

/// One row of the job log.
struct JoblogRow {
  std::uint64_t seq = 0;
  std::int64_t start_ns = 0;  ///< since the epoch
  std::int64_t runtime_ns = 0;
  std::uint64_t send = 0;     ///< bytes given to the job (0 without --pipe)
  std::uint64_t receive = 0;  ///< bytes of output
  int exit_value = 0;         ///< 128+n for a job that signal n ended; -1 after a timeout
  int signal = 0;             ///< n; after a timeout the signal that it got
  std::string_view command;
};

/// Writes a log that GNU parallel's --resume, --retry-failed and people's scripts read:
/// TAB-separated, one line a job, the command last. As in GNU parallel a newline in a command
/// becomes a NUL byte, so that a row stays one line; TABs in it stay.
///
/// Rows are gathered and written in blocks of whole rows, at the latest by flush(); where the disk
/// becomes full inside a block, the row that was cut is taken back.
class Joblog {
 public:
  enum class Start : std::uint8_t {
    kTruncate,
    kAppend,    ///< keep what is there; the header line is written to an empty file only
    kContinue,  ///< keep what is there, and write no header line: another stage did
  };

  /// Creates the file ("-" is stdout), writes the header. Throws Error: which file, why.
  explicit Joblog(std::string path, Start start = Start::kTruncate);
  /// A log that was read, to be gone on with: `whole_bytes` of whole lines, and `cut_bytes` of a
  /// last one that a crash cut off, which are taken away.
  struct Tail {
    std::uint64_t whole_bytes = 0;
    std::uint64_t cut_bytes = 0;
  };
  Joblog(std::string path, Tail tail);
  Joblog(Joblog&&) = default;
  Joblog& operator=(Joblog&&) = default;
  /// Writes what is left, without telling of errors: flush() first.
  ~Joblog();

  /// Throws Error where a full block cannot be written.
  void add(const JoblogRow& row);
  /// Writes all rows added so far. Throws Error: which file, why; those rows are then given up.
  void flush();

 private:
  void open(Start start);
  void begin();
  int write_all();
  void take_back_cut_row(std::string_view written);

  std::string path_;
  ipc::UniqueFd fd_;
  std::string pending_;  // whole rows
};

}  // namespace enjoin
