#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/unique_fd.h"
#include "runner/record/database.h"

namespace enjoin {

/// Where `enjoin run` records, below the folder it is started in.
inline constexpr const char* kRecordFolder = ".enjoin";
inline constexpr const char* kDefaultRecord = ".enjoin/record.db";

/// The folder that large outputs go to: beside the record, ".enjoin/output" or "FILE.output".
std::string output_folder_of(const std::string& record);

/// Opens a record to write to: makes the file (and the folder of kDefaultRecord, with a .gitignore)
/// where there is none, checks that it is ours and not newer, and takes the lease on it: one run at
/// a time. The lease ends with the object, or with the processes that hold it, however they end;
/// where a run was killed whose processes are just being cleared away, it is waited for.
class RecordFile {
 public:
  /// Others' locks are waited for. Throws Error: a file that is none of ours, newer, damaged,
  /// locked, or in use by a run.
  explicit RecordFile(const std::string& path,
                      std::chrono::milliseconds most_wait = std::chrono::seconds(5));

  Database& database() { return *database_; }
  /// TeamSpec::held_fd: with it the lease lasts until no job of a killed run is left.
  int lease_fd() const { return lease_.get(); }

 private:
  ipc::UniqueFd lease_;  // closed last: to close a file takes SQLite's locks on it away
  std::unique_ptr<Database> database_;
};

/// Opens a record to read from, also while a run writes to it. Throws Error: there is none, it is
/// none of ours, newer, damaged.
std::unique_ptr<Database> open_record(const std::string& path);

/// What `enjoin resume` goes on with.
struct LastRun {
  std::int64_t run = 0;
  std::vector<std::string> arguments;  ///< as RunInfo::arguments
  std::string folder;
  std::optional<int> status;  ///< nullopt: it was killed, or still runs
};

/// The last run of mode 'run'; nullopt: none is recorded.
std::optional<LastRun> last_run(Database& record);

}  // namespace enjoin
