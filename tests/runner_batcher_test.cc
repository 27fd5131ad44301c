#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/input/batcher.h"
#include "worker/template.h"

using namespace enjoin;

namespace {

using Values = std::vector<std::string>;

/// A source whose records are scripted; an empty script entry means "would block".
class ScriptedSource final : public InputSource {
 public:
  explicit ScriptedSource(std::deque<Values> script) : script_(std::move(script)) {}
  Pull pull(Record* record) override {
    if (script_.empty()) return Pull::kEnd;
    current_ = script_.front();
    script_.pop_front();
    if (current_.empty()) return Pull::kWouldBlock;
    record->values.assign(current_.begin(), current_.end());
    return Pull::kRecord;
  }
  int wait_fd() const override { return -1; }

 private:
  std::deque<Values> script_;
  Values current_;
};

std::string numbers(int from, int to) {
  std::string lines;
  for (int i = from; i <= to; ++i) lines += std::to_string(i) + "\n";
  return lines;
}

Template command(std::vector<std::string> words, Spread spread = Spread::kContext) {
  TemplateSpec spec;
  spec.words = std::move(words);
  spec.spread = spread;
  return Template::parse(std::move(spec));
}

Values split(const Batch& batch) {
  Values values;
  for (std::size_t at = 0; at < batch.bytes.size(); at += values.back().size() + 1) {
    values.emplace_back(batch.bytes.c_str() + at);
  }
  CHECK(values.size() == batch.values);
  return values;
}

std::vector<Values> batches(InputSource& source, const BatchSpec& spec, const Template& line) {
  Batcher batcher(source, spec, line);
  std::vector<Values> all;
  Batch batch;
  while (batcher.pull(&batch) == Pull::kRecord) all.push_back(split(batch));
  CHECK(batcher.pull(&batch) == Pull::kEnd);
  return all;
}

/// Reads `lines` from a file that has no name, so that runs are used.
std::vector<Values> batches_of(std::string_view lines, const BatchSpec& spec,
                               const Template& line) {
  const ipc::UniqueFd fd(::memfd_create("input", MFD_CLOEXEC));
  REQUIRE(::write(fd.get(), lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()));
  InputSpec input;
  input.sources = {{SourceSpec::Kind::kFile, {}, "/proc/self/fd/" + std::to_string(fd.get())}};
  const auto source = open_input(std::move(input));
  return batches(*source, spec, line);
}

std::vector<std::size_t> sizes(const std::vector<Values>& all) {
  std::vector<std::size_t> result;
  for (const Values& values : all) result.push_back(values.size());
  return result;
}

using Sizes = std::vector<std::size_t>;

BatchSpec many(std::uint32_t spread_over, std::uint32_t max_records = 0,
               std::size_t max_line_bytes = 0) {
  BatchSpec spec;
  spec.max_records = max_records;
  spec.spread_over = spread_over;
  spec.max_line_bytes = max_line_bytes;
  return spec;
}

}  // namespace

TEST_CASE("batcher: one record a job by default") {
  const Template echo = command({"echo"});
  CHECK(batches_of("a\nb\n\n", {}, echo) == std::vector<Values>{{"a"}, {"b"}, {""}});
  CHECK(batches_of("", {}, echo).empty());
}

TEST_CASE("batcher: -N0 makes a job for each record and gives it nothing") {
  const Template echo = command({"echo"});
  BatchSpec spec;
  spec.count_only = true;
  CHECK(sizes(batches_of("a\nb\n", spec, echo)) == Sizes{0, 0});
}

TEST_CASE("batcher: -n fills jobs and does not share the rest") {
  const Template echo = command({"echo"}, Spread::kJoin);
  CHECK(sizes(batches_of(numbers(1, 10), many(1, 4), echo)) == Sizes{4, 4, 2});
  CHECK(sizes(batches_of(numbers(1, 8), many(1, 4), echo)) == Sizes{4, 4});
}

// The sizes below are those that GNU parallel 20221122 shows for
// `seq N | parallel --dry-run -k -jJ -X [-nM] [-sS] echo`.
TEST_CASE("batcher: at the end of input -X shares the rest as GNU parallel does") {
  const Template echo = command({"echo"});
  const auto shared = [&](int count, std::uint32_t jobs) {
    return sizes(batches_of(numbers(1, count), many(jobs), echo));
  };
  CHECK(shared(1, 2) == Sizes{1});
  CHECK(shared(2, 2) == Sizes{1, 1});
  CHECK(shared(3, 2) == Sizes{2, 1});
  CHECK(shared(13, 2) == Sizes{7, 6});
  CHECK(shared(17, 2) == Sizes{9, 8});
  CHECK(shared(5, 3) == Sizes{2, 2, 1});
  CHECK(shared(10, 3) == Sizes{4, 4, 2});
  CHECK(shared(6, 4) == Sizes{2, 2, 2});
}

