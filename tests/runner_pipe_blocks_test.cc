#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "support/blocks.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

PipeSpec by_size(std::uint64_t bytes) {
  PipeSpec spec;
  spec.block_bytes = bytes;
  return spec;
}

PipeSpec by_count(std::uint64_t records) {
  PipeSpec spec;
  spec.records_per_block = records;
  return spec;
}

PipeSpec cut_at(PipeSpec spec, std::string end, std::string start, bool regex = false) {
  spec.record_end = std::move(end);
  spec.record_start = std::move(start);
  spec.regex = regex;
  return spec;
}

/// Both ways to cut a file must agree.
Texts sized(const PipeSpec& spec, std::string_view bytes) {
  const Texts blocks = blocks_of(spec, bytes);
  CHECK(ranges_of(spec, bytes) == blocks);
  return blocks;
}

}  // namespace

// Where GNU parallel cuts was observed of release 20221122.

TEST_CASE("blocks: the whole lines that fit into --block") {
  CHECK(sized(by_size(10), seq(1, 10)) == Texts{seq(1, 5), seq(6, 9), "10\n"});
  CHECK(sized(by_size(5), seq(100, 103)) == Texts{"100\n", "101\n", "102\n", "103\n"});
  CHECK(sized(by_size(9), seq(100, 104)) == Texts{seq(100, 101), seq(102, 103), "104\n"});
}

TEST_CASE("blocks: an empty input has none") {
  CHECK(sized(by_size(10), "").empty());
  CHECK(blocks_of(by_count(2), "").empty());
  PipeSpec spec = by_size(10);
  spec.header = ":";
  CHECK(sized(spec, "").empty());
  CHECK(sized(spec, "only a header\n").empty());
}

TEST_CASE("blocks: a last line without newline is a line") {
  CHECK(sized(by_size(2), "a\nb\nc") == Texts{"a\n", "b\n", "c"});
  CHECK(sized(by_size(100), "a\nb\nc") == Texts{"a\nb\nc"});
  CHECK(sized(by_size(5), "a\nb\nc") == Texts{"a\nb\n", "c"});
  CHECK(blocks_of(by_count(2), "a\nb\nc") == Texts{"a\nb\n", "c"});
}

TEST_CASE("blocks: a record longer than --block raises it for good, and is told of") {
  const std::string text = std::string(22, 'a') + "\nb\nc\nd\ne\nf\ng\n";
  CHECK(sized(by_size(4), text) == Texts{std::string(22, 'a') + "\nb\nc\nd\n", "e\nf\ng\n"});
  std::string told;
  const ipc::UniqueFd file = file_of(text);
  PipeSpec spec = by_size(4);
  spec.mode = PipeSpec::Mode::kPipe;
  const auto source = open_blocks(
      spec, {}, file.get(), {.ranges = false, .warn = [&](auto& line) { told += line + '\n'; }});
  CHECK(read_blocks(*source).size() == 2);
  CHECK(told == "a record is longer than --block 4: blocks are 30 bytes from here on\n");
}

TEST_CASE("blocks: one giant record is one block") {
  const std::string giant(3'000'000, 'x');
  CHECK(sized(by_size(1000), giant) == Texts{giant});
  CHECK(sized(by_size(1000), giant + "\nend\n") == Texts{giant + "\nend\n"});
  CHECK(blocks_of(by_count(1), giant + "\nend\n") == Texts{giant + "\n", "end\n"});
}

TEST_CASE("blocks: other record ends") {
  const PipeSpec spec = cut_at(by_size(4), "X", "");
  CHECK(sized(spec, "aXbXcXdXeX") == Texts{"aXbX", "cXdX", "eX"});
  CHECK(sized(cut_at(by_size(6), "END", ""), "aENDbENDcc") == Texts{"aEND", "bEND", "cc"});
  CHECK(sized(cut_at(by_size(3), "\n\n", ""), "a\n\nb\n\n") == Texts{"a\n\n", "b\n\n"});
  CHECK(sized(cut_at(by_size(4), "", ""), "12345678\n") == Texts{"1234", "5678", "\n"});
  CHECK(sized(cut_at(by_size(4), std::string(1, '\0'), ""), std::string("a\0b\0c\0", 6)) ==
        Texts{std::string("a\0b\0", 4), std::string("c\0", 2)});
}

