#include "runner/pipe/regex_splitter.h"

#include <algorithm>
#include <cstring>

#include "runner/regex.h"

namespace enjoin {
namespace {

constexpr Regex::Options kFlags{.multi_line = true};
/// Text that an expression may look at around a boundary, when only a part of a text is searched.
constexpr std::size_t kMargin = 4096;

std::string grouped(const std::string& pattern) {
  return "(?:" + pattern + ")";
}

Regex compile(const std::string& pattern, const char* whose) {
  try {
    return Regex(pattern, whose, kFlags);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

/// Tells of a mistake as it was written, not as it stands in a larger expression.
std::string checked(const std::string& pattern, const char* whose) {
  (void)compile(pattern, whose);
  return grouped(pattern);
}

class RegexRecords final : public RecordSplitter {
 public:
  RegexRecords(const std::string& end, const std::string& start)
      : has_start_(!start.empty()),
        start_group_(compile(end, "--recend").groups() + 1),
        start_(compile("\\G" + checked(start, "--recstart"), "--recstart")),
        boundary_(compile(grouped(end) + "(?=(" + grouped(start) + "))", "--recend, --recstart")) {}

  std::size_t last_boundary(std::string_view text, std::size_t /*searched*/) override {
    // Expressions can be searched for forwards only, so: in the last part of the text, and if there
    // is none, in a larger part. What is found where a part begins may owe itself to where it was
    // cut, and does not count.
    for (std::size_t part = 2 * kMargin;; part *= 8) {
      const std::size_t from = text.size() - std::min(part, text.size());
      const std::size_t least = from == 0 ? 0 : from + kMargin;
      std::size_t last = 0;
      std::size_t search_from = from == 0 ? behind_start(text, 0) : from;
      for (std::size_t at = 0; find(text, search_from, last, &at, &search_from);) last = at;
      if (last > least) return last;
      if (from == 0) return 0;
    }
  }

  std::uint64_t skip(std::string_view text, Scan* scan, std::uint64_t count) override {
    std::uint64_t records = 0;
    std::size_t search_from = behind_start(text, scan->boundary);
    for (std::size_t at = 0; records < count; ++records) {
      if (!find(text, search_from, scan->boundary, &at, &search_from)) break;
      scan->boundary = scan->searched = at;
    }
    return records;
  }

  std::size_t boundary_at(std::string_view text, std::size_t from, TextStart /*start*/) override {
    std::size_t at = 0;
    std::size_t next = 0;
    return find(text, from, from == 0 ? 0 : from - 1, &at, &next) ? at : 0;
  }

  bool begins_midway(std::string_view text) override {
    return has_start_ && !text.empty() && !start_.search(text, 0);
  }

  bool wants_much() const override { return true; }
  std::size_t reach() const override { return kMargin; }

 private:
  /// Where to look for the end of the record that begins at `at`: behind its start, which may be
  /// such that it matches again a byte further on (`.*, Start`).
  std::size_t behind_start(std::string_view text, std::size_t at) {
    return at < text.size() && start_.search(text, at) ? start_.end() : at;
  }

  /// The first boundary that lies behind `last`; the next one is to be sought from `*next` on.
  bool find(std::string_view text, std::size_t from, std::size_t last, std::size_t* at,
            std::size_t* next) {
    for (; from <= text.size(); ++from) {
      if (!boundary_.search(text, from)) return false;
      from = std::max(from, boundary_.begin());
      if (boundary_.end() <= last) continue;
      *at = boundary_.end();
      // At the end of the text, an empty recstart says nothing that would be found again.
      *next = std::max(boundary_.end(start_group_), *at);
      return true;
    }
    return false;
  }

  const bool has_start_;
  const std::size_t start_group_;  // of boundary_: what recstart matches
  Regex start_;
  Regex boundary_;
};

class RegexRemover final : public SeparatorRemover {
 public:
  RegexRemover(const std::string& end, const std::string& start)
      : has_start_(!start.empty()),
        has_end_(!end.empty()),
        start_(compile("\\A" + grouped(start), "--recstart")),
        pair_(compile(grouped(end) + grouped(start), "--recend, --recstart")),
        end_(compile(grouped(end) + "\\z", "--recend")) {}

  std::size_t remove(char* bytes, std::size_t size) override {
    const std::string_view text(bytes, size);
    std::size_t from = has_start_ && start_.search(text, 0) ? start_.end() : 0;
    char* to = bytes;
    while (from < size && pair_.search_not_empty(text, from)) {
      const std::size_t next = pair_.end();
      const std::size_t kept = pair_.begin() - from;
      std::memmove(to, bytes + from, kept);
      to += kept;
      from = next;
    }
    const std::size_t rest_end =
        has_end_ && from < size && end_.search_not_empty(text, from) ? end_.begin() : size;
    std::memmove(to, bytes + from, rest_end - from);
    return static_cast<std::size_t>(to - bytes) + (rest_end - from);
  }

 private:
  const bool has_start_;
  const bool has_end_;
  Regex start_;
  Regex pair_;
  Regex end_;
};

}  // namespace

std::unique_ptr<RecordSplitter> make_regex_splitter(const std::string& end,
                                                    const std::string& start) {
  return std::make_unique<RegexRecords>(end, start);
}

std::unique_ptr<SeparatorRemover> make_regex_remover(const std::string& end,
                                                     const std::string& start) {
  return std::make_unique<RegexRemover>(end, start);
}

}  // namespace enjoin
