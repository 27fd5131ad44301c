#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/near_word.h"
#include "runner/pipeline/pipe_text.h"

namespace enjoin {

/// All that is wrong in a pipeline file, to be told at once.
class Complaints {
 public:
  explicit Complaints(std::string path) : path_(std::move(path)) {}

  void add(FilePosition at, std::string_view text);
  void warn(FilePosition at, std::string_view text);
  bool empty() const { return errors_.empty(); }
  /// In the order of the file, each once.
  std::vector<std::string> warnings();
  /// Throws Error, a line for each, in the order of the file; nothing where all is well.
  void throw_if_any();

 private:
  struct Complaint {
    FilePosition at;
    std::string text;
  };
  std::vector<std::string> lines_of(std::vector<Complaint>* complaints) const;

  std::string path_;
  std::vector<Complaint> errors_;
  std::vector<Complaint> warnings_;
};

/// "file:3:14: "; without a line, "file: ".
std::string place_in(const std::string& path, FilePosition at);

/// "; did you mean 'x'?", or nothing where none of `known` is near.
template <typename Range>
std::string did_you_mean(std::string_view word, const Range& known) {
  const std::string_view near = near_word(word, known);
  return near.empty() ? std::string() : "; did you mean '" + std::string(near) + "'?";
}

}  // namespace enjoin