TEST_CASE("blocks: record starts") {
  const PipeSpec spec = cut_at(by_size(5), "", "X");
  CHECK(sized(spec, "XaXbXcXdXeXf") == Texts{"XaXb", "XcXd", "XeXf"});
  CHECK(sized(cut_at(by_size(4), "", "X"), "XaXbXcXd") == Texts{"Xa", "Xb", "Xc", "Xd"});
  CHECK(sized(cut_at(by_size(10), "", "1"), seq(1, 20)) ==
        Texts{seq(1, 9), seq(10, 15), seq(16, 20)});
  CHECK(sized(spec, "leadXaXbXc") == Texts{"lead", "XaXb", "Xc"});
}

TEST_CASE("blocks: a record's end and the next one's start") {
  CHECK(sized(cut_at(by_size(7), "Y", "X"), "XaYXbYXcYXdYXeYXfY") ==
        Texts{"XaYXbY", "XcYXdY", "XeYXfY"});
  CHECK(sized(cut_at(by_size(6), "Y", "X"), "XaYXbYXcY") == Texts{"XaY", "XbY", "XcY"});
  CHECK(sized(cut_at(by_size(4), "X\n", "b"), "aX\nbX\ncX\ndX\neX\n") ==
        Texts{"aX\n", "bX\ncX\ndX\neX\n"});
}

TEST_CASE("blocks: regular expressions") {
  CHECK(blocks_of(cut_at(by_size(10), "[05]\n", "", true), seq(1, 20)) ==
        Texts{seq(1, 5), seq(6, 10), seq(11, 15), seq(16, 20)});
  CHECK(blocks_of(cut_at(by_size(10), "", "1", true), seq(1, 20)) ==
        Texts{seq(1, 9), seq(10, 15), seq(16, 20)});
  CHECK(blocks_of(cut_at(by_size(4), "\n", "", true), seq(1, 5)) ==
        Texts{"1\n2\n", "3\n4\n", "5\n"});
  CHECK(blocks_of(cut_at(by_count(1), "X|Y", "", true), "aXbYc") == Texts{"aX", "bY", "c"});
  CHECK(blocks_of(cut_at(by_count(1), "", "^b", true), "a\nb\nb\n") == Texts{"a\n", "b\n", "b\n"});
  CHECK(blocks_of(cut_at(by_count(1), "X\n", "[bd]", true), "aX\nbX\ncX\ndX\neX\n") ==
        Texts{"aX\n", "bX\ncX\n", "dX\neX\n"});
}

TEST_CASE("blocks: with expressions, what comes before the first start is a block of its own") {
  CHECK(blocks_of(cut_at(by_count(2), "", "X", true), "leadXaXbXc") == Texts{"lead", "XaXb", "Xc"});
  CHECK(blocks_of(cut_at(by_count(2), "", "X", true), "XaXbXc") == Texts{"XaXb", "Xc"});
}

TEST_CASE("blocks: a start that would match again inside itself begins one record") {
  const std::string text = "A2, Start, 5\nA2, 1\nA2, Start, 7\n";
  CHECK(blocks_of(cut_at(by_count(1), "", ".*, Start", true), text) ==
        Texts{"A2, Start, 5\nA2, 1\n", "A2, Start, 7\n"});
}