TEST_CASE("batcher: -X with -n shares the job in which the input ends, even a full one") {
  const Template echo = command({"echo"});
  const auto shared = [&](int count) {
    return sizes(batches_of(numbers(1, count), many(3, 4), echo));
  };
  CHECK(shared(10) == Sizes{4, 4, 1, 1});
  CHECK(shared(8) == Sizes{4, 2, 2});
  CHECK(shared(4) == Sizes{2, 2});
}

TEST_CASE("batcher: lines are as long as GNU parallel's") {
  const Template echo = command({"echo"});
  CHECK(sizes(batches_of(numbers(1, 20), many(3, 0, 20), echo)) == Sizes{7, 5, 5, 1, 1, 1});
  CHECK(sizes(batches_of(numbers(1, 3000), many(2, 0, 5000), echo)) == Sizes{1220, 999, 391, 390});
  CHECK(sizes(batches_of(numbers(1, 60000), many(2), echo)) ==
        Sizes{12460, 10609, 10609, 10609, 10609, 2552, 2552});
  CHECK(sizes(batches_of(numbers(1, 6), many(1, 1000, 12), echo)) == Sizes{3, 3});
}

TEST_CASE("batcher: repeated context counts, as in GNU parallel") {
  const Template context = command({"echo", "abc{}def"});
  CHECK(sizes(batches_of(numbers(1, 30000), many(2), context)) ==
        Sizes{5887, 5647, 5304, 5304, 5304, 1277, 1277});
  const Template joined = command({"echo", "abc{}def"}, Spread::kJoin);
  CHECK(sizes(batches_of(numbers(1, 60000), many(2), joined)) ==
        Sizes{12459, 10608, 10608, 10608, 10608, 2555, 2554});
}

TEST_CASE("batcher: values arrive whole and in order, whatever they hold") {
  std::string lines;
  Values expected;
  for (int i = 0; i < 20000; ++i) {
    expected.push_back(i % 7 == 0    ? "with blank " + std::to_string(i)
                       : i % 11 == 0 ? ""
                       : i % 501 < 9 ? "it's \xc3\xa4" + std::to_string(i)
                                     : "plain/" + std::to_string(i) + ".txt");
    lines += expected.back() + "\n";
  }
  const Template echo = command({"echo"});
  for (const std::size_t longest : {100u, 1000u, 20000u, 0u}) {
    Values values;
    for (const Values& batch : batches_of(lines, many(3, 0, longest), echo)) {
      values.insert(values.end(), batch.begin(), batch.end());
    }
    CHECK(values == expected);
  }
}

TEST_CASE("batcher: runs and single values make the same jobs") {
  const Template context = command({"cp", "a{}b", "--x={}"});
  std::string lines;
  std::deque<Values> script;
  for (int i = 0; i < 5000; ++i) {
    const std::string value = i % 300 < 5 ? "two words" : "name-" + std::to_string(i * 7919);
    lines += value + "\n";
    script.push_back({value});
  }
  for (const BatchSpec& spec : {many(2), many(2, 0, 3001), many(2, 777), many(1, 100)}) {
    ScriptedSource singly(script);
    CHECK(batches_of(lines, spec, context) == batches(singly, spec, context));
  }
}

TEST_CASE("batcher: the values of several sources are flattened") {
  ScriptedSource source({{"a", "1"}, {"a", "2"}, {"b", "1"}});
  const Template echo = command({"echo"});
  Batcher batcher(source, many(2), echo);
  Batch batch;
  REQUIRE(batcher.pull(&batch) == Pull::kRecord);
  CHECK(batch.columns == 2);
  CHECK(split(batch) == Values{"a", "1", "a", "2"});
  REQUIRE(batcher.pull(&batch) == Pull::kRecord);
  CHECK(split(batch) == Values{"b", "1"});
  CHECK(batcher.pull(&batch) == Pull::kEnd);
}

TEST_CASE("batcher: a job that is not full waits for more") {
  ScriptedSource source({{"a"}, {}, {"b"}, {}, {"c"}});
  const Template echo = command({"echo"});
  Batcher batcher(source, many(1, 2), echo);
  Batch batch;
  CHECK(batcher.pull(&batch) == Pull::kWouldBlock);
  REQUIRE(batcher.pull(&batch) == Pull::kRecord);
  CHECK(split(batch) == Values{"a", "b"});
  CHECK(batcher.pull(&batch) == Pull::kWouldBlock);
  REQUIRE(batcher.pull(&batch) == Pull::kRecord);
  CHECK(split(batch) == Values{"c"});
  CHECK(batcher.pull(&batch) == Pull::kEnd);
}

