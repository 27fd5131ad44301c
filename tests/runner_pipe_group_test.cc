#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/pipe/record_router.h"
#include "support/blocks.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

const std::string kLines = "a 1\na 2\nb 3\nb 4\nc 5\n";

PipeSpec grouped(std::string column, std::uint64_t records, std::string header = "") {
  PipeSpec spec;
  spec.group_by = std::move(column);
  spec.records_per_block = records;
  spec.header = std::move(header);
  return spec;
}

InputSpec columns(std::string separator) {
  InputSpec input;
  input.column_regex = std::move(separator);
  return input;
}

Texts routed(PipeSpec spec, const InputSpec& input, std::uint32_t jobs, const Texts& blocks) {
  RecordRouter router(spec, input, jobs);
  Texts parts(jobs);
  for (const std::string& block : blocks) router.route(block, parts);
  return parts;
}

}  // namespace

TEST_CASE("groups: -N counts groups") {
  CHECK(blocks_of(grouped("1", 1), kLines, columns(" ")) ==
        Texts{"a 1\na 2\n", "b 3\nb 4\n", "c 5\n"});
  CHECK(blocks_of(grouped("1", 2), kLines, columns(" ")) == Texts{"a 1\na 2\nb 3\nb 4\n", "c 5\n"});
  CHECK(blocks_of(grouped("1", 1), "a 1\nb 2\nb 3", columns(" ")) == Texts{"a 1\n", "b 2\nb 3"});
}

TEST_CASE("groups: a block ends with a group") {
  PipeSpec spec = grouped("1", 0);
  CHECK(blocks_of(spec, kLines, columns(" ")) == Texts{kLines});
  spec.block_bytes = 13;
  CHECK(blocks_of(spec, kLines, columns(" ")) == Texts{"a 1\na 2\n", "b 3\nb 4\nc 5\n"});
  spec.block_bytes = 4;
  CHECK(blocks_of(spec, "a 1\na 2\na 3\na 4\nb 1\nb 2\n", columns(" ")) ==
        Texts{"a 1\na 2\na 3\na 4\n", "b 1\nb 2\n"});
}

TEST_CASE("groups: columns end at TABs unless told") {
  CHECK(blocks_of(grouped("1", 1), "a b\t1\na b\t2\na c\t3\n") ==
        Texts{"a b\t1\na b\t2\n", "a c\t3\n"});
  CHECK(blocks_of(grouped("2", 1), "a,1\nb,1\nb,2\n", columns(",")) ==
        Texts{"a,1\nb,1\n", "b,2\n"});
  CHECK(blocks_of(grouped("2", 1), "a  1\nb 1\nb 2\n", columns(" +")) ==
        Texts{"a  1\nb 1\n", "b 2\n"});
  InputSpec csv;
  csv.csv = true;
  CHECK(blocks_of(grouped("1", 1), "\"a,b\",1\n\"a,b\",2\n\"a,c\",3\n", csv) ==
        Texts{"\"a,b\",1\n\"a,b\",2\n", "\"a,c\",3\n"});
}

TEST_CASE("groups: column 0 is the line, a missing column is empty") {
  CHECK(blocks_of(grouped("0", 1), "a\na\nb\n") == Texts{"a\na\n", "b\n"});
  CHECK(blocks_of(grouped("9", 1), kLines, columns(" ")) == Texts{kLines});
}

TEST_CASE("groups: a column's name is looked up in the header, which goes to every job") {
  const Texts expected{"x y\na 1\na 2\n", "x y\nb 3\nb 4\n", "x y\nc 5\n"};
  CHECK(blocks_of(grouped("x", 1, ":"), "x y\n" + kLines, columns(" ")) == expected);
  CHECK(blocks_of(grouped("x", 1), "x y\n" + kLines, columns(" ")) == expected);
  CHECK(blocks_of(grouped("1", 1, ":"), "x y\n" + kLines, columns(" ")) == expected);
  CHECK_THROWS_WITH_AS(blocks_of(grouped("z", 1), "x y\n" + kLines, columns(" ")),
                       doctest::Contains("no column 'z'; it has 'x' 'y'"), Error);
}

TEST_CASE("groups: parts end with a group") {
  std::string text;
  for (int i = 1; i <= 12; ++i)
    for (int j = 1; j <= 3; ++j) text += std::to_string(i) + ' ' + std::to_string(j) + '\n';
  const ipc::UniqueFd file = file_of(text);
  InputSpec input = columns(" ");
  input.sources = {{.kind = SourceSpec::Kind::kFile,
                    .arguments = {},
                    .path = "/proc/self/fd/" + std::to_string(file.get())}};
  PipeSpec spec = grouped("1", 0);
  spec.mode = PipeSpec::Mode::kPart;
  for (const std::uint64_t block_bytes : {1U, 10U, 14U, 30U, 60U, 1000U}) {
    spec.block_bytes = block_bytes;
    const Texts parts = read_blocks(*open_blocks(spec, input, {}));
    CHECK(joined(parts) == text);
    for (const std::string& part : parts) {
      CHECK(part.substr(part.find(' '), 3) == " 1\n");
      CHECK(part.ends_with(" 3\n"));
    }
  }
}

TEST_CASE("groups: what says no column is refused") {
  CHECK_THROWS_AS(blocks_of(grouped("-1", 1), kLines), UsageError);
  CHECK_THROWS_AS(blocks_of(grouped("99999999999999", 1), kLines), UsageError);
  PipeSpec spec = grouped("1", 1);
  spec.remove_separator = true;
  CHECK_THROWS_AS(blocks_of(spec, kLines), UsageError);
}

TEST_CASE("router: --bin goes by the number") {
  PipeSpec spec;
  spec.bin = "1";
  CHECK(routed(spec, {}, 3, {seq(1, 5), seq(6, 10)}) ==
        Texts{"1\n4\n7\n10\n", "2\n5\n8\n", "3\n6\n9\n"});
  CHECK(routed(spec, {}, 3, {"0\n-1\nx\n2.5\n"}) == Texts{"", "-1\n2.5\n", "0\nx\n"});
}

TEST_CASE("router: --shard keeps equal values together") {
  PipeSpec spec;
  spec.shard = "1";
  const Texts parts =
      routed(spec, columns(" "), 3, {"a 1\nb 1\nc 1\n", "d 1\na 2\nb 2\n", "c 2\nd 2"});
  std::size_t bytes = 0;
  for (const std::string& part : parts) {
    bytes += part.size();
    for (const char key : {'a', 'b', 'c', 'd'}) {
      const bool first = part.find(std::string{key} + " 1") != std::string::npos;
      const bool second = part.find(std::string{key} + " 2") != std::string::npos;
      CHECK(first == second);
    }
  }
  CHECK(bytes == 8 * 4 - 1);
}

TEST_CASE("router: a named column's header line goes nowhere") {
  PipeSpec spec;
  spec.bin = "n";
  CHECK(routed(spec, columns(","), 2, {"n,x\n1,a\n", "2,b\n"}) == Texts{"1,a\n", "2,b\n"});
}
