#include "runner/pipe/record_splitter.h"

#include <algorithm>
#include <cstring>

#include "runner/pipe/byte_count.h"
#include "runner/pipe/regex_splitter.h"

namespace enjoin {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// No separators: a record is a byte.
class ByteRecords final : public RecordSplitter {
 public:
  std::size_t last_boundary(std::string_view text, std::size_t /*searched*/) override {
    return text.size();
  }
  std::uint64_t skip(std::string_view text, Scan* scan, std::uint64_t count) override {
    const std::uint64_t records = std::min<std::uint64_t>(count, text.size() - scan->boundary);
    scan->boundary += static_cast<std::size_t>(records);
    scan->searched = scan->boundary;
    return records;
  }
  std::size_t boundary_at(std::string_view text, std::size_t from, TextStart /*start*/) override {
    return from <= text.size() ? from : 0;
  }
  std::size_t reach() const override { return 1; }
};

/// Records that end with one byte.
class ByteEnds final : public RecordSplitter {
 public:
  explicit ByteEnds(char end) : end_(end) {}

  std::size_t last_boundary(std::string_view text, std::size_t searched) override {
    const void* const hit = ::memrchr(text.data() + searched, end_, text.size() - searched);
    if (hit == nullptr) return 0;
    return static_cast<std::size_t>(static_cast<const char*>(hit) - text.data()) + 1;
  }
  std::uint64_t skip(std::string_view text, Scan* scan, std::uint64_t count) override {
    const std::size_t from = std::max(scan->boundary, scan->searched);
    std::size_t found = 0;
    const std::size_t at = find_nth(text, from, end_, static_cast<std::size_t>(count), &found);
    if (at != kNone) {
      scan->boundary = at + 1;
    } else if (found > 0) {
      scan->boundary = last_boundary(text, from);
    }
    scan->searched = at != kNone ? at + 1 : text.size();
    return found;
  }
  std::size_t boundary_at(std::string_view text, std::size_t from, TextStart /*start*/) override {
    const std::size_t at = text.find(end_, from);
    return at == kNone ? 0 : at + 1;
  }
  std::size_t reach() const override { return 1; }

 private:
  const char end_;
};

/// Records that end with one string, begin with another, or both.
class StringRecords final : public RecordSplitter {
 public:
  StringRecords(const std::string& end, const std::string& start)
      : both_(end + start), end_bytes_(end.size()) {}

  std::size_t last_boundary(std::string_view text, std::size_t searched) override {
    // A separator may have begun in what was searched.
    const std::size_t least = std::max(first_place(0), back(searched));
    std::size_t limit = text.size() < both_.size() ? 0 : text.size() - both_.size() + 1;
    while (limit > least) {
      const void* const hit = ::memrchr(text.data() + least, both_[0], limit - least);
      if (hit == nullptr) return 0;
      limit = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
      if (std::memcmp(hit, both_.data(), both_.size()) == 0) return limit + end_bytes_;
    }
    return 0;
  }
  std::uint64_t skip(std::string_view text, Scan* scan, std::uint64_t count) override {
    std::uint64_t records = 0;
    while (records < count) {
      const std::size_t from = std::max(first_place(scan->boundary), back(scan->searched));
      const std::size_t at = from < text.size() ? text.find(both_, from) : kNone;
      if (at == kNone) {
        scan->searched = text.size();
        break;
      }
      scan->boundary = scan->searched = at + end_bytes_;
      ++records;
    }
    return records;
  }
  std::size_t boundary_at(std::string_view text, std::size_t from, TextStart /*start*/) override {
    const std::size_t at = text.find(both_, from);
    return at == kNone ? 0 : at + end_bytes_;
  }
  std::size_t reach() const override { return both_.size(); }

 private:
  /// Where the separator behind a boundary may begin.
  std::size_t first_place(std::size_t boundary) const {
    return end_bytes_ == 0 ? boundary + 1 : boundary;
  }
  std::size_t back(std::size_t searched) const {
    return searched - std::min(searched, both_.size() - 1);
  }

  const std::string both_;
  const std::size_t end_bytes_;
};

/// -L: so many lines are a record.
class LineRecords final : public RecordSplitter {
 public:
  explicit LineRecords(std::size_t lines) : lines_(lines) {}

  std::size_t last_boundary(std::string_view text, std::size_t /*searched*/) override {
    const std::size_t total = count_byte(text, '\n');
    if (total < lines_) return 0;
    std::size_t size = text.size();
    for (std::size_t surplus = total % lines_; surplus > 0; --surplus)
      size = last_newline(text, size);
    return last_newline(text, size) + 1;
  }
  std::uint64_t skip(std::string_view text, Scan* scan, std::uint64_t count) override {
    std::uint64_t records = 0;
    std::size_t found = 0;
    while (records < count) {
      const std::size_t at = find_nth(text, scan->boundary, '\n', lines_, &found);
      if (at == kNone) break;
      scan->boundary = scan->searched = at + 1;
      ++records;
    }
    return records;
  }
  std::size_t boundary_at(std::string_view, std::size_t, TextStart) override { return 0; }
  bool wants_much() const override { return true; }
  bool cuts_end() const override { return true; }
  std::size_t reach() const override { return 0; }

 private:
  static std::size_t last_newline(std::string_view text, std::size_t size) {
    const void* const hit = ::memrchr(text.data(), '\n', size);
    return static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
  }

  const std::size_t lines_;
};

class StringRemover final : public SeparatorRemover {
 public:
  StringRemover(std::string end, std::string start)
      : end_(std::move(end)), start_(std::move(start)) {}

  std::size_t remove(char* bytes, std::size_t size) override {
    const std::string both = end_ + start_;
    if (both.empty()) return size;
    std::string_view rest(bytes, size);
    if (!start_.empty() && rest.starts_with(start_)) rest.remove_prefix(start_.size());
    // What lies behind is left out by moving what follows to the front.
    char* to = bytes;
    for (;;) {
      const std::size_t at = rest.find(both);
      if (at == kNone) break;
      std::memmove(to, rest.data(), at);
      to += at;
      rest.remove_prefix(at + both.size());
    }
    if (!end_.empty() && rest.ends_with(end_)) rest.remove_suffix(end_.size());
    if (!rest.empty()) std::memmove(to, rest.data(), rest.size());
    return static_cast<std::size_t>(to - bytes) + rest.size();
  }

 private:
  const std::string end_;
  const std::string start_;
};

}  // namespace

std::unique_ptr<RecordSplitter> make_splitter(const PipeSpec& spec) {
  if (spec.lines_per_record > 0) {
    // With -N as well it is lines that are counted.
    if (spec.records_per_block > 0) return std::make_unique<ByteEnds>('\n');
    return std::make_unique<LineRecords>(static_cast<std::size_t>(spec.lines_per_record));
  }
  if (spec.record_start.empty() && spec.record_end.empty()) return std::make_unique<ByteRecords>();
  if (spec.regex) return make_regex_splitter(spec.record_end, spec.record_start);
  if (spec.record_start.empty() && spec.record_end.size() == 1)
    return std::make_unique<ByteEnds>(spec.record_end[0]);
  return std::make_unique<StringRecords>(spec.record_end, spec.record_start);
}

std::unique_ptr<SeparatorRemover> make_remover(const PipeSpec& spec) {
  const bool regex = spec.regex && !(spec.record_start.empty() && spec.record_end.empty());
  if (regex) return make_regex_remover(spec.record_end, spec.record_start);
  return std::make_unique<StringRemover>(spec.record_end, spec.record_start);
}

}  // namespace enjoin