TEST_CASE("batcher: a value that is too long alone is an error that names the input") {
  const Template echo = command({"echo"});
  const auto error_of = [&](std::string_view lines, const BatchSpec& spec) -> std::string {
    try {
      batches_of(lines, spec, echo);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const std::string large(140000, 'x');
  CHECK(error_of("a\nb\n" + large + "\n", many(2)).find("the command line of input 3 ") == 0);
  CHECK(error_of("a\n" + large + "\n", {}).find("the command line of input 2 ") == 0);
  CHECK(
      error_of("a\n" + std::string(30, 'x'), many(2, 0, 20)).find("the command line of input 2 ") ==
      0);
  // Beyond GNU parallel's limit, but possible.
  const std::string possible(100000, 'x');
  CHECK(error_of("a\n" + possible + "\nb\n", many(2)) == "no error");
  CHECK(sizes(batches_of("a\n" + possible + "\nb\n", many(2), echo)) == Sizes{1, 1, 1});
}

TEST_CASE("batcher: records of different width are shared out whole") {
  const Template echo = command({"echo"});
  InputSpec input;
  input.sources = {{SourceSpec::Kind::kArguments, {"a,b", "c", "d,e,f", "g,h"}, {}}};
  input.column_regex = ",";
  const auto source = open_input(std::move(input));
  CHECK(batches(*source, many(2), echo) ==
        std::vector<Values>{{"a", "b", "c"}, {"d", "e", "f", "g", "h"}});
}

TEST_CASE("batcher: a full last job is shared out too") {
  const Template echo = command({"echo"});
  CHECK(batches_of("1\n2\n3\n4\n5\n6\n7\n8\n", many(2, 4), echo) ==
        std::vector<Values>{{"1", "2", "3", "4"}, {"5", "6"}, {"7", "8"}});
}

TEST_CASE("batcher: lines a job count where records a job do not") {
  const Template echo = command({"echo"});
  BatchSpec spec = many(1);
  spec.max_lines = 2;
  CHECK(batches_of("1\n2\n3\n", spec, echo) == std::vector<Values>{{"1", "2"}, {"3"}});
  spec.max_records = 1;
  CHECK(batches_of("1\n2\n", spec, echo) == std::vector<Values>{{"1"}, {"2"}});
}

TEST_CASE("batcher: a longer line than the default is never made") {
  const Template echo = command({"echo"});
  std::string lines;
  for (int i = 0; i < 50000; ++i) lines += "abc\n";
  CHECK(batches_of(lines, many(1, 0, 1'000'000), echo) == batches_of(lines, many(1), echo));
}

// The sizes are those of GNU parallel 20221122 for `… | parallel --dry-run -k -j1 -sS -X (-m) …`.
TEST_CASE("batcher: parts of values, positions and numbers count as in GNU parallel") {
  std::string files;
  for (int i = 1; i <= 15; ++i) files += std::to_string(i) + ".gif\n";
  const Template parts = command({"echo", "a{}b{.}c{.}"});
  CHECK(sizes(batches_of(files, many(1, 0, 80), parts)) == Sizes{6, 6, 3});
  const Template joined = command({"echo", "a{}b{.}c{.}"}, Spread::kJoin);
  CHECK(sizes(batches_of(files, many(1, 0, 80), joined)) == Sizes{7, 6, 2});
  const Template places = command({"echo", "{1}-{2}"});
  CHECK(sizes(batches_of(numbers(1, 30), many(1, 0, 40), places)) == Sizes{11, 8, 8, 3});
  const Template numbered = command({"echo", "{#}", "{}"});
  CHECK(sizes(batches_of(numbers(1, 29), many(1, 0, 40), numbered)) == Sizes{8, 7, 7, 7});
}

TEST_CASE("batcher: a line counts with what is used of its values") {
  ScriptedSource source({{"a", std::string(3'000'000, 'x'), std::string(200'000, 'd') + "/c"}});
  CHECK(batches(source, {}, command({"echo", "{1}", "{3/}"})).size() == 1);
  BatchSpec spec;
  spec.max_line_bytes = 20;
  CHECK(batches_of(numbers(1, 9), spec, command({"echo", "{#}{#}{#}{#}{#}{#}{#}"})).size() == 9);
  CHECK_THROWS_AS(batches_of(numbers(1, 100), spec, command({"echo", "{#}{#}{#}{#}{#}{#}{#}"})),
                  Error);
}
