#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/input/columns.h"
#include "runner/input/csv.h"
#include "runner/input/input_source.h"
#include "runner/input/value_source.h"

namespace enjoin {

/// One source: each value is a record, cut into columns where that was asked for.
class RowSource final : public InputSource {
 public:
  struct Rules {
    std::shared_ptr<ColumnCutter> cutter = {};  ///< --colsep; may be shared by sources
    std::optional<CsvParser> csv = {};          ///< --csv
    Trim trim = {};
    bool skip_first = false;  ///< --skip-first-line
  };

  RowSource(ValueSource values, Rules rules);
  RowSource(const RowSource&) = delete;  // runs_ points into values_
  RowSource& operator=(const RowSource&) = delete;

  /// Appends the columns of the first record, the header, waiting for it. Before the first pull.
  void read_header(std::vector<std::string>* names);

  Pull pull(Record* record) override;
  int wait_fd() const override { return values_.wait_fd(); }
  Run peek_run() override;
  void skip_run(std::size_t bytes, std::size_t records) override;

 private:
  Pull pull_first_line();
  Pull pull_value(std::string_view* value);
  Pull pull_csv(Record* record);
  void cut(std::string_view value, Record* record);
  void keep(Record* record);

  ValueSource values_;
  Rules rules_;
  LineReader* runs_;        // null where there are no runs
  bool in_header_ = false;  // the header is taken as it is, and not trimmed

  // Of a CSV row that goes over several values.
  std::string row_;
  std::string row_begin_;  // where it began, for messages
  bool in_row_ = false;

  std::string kept_;  // the record's bytes, where somebody else pulls from the same reader
};

}  // namespace enjoin
