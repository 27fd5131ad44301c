#pragma once

#include <cstdint>
#include <string>

namespace enjoin {

/// Files that hold what a job wrote where that is too much for a row of the record:
/// FOLDER/RUN/SEQ.ATTEMPT.out and .err. Folders are made when the first file is.
class OutputFiles {
 public:
  OutputFiles(const std::string& folder, std::int64_t run);

  /// Copies bytes [begin, end) of `fd`, the job's stdout (`stream` 0) or stderr (1); returns the
  /// file's path. Throws Error: a full disk; the file is then taken away again.
  std::string keep(std::uint64_t seq, std::uint32_t attempt, int stream, int fd,
                   std::uint64_t begin, std::uint64_t end);

 private:
  std::string parent_;
  std::string folder_;
  bool is_made_ = false;
};

}  // namespace enjoin
