#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runner/input/columns.h"
#include "runner/input/csv.h"
#include "runner/input/input_source.h"
#include "runner/values/perl_helper.h"

namespace enjoin {

/// Whether `text`, as KeyColumn takes it, names its column, so that a header is needed.
bool names_column(const std::string& text);

/// What --group-by, --shard and --bin look at in a line: a column, a Perl expression of the line,
/// or one of a column. Columns are numbers from 1 (0: the line) or names, which the header tells.
class KeyColumn {
 public:
  /// `text` as given to `option`: "3", "Name", "3 s/x//", "Name s/x//", "s/ .*//". Columns end at
  /// input.column_regex (a TAB), or are those of CSV. Throws UsageError where it cannot be read;
  /// Error where perl is needed and missing, or refuses the expression.
  KeyColumn(const std::string& text, const char* option, const InputSpec& input);

  /// True where a header must be there: set_header() comes before keys().
  bool is_named() const { return !name_.empty(); }
  /// Throws Error where no column has the name.
  void set_header(std::string_view line);

  /// Replaces `*keys` by those of `lines`. Line ends (LF, CR LF) do not count. A column that a line
  /// does not have is empty.
  void keys(std::span<const std::string_view> lines, std::vector<std::string>* keys);

  /// How many lines are best asked for at once.
  std::size_t batch() const { return perl_ ? 512 : 64; }

 private:
  void parse(const std::string& text);
  void cut(std::string_view line);
  std::string_view column_of(std::string_view line);
  void start_perl();
  void ask_perl(std::vector<std::string>* keys);

  const std::string option_;
  std::optional<ColumnCutter> cutter_;
  std::optional<CsvParser> csv_;
  std::uint32_t number_ = 0;  // 0: the whole line
  std::string name_;
  std::string expression_;
  std::unique_ptr<PerlHelper> perl_;
  std::vector<std::string_view> columns_;
};

}  // namespace enjoin
