#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runner/input/input_source.h"
#include "runner/input/line_reader.h"

namespace enjoin {

/// True for a value that -r skips: nothing, or only white space.
bool is_blank(std::string_view value);

/// The values of one `:::`, `::::` or -a, or of stdin, one after the other.
class ValueSource {
 public:
  /// Throws Error where a file cannot be opened.
  ValueSource(SourceSpec spec, const std::string& delimiter, bool skip_blank);

  /// As LineReader::pull. An argument of `:::` is one value whatever bytes it holds: a newline in
  /// it stays (GNU parallel would make two values of it).
  Pull pull(std::string_view* value);
  int wait_fd() const { return reader() == nullptr ? -1 : reader()->wait_fd(); }

  /// The reader, where its buffer may be taken by the run: a file from which nothing is skipped.
  LineReader* runs() { return skip_blank_ ? nullptr : std::get_if<LineReader>(&values_); }

 private:
  struct Arguments {
    std::vector<std::string> list;
    std::size_t next;
  };

  const LineReader* reader() const { return std::get_if<LineReader>(&values_); }
  Pull pull_any(std::string_view* value);

  std::variant<Arguments, LineReader> values_;
  bool skip_blank_;
};

}  // namespace enjoin
