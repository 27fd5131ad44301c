#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "runner/jsonl/job_line.h"

namespace enjoin {

/// What is wrong with a line, and where: an offset into its text.
class LineError : public std::runtime_error {
 public:
  LineError(std::size_t offset, const std::string& what)
      : std::runtime_error(what), offset_(offset) {}
  std::size_t offset() const { return offset_; }

 private:
  std::size_t offset_;
};

/// Reads the lines of a machine-made graph, each on its own.
class JobLineReader {
 public:
  /// The version of the format: {"enjoin": 1}.
  static constexpr unsigned kVersion = 1;

  JobLineReader();
  ~JobLineReader();
  JobLineReader(const JobLineReader&) = delete;
  JobLineReader& operator=(const JobLineReader&) = delete;

  enum class Kind { kJob, kHeader };
  /// Reads one line into `*line`, beginning with the defaults of the header that was read before.
  /// kHeader: it was one, which counts from now on. Throws LineError.
  Kind read(std::string_view text, JobLine* line);
  const GraphHeader& header() const { return header_; }

 private:
  struct Json;
  GraphHeader header_;
  std::unique_ptr<Json> json_;
};

}  // namespace enjoin