TEST_CASE("blocks: an expression finds the last boundary of a large block") {
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += "record " + std::to_string(i) + std::string(50, '-') + ";\n";
  const Texts blocks = blocks_of(cut_at(by_size(100'000), ";\n", "r", true), text);
  CHECK(joined(blocks) == text);
  CHECK(blocks == blocks_of(cut_at(by_size(100'000), ";\n", "r"), text));
}

TEST_CASE("blocks: -N counts records whatever --block says") {
  CHECK(blocks_of(by_count(3), seq(1, 10)) == Texts{seq(1, 3), seq(4, 6), seq(7, 9), "10\n"});
  PipeSpec spec = by_count(3);
  spec.block_bytes = 4;
  CHECK(blocks_of(spec, seq(1, 10)) == Texts{seq(1, 3), seq(4, 6), seq(7, 9), "10\n"});
  CHECK(blocks_of(cut_at(by_count(2), "", "X"), "XaXbXcXdXe") == Texts{"XaXb", "XcXd", "Xe"});
  CHECK(blocks_of(cut_at(by_count(2), "X\n", "b"), "aX\nbX\ncX\nbX\neX\nbc") ==
        Texts{"aX\nbX\ncX\n", "bX\neX\nbc"});
  CHECK(blocks_of(cut_at(by_count(3), "", ""), seq(1, 9)) ==
        Texts{"1\n2", "\n3\n", "4\n5", "\n6\n", "7\n8", "\n9\n"});
}

TEST_CASE("blocks: -N counts many lines fast and right") {
  const Texts blocks = blocks_of(by_count(10'000), seq(1, 123'456));
  REQUIRE(blocks.size() == 13);
  CHECK(blocks[3] == seq(30'001, 40'000));
  CHECK(blocks[12] == seq(120'001, 123'456));
}

TEST_CASE("blocks: -L makes records of lines; an incomplete one at the end is a block") {
  PipeSpec spec;
  spec.lines_per_record = 3;
  CHECK(blocks_of(spec, seq(1, 10)) == Texts{seq(1, 9), "10\n"});
  CHECK(blocks_of(spec, seq(1, 9)) == Texts{seq(1, 9)});
  spec.block_bytes = 10;
  CHECK(blocks_of(spec, seq(1, 20)) ==
        Texts{seq(1, 3), seq(4, 6), seq(7, 9), seq(10, 12), seq(13, 15), seq(16, 18), seq(19, 20)});
  spec.records_per_block = 2;
  CHECK(blocks_of(spec, seq(1, 20)) == Texts{seq(1, 6), seq(7, 12), seq(13, 18), seq(19, 20)});
}

TEST_CASE("blocks: --header goes to each") {
  PipeSpec spec = by_size(4);
  spec.header = ":";
  CHECK(sized(spec, seq(1, 7)) == Texts{"1\n2\n3\n", "1\n4\n5\n", "1\n6\n7\n"});
  spec.header = "2";
  CHECK(sized(spec, seq(1, 7)) == Texts{"1\n2\n3\n4\n", "1\n2\n5\n6\n", "1\n2\n7\n"});
  spec.header = "(#.*\n)*";
  CHECK(sized(spec, "#h\n" + seq(1, 3)) == Texts{"#h\n1\n2\n", "#h\n3\n"});
  spec.header = "0";
  CHECK(sized(spec, seq(1, 2)) == Texts{"1\n2\n"});
  spec.header = ":";
  spec.records_per_block = 3;
  CHECK(blocks_of(spec, seq(1, 5)) == Texts{"1\n2\n3\n4\n", "1\n5\n"});
}

TEST_CASE("blocks: a header longer than --block, and one that is not there") {
  PipeSpec spec = by_size(3);
  spec.header = ".*\n.*\n.*\n.*\n";
  CHECK(sized(spec, seq(1, 6)) == Texts{seq(1, 4) + "5\n", seq(1, 4) + "6\n"});
  spec.block_bytes = 100;
  spec.header = "nothing";
  CHECK(sized(spec, seq(1, 6)) == Texts{seq(1, 6)});
  spec.header = ":";
  CHECK(sized(spec, "no newline") == Texts{"no newline"});
}

TEST_CASE("blocks: --remove-rec-sep") {
  PipeSpec spec = by_size(4);
  spec.remove_separator = true;
  CHECK(sized(cut_at(spec, "X", ""), "aXbXcXdXeX") == Texts{"ab", "cd", "e"});
  CHECK(sized(cut_at(spec, "", "X"), "XaXbXc") == Texts{"a", "b", "c"});
  CHECK(sized(cut_at(by_size(100), "+", ""), "a+b") == Texts{"a+b"});
  spec.block_bytes = 1000;
  CHECK(sized(spec, "a\nb\nc") == Texts{"abc"});
  CHECK(sized(cut_at(spec, "X\n", "b"), "baX\nbX\ncX\nbX\neX\n") == Texts{"aX\ncX\ne"});
  CHECK(sized(cut_at(spec, "X\n", "[b]", true), "baX\nbX\ncX\nbX\neX\n") == Texts{"aX\ncX\ne"});
  CHECK(sized(cut_at(spec, "[05]\n", "", true), "15\n26\n30\n") == Texts{"126\n3"});
  spec.records_per_block = 1;
  CHECK(blocks_of(cut_at(spec, "END\n", ""), "r1END\nr2END\n") == Texts{"r1", "r2"});
}

TEST_CASE("blocks: -r leaves out blank ones, and their numbers") {
  InputSpec input;
  input.no_run_if_empty = true;
  CHECK(blocks_of(cut_at(by_count(1), "]]", "[["), " [[A]][[ ]][[]][[B]][[]] ", input) ==
        Texts{" [[A]]", "[[B]]", "[[]] "});
  CHECK(blocks_of(by_size(2), "\n\n\n\na\nb\n", input) == Texts{"a\n", "b\n"});
  CHECK(ranges_of(by_size(2), "\n\n\n\na\nb\n", input) == Texts{"a\n", "b\n"});
  CHECK(blocks_of(by_count(1), "\n \n\ta\n", input) == Texts{"\ta\n"});
}

TEST_CASE("blocks: bytes of all kinds are kept") {
  std::string text;
  for (int i = 0; i < 256; ++i) text += static_cast<char>(i);
  text += text;
  CHECK(joined(sized(by_size(50), text)) == text);
  CHECK(joined(blocks_of(by_count(1), text)) == text);
}

TEST_CASE("blocks: bad specifications are refused") {
  CHECK_THROWS_AS(blocks_of(by_size(0), "a"), UsageError);
  CHECK_THROWS_AS(blocks_of(cut_at(by_size(9), "[05", "", true), "a"), UsageError);
  CHECK_THROWS_AS(blocks_of(cut_at(by_size(9), "", "(", true), "a"), UsageError);
  PipeSpec spec;
  spec.header = "(";
  CHECK_THROWS_AS(blocks_of(spec, "a"), UsageError);
  spec = {};
  spec.blocks_per_worker = 2;
  CHECK_THROWS_AS(blocks_of(spec, "a"), UsageError);
}

TEST_CASE("blocks: an empty record is a record") {
  CHECK(blocks_of(by_count(1), "\n\na\n\nb\n") == Texts{"\n", "\n", "a\n", "\n", "b\n"});
  CHECK(blocks_of(by_count(2), "\n\na\n") == Texts{"\n\n", "a\n"});
  CHECK(blocks_of(cut_at(by_count(1), "X", ""), "XaXX") == Texts{"X", "aX", "X"});
}

TEST_CASE("blocks: the header may be kept apart, for jobs that get several blocks") {
  for (const std::uint64_t records : {0U, 2U}) {
    for (const bool ranges : {false, true}) {
      PipeSpec spec = by_size(4);
      spec.mode = PipeSpec::Mode::kPipe;
      spec.records_per_block = records;
      spec.header = ":";
      const ipc::UniqueFd file = file_of("head\n" + seq(1, 5));
      const auto source = open_blocks(spec, {}, file.get(), {.ranges = ranges, .headers = false});
      CHECK(read_blocks(*source) == Texts{"1\n2\n", "3\n4\n", "5\n"});
      REQUIRE(source->header());
      CHECK(*source->header() == "head\n");
    }
  }
}

TEST_CASE("blocks: --skip-first-line leaves it out, before a header") {
  InputSpec input;
  input.skip_first_line = true;
  for (const std::uint64_t records : {0U, 2U}) {
    PipeSpec spec = by_size(4);
    spec.records_per_block = records;
    const std::string text = "not this\nhead\n" + seq(1, 3);
    CHECK(blocks_of(spec, text, input) == ranges_of(spec, text, input));
    spec.header = "1";
    CHECK(blocks_of(spec, text, input) == Texts{"head\n1\n2\n", "head\n3\n"});
    CHECK(ranges_of(spec, text, input) == Texts{"head\n1\n2\n", "head\n3\n"});
    CHECK(blocks_of(spec, "no newline", input).empty());
  }
}

TEST_CASE("blocks: --csv keeps rows together that have newlines in quotes") {
  InputSpec input;
  input.csv = true;
  const Texts rows{"a,\"b\nc\"\n", "\"x \"\"q\"\"\n\n\",2\n", "3,4"};
  CHECK(blocks_of(by_count(1), joined(rows), input) == rows);
  CHECK(ranges_of(by_size(12), joined(rows), input) == Texts{rows[0], rows[1], rows[2]});
}

TEST_CASE("blocks: --bin and --shard are given whole lines, whatever else is said") {
  PipeSpec spec = cut_at(by_size(5), "2", "3", true);
  spec.records_per_block = 1;
  spec.bin = "1";
  CHECK(blocks_of(spec, seq(1, 5)) == Texts{"1\n2\n", "3\n4\n", "5\n"});
}
