#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/selection.h"
#include "support/memory_file.h"

using namespace enjoin;
using enjoin::test::MemoryFile;

namespace {

const std::string kRows =
    "1\t:\t1.0\t0.1\t0\t0\t0\t0\techo 1\n"
    "4\t:\t1.0\t0.1\t0\t0\t2\t0\techo 4\n"
    "2\t:\t1.0\t0.1\t0\t0\t137\t9\techo 2\n";

Options with_log(const MemoryFile& log, SelectionSpec spec) {
  Options options;
  options.joblog_path = log.path();
  options.selection = spec;
  return options;
}

/// The numbers of the first `count` jobs that are taken.
std::vector<std::uint64_t> taken(const Options& options, int count) {
  Selection selection = Selection::open(options);
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < count; ++i) {
    Batch batch;
    batch.seq = selection.next_number();
    if (batch.seq != 0 && selection.wants(batch)) numbers.push_back(batch.seq);
  }
  return numbers;
}

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("selection: without any, all jobs, from 1 on") {
  CHECK(taken({}, 3) == Numbers{1, 2, 3});
  CHECK(Selection::open({}).is_all());
}

TEST_CASE("selection: parts share the jobs, which keep their numbers") {
  Options options;
  options.selection.parts = 3;
  Numbers all;
  for (options.selection.part = 1; options.selection.part <= 3; ++options.selection.part) {
    for (const std::uint64_t seq : taken(options, 7)) all.push_back(seq);
  }
  CHECK(all == Numbers{1, 4, 7, 2, 5, 3, 6});
}

TEST_CASE("selection: --resume leaves out what has a row") {
  const MemoryFile log(kRows);
  CHECK(taken(with_log(log, {.resume = true}), 6) == Numbers{3, 5, 6});
}

TEST_CASE("selection: --resume-failed leaves out what succeeded, --resume beside it or not") {
  const MemoryFile log(kRows);
  CHECK(taken(with_log(log, {.resume_failed = true}), 5) == Numbers{2, 3, 4, 5});
  CHECK(taken(with_log(log, {.resume = true, .resume_failed = true}), 5) == Numbers{2, 3, 4, 5});
}

TEST_CASE("selection: --resume with --part") {
  const MemoryFile log(kRows);
  CHECK(taken(with_log(log, {.resume = true, .part = 2, .parts = 2}), 6) == Numbers{6});
}

TEST_CASE("selection: without --resume the log is not looked at") {
  const MemoryFile log("damaged\n");
  CHECK(taken(with_log(log, {}), 2) == Numbers{1, 2});
}

TEST_CASE("selection: `+` before the log's name is no part of it") {
  const MemoryFile log(kRows);
  Options options = with_log(log, {.resume = true});
  options.joblog_path = '+' + options.joblog_path;
  CHECK(taken(options, 3) == Numbers{3});
}

TEST_CASE("selection: --retry-failed takes the failed jobs' commands from the log") {
  const MemoryFile log(kRows);
  const Options options = with_log(log, {.retry_failed = true});
  CHECK(taken(options, 6) == Numbers{2, 4});
  const Selection selection = Selection::open(options);
  const auto commands = selection.logged_commands();
  Record record;
  REQUIRE(commands->pull(&record) == Pull::kRecord);
  CHECK(record.values[0] == "echo 2");
  REQUIRE(commands->pull(&record) == Pull::kRecord);
  CHECK(record.values[0] == "echo 4");
  CHECK(commands->pull(&record) == Pull::kEnd);
}

TEST_CASE("selection: --retry-failed drops what the command line says of command and inputs") {
  Options options;
  options.command.words = {"echo", "{}"};
  options.batch.max_records = 7;
  options.input.column_regex = "x";
  options.selection.retry_failed = true;
  options.keep_order = true;
  const Options retry = retry_options(options);
  CHECK(retry.command.words.empty());
  CHECK(retry.batch.max_records == 1);
  CHECK_FALSE(retry.input.column_regex);
  CHECK(retry.keep_order);
}
