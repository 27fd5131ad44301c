#include "runner/pipe/group_splitter.h"

#include <string>
#include <utility>
#include <vector>

#include "runner/pipe/key_column.h"

namespace enjoin {
namespace {

/// Only whole records have keys. At the end of a text that goes on, the last group is open: a
/// boundary lies before it at the latest.
class GroupRecords final : public RecordSplitter {
 public:
  GroupRecords(KeyColumn key, std::unique_ptr<RecordSplitter> inner)
      : key_(std::move(key)), inner_(std::move(inner)) {}

  void set_header(std::string_view header) override { key_.set_header(header); }
  void note_end() override { is_end_ = true; }

  std::size_t last_boundary(std::string_view text, std::size_t /*searched*/) override {
    return start_of_group(text, inner_->last_boundary(text));
  }

  std::uint64_t skip(std::string_view text, Scan* scan, std::uint64_t count) override {
    std::uint64_t groups = 0;
    std::size_t begin = scan->boundary;
    std::string last;
    bool has_last = false;
    while (groups < count && collect(text, begin)) {
      for (std::size_t i = 0; i < records_.size() && groups < count; ++i) {
        if (has_last && keys_[i] != last) {
          scan->boundary = scan->searched = begin;
          ++groups;
        }
        std::swap(last, keys_[i]);
        has_last = true;
        begin += records_[i].size();
      }
    }
    return groups;
  }

  std::size_t boundary_at(std::string_view text, std::size_t from, TextStart start) override {
    std::size_t begin = inner_->boundary_at(text, from, start);
    if (begin == 0 || begin >= text.size()) return 0;
    const std::size_t previous = inner_->last_boundary(text.substr(0, begin - 1));
    if (previous == 0 && start == TextStart::kAnywhere) return 0;
    std::string key = key_of(text.substr(previous, begin - previous));
    while (collect(text, begin)) {
      for (std::size_t i = 0; i < records_.size(); ++i) {
        if (keys_[i] != key) return begin;
        begin += records_[i].size();
      }
    }
    return 0;
  }

  bool wants_much() const override { return true; }
  std::size_t reach() const override { return 0; }

 private:
  std::string key_of(std::string_view record) {
    key_.keys(std::span(&record, 1), &key_of_one_);
    return std::move(key_of_one_.front());
  }

  /// Goes back from `end`, where a record ends, while records have the same key.
  std::size_t start_of_group(std::string_view text, std::size_t end) {
    std::string key;
    for (bool is_first = true; end > 0; is_first = false) {
      const std::size_t begin = inner_->last_boundary(text.substr(0, end - 1));
      std::string other = key_of(text.substr(begin, end - begin));
      if (!is_first && other != key) return end;
      key = std::move(other);
      end = begin;
    }
    return 0;
  }

  /// Fills records_ and keys_ with whole records from `begin` on; false: there is none.
  bool collect(std::string_view text, std::size_t begin) {
    records_.clear();
    Scan scan{begin, begin};
    while (records_.size() < key_.batch()) {
      const std::size_t from = scan.boundary;
      if (inner_->skip(text, &scan, 1) == 0) {
        if (is_end_ && from < text.size()) records_.push_back(text.substr(from));
        break;
      }
      records_.push_back(text.substr(from, scan.boundary - from));
    }
    if (records_.empty()) return false;
    key_.keys(records_, &keys_);
    return true;
  }

  KeyColumn key_;
  const std::unique_ptr<RecordSplitter> inner_;
  bool is_end_ = false;
  std::vector<std::string_view> records_;
  std::vector<std::string> keys_;
  std::vector<std::string> key_of_one_;
};

}  // namespace

std::unique_ptr<RecordSplitter> make_group_splitter(PipeSpec* spec, const InputSpec& input,
                                                    std::unique_ptr<RecordSplitter> inner) {
  KeyColumn key(spec->group_by, "--group-by", input);
  if (key.is_named() && (spec->header.empty() || spec->header == "0")) spec->header = ":";
  return std::make_unique<GroupRecords>(std::move(key), std::move(inner));
}

}  // namespace enjoin
