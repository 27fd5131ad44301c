#include "runner/pipe/csv_splitter.h"

#include <cstring>

#include "runner/pipe/byte_count.h"

namespace enjoin {
namespace {

/// A place is in quotes where an odd number of them lies before it; a doubled quote in a quoted
/// field changes nothing in that.
class CsvRecords final : public RecordSplitter {
 public:
  std::size_t last_boundary(std::string_view text, std::size_t /*searched*/) override {
    std::size_t quotes = count_byte(text, '"');
    std::size_t end = text.size();
    while (end > 0) {
      const void* const hit = ::memrchr(text.data(), '\n', end);
      if (hit == nullptr) return 0;
      const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
      quotes -= count_byte(text.substr(at, end - at), '"');
      if (quotes % 2 == 0) return at + 1;
      end = at;
    }
    return 0;
  }

  std::uint64_t skip(std::string_view text, Scan* scan, std::uint64_t count) override {
    std::uint64_t records = 0;
    while (records < count) {
      const std::size_t end = record_end(text, scan->boundary, 0);
      if (end == 0) break;
      scan->boundary = scan->searched = end;
      ++records;
    }
    return records;
  }

  std::size_t boundary_at(std::string_view text, std::size_t from, TextStart start) override {
    if (start == TextStart::kAnywhere) return 0;
    return record_end(text, from, count_byte(text.substr(0, from), '"'));
  }

  bool wants_much() const override { return true; }
  std::size_t reach() const override { return 0; }

 private:
  /// The end of the record that `from` lies in, with so many quotes before it; 0: there is none.
  static std::size_t record_end(std::string_view text, std::size_t from, std::size_t quotes) {
    for (;;) {
      const std::size_t at = text.find('\n', from);
      if (at == std::string_view::npos) return 0;
      quotes += count_byte(text.substr(from, at - from), '"');
      if (quotes % 2 == 0) return at + 1;
      from = at + 1;
    }
  }
};

}  // namespace

std::unique_ptr<RecordSplitter> make_csv_splitter() {
  return std::make_unique<CsvRecords>();
}

}  // namespace enjoin
