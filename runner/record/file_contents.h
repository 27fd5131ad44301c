#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/record/database.h"

namespace enjoin {

/// What files hold, as a hash of their content. A file that looks as it did when it was read last
/// (size, times, inode), in this run or an earlier one, is not read again.
class FileContents {
 public:
  explicit FileContents(Database& record);

  /// Of a file, or of all in a folder, names included. A file that is not there has the value
  /// kNothing, as has one that cannot be read. The record's own files are no content.
  static constexpr std::uint64_t kNothing = 2;
  std::uint64_t content_of(const std::string& path);
  /// Of several, in their order; 0: of none.
  std::uint64_t content_of(const std::vector<std::string>& paths);

  /// Rows for the table `files`, since the last call.
  struct Row {
    std::string path;
    std::int64_t size = 0, modified = 0, changed = 0, inode = 0, content = 0;
  };
  std::vector<Row> take_new();

 private:
  std::uint64_t content_of_folder(const std::string& path);
  const Row* find_row(const std::string& path);

  bool is_of_record(const std::string& path) const;

  std::filesystem::path record_;
  Statement find_;
  std::unordered_map<std::string, Row> seen_;  // in this run, or in the table
  std::vector<Row> new_;
};

}  // namespace enjoin
