#include "runner/input/input_source.h"

#include <algorithm>
#include <utility>

#include "enjoin/error.h"
#include "runner/input/product_source.h"
#include "runner/input/value_source.h"

namespace enjoin {
namespace {

/// One source: its values are the records.
class SingleSource final : public InputSource {
 public:
  explicit SingleSource(ValueSource values) : values_(std::move(values)), runs_(values_.runs()) {}
  SingleSource(const SingleSource&) = delete;  // runs_ points into values_
  SingleSource& operator=(const SingleSource&) = delete;

  Pull pull(Record* record) override {
    record->values.resize(1);
    return runs_ != nullptr ? runs_->pull(&record->values[0]) : values_.pull(&record->values[0]);
  }
  int wait_fd() const override { return values_.wait_fd(); }
  Run peek_run() override {
    if (runs_ == nullptr) return {};
    return {runs_->peek_run(), runs_->run_delimiter()};
  }
  void skip_run(std::size_t bytes, std::size_t records) override {
    runs_->skip_run(bytes, records);
  }

 private:
  ValueSource values_;
  LineReader* runs_;  // null where there are no runs
};

bool is_stdin(const SourceSpec& source) {
  return source.kind == SourceSpec::Kind::kFile &&
         (source.path == "-" || source.path == "/dev/stdin" || source.path == "/dev/fd/0" ||
          source.path == "/proc/self/fd/0");
}

}  // namespace

std::unique_ptr<InputSource> open_input(InputSpec spec) {
  if (spec.sources.empty()) {
    spec.sources.push_back({SourceSpec::Kind::kFile, {}, "-"});
  }
  // GNU parallel deals the lines of a stdin that is named twice to both sources in turn, and the
  // product of that is arbitrary.
  if (std::count_if(spec.sources.begin(), spec.sources.end(), is_stdin) > 1) {
    throw Error("stdin is named as an input source twice; it can be read only once");
  }
  std::vector<ValueSource> sources;
  sources.reserve(spec.sources.size());
  for (SourceSpec& source : spec.sources) {
    sources.emplace_back(std::move(source), spec.delimiter, spec.no_run_if_empty);
  }
  ValueSource first = std::move(sources.front());
  sources.erase(sources.begin());
  if (sources.empty()) return std::make_unique<SingleSource>(std::move(first));
  return std::make_unique<ProductSource>(std::move(first), std::move(sources));
}

}  // namespace enjoin
