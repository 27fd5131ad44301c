#pragma once

#include <cstddef>
#include <memory>
#include <optional>
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
  struct Rules {
    bool skip_blank = false;                     ///< -r
    bool continue_lines = false;                 ///< -L, -l
    std::optional<std::string> end_marker = {};  ///< -E
  };

  /// Arguments of a `:::`.
  ValueSource(std::vector<std::string> arguments, Rules rules);
  /// What `reader` delivers. Several sources may have one reader: each takes the values that are
  /// next when it is pulled.
  ValueSource(std::shared_ptr<LineReader> reader, Rules rules);

  /// As LineReader::pull, by the rules. A view is valid until the next pull of any source that has
  /// the same reader.
  Pull pull(std::string_view* value);
  /// The next value as it came; no rule counts: a header.
  Pull pull_raw(std::string_view* value);
  int wait_fd() const { return reader() == nullptr ? -1 : reader()->wait_fd(); }

  /// The reader, where its buffer may be taken by the run: a file whose values are taken as they
  /// are.
  LineReader* runs();
  bool shares_reader() const;
  /// Where the value last pulled began, for messages: "list.csv:12", "argument 3 of :::".
  std::string where() const;
  /// What ends each value of a file; a newline for arguments.
  std::string_view delimiter() const;

 private:
  struct Arguments {
    std::vector<std::string> list;
    std::size_t next = 0;
  };

  const LineReader* reader() const;
  Pull pull_value(std::string_view* value);
  Pull pull_continued(std::string_view* value);

  std::variant<Arguments, std::shared_ptr<LineReader>> values_;
  Rules rules_;
  bool ended_ = false;     // the end marker was met
  std::string continued_;  // -L: what was read of a value that goes on
  bool continues_ = false;
};

}  // namespace enjoin
