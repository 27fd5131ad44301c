#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "runner/input/input_source.h"
#include "support/input.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

SourceSpec linked(SourceSpec source) {
  source.linked = true;
  return source;
}

InputSpec link_all(std::vector<SourceSpec> sources) {
  InputSpec spec = input(std::move(sources));
  spec.link_all = true;
  return spec;
}

Records shuffled(std::uint64_t seed, std::size_t count) {
  std::vector<std::string> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::to_string(i);
  InputSpec spec = input({arguments(std::move(values))});
  spec.shuffle = true;
  spec.seed = seed;
  return read_all(std::move(spec));
}

}  // namespace

TEST_CASE("links: linked sources go in step, and end with the shortest") {
  CHECK(read_all(input({arguments({"a", "b", "c"}), linked(arguments({"1", "2"}))})) ==
        Records{{"a", "1"}, {"b", "2"}});
  CHECK(read_all(input({arguments({"a"}), linked(arguments({"1", "2"})),
                        linked(arguments({"X", "Y", "Z"}))})) == Records{{"a", "1", "X"}});
}

TEST_CASE("links: a linked group is one source of the product") {
  const auto ab = arguments({"a", "b"});
  const auto numbers = linked(arguments({"1", "2"}));
  const auto xy = arguments({"X", "Y"});
  CHECK(read_all(input({ab, numbers, xy})) ==
        Records{{"a", "1", "X"}, {"a", "1", "Y"}, {"b", "2", "X"}, {"b", "2", "Y"}});
  CHECK(read_all(input({xy, ab, numbers})) ==
        Records{{"X", "a", "1"}, {"X", "b", "2"}, {"Y", "a", "1"}, {"Y", "b", "2"}});
}

TEST_CASE("links: a first source that says it is linked stands alone") {
  CHECK(read_all(input({linked(arguments({"1", "2"})), arguments({"a"})})) ==
        Records{{"1", "a"}, {"2", "a"}});
}

TEST_CASE("links: a linked source without values counts as one empty value") {
  const auto none = arguments({});
  CHECK(read_all(input({none, linked(arguments({"1", "2"}))})) == Records{{"", "1"}});
  CHECK(read_all(input({arguments({"1", "2"}), linked(none)})) == Records{{"1", ""}});
  CHECK(read_all(input({none, linked(none)})).empty());
  CHECK(read_all(input({arguments({"a"}), none, linked(none)})) == Records{{"a", "", ""}});
}

TEST_CASE("links: --link begins the shorter sources again") {
  CHECK(read_all(link_all({arguments({"a", "b", "c"}), arguments({"1", "2"}), arguments({"X"})})) ==
        Records{{"a", "1", "X"}, {"b", "2", "X"}, {"c", "1", "X"}});
  CHECK(read_all(link_all({arguments({"a"}), arguments({"1", "2", "3"})})) ==
        Records{{"a", "1"}, {"a", "2"}, {"a", "3"}});
  CHECK(read_all(link_all({arguments({}), arguments({"1", "2"})})) ==
        Records{{"", "1"}, {"", "2"}});
  CHECK(read_all(link_all({arguments({}), arguments({})})).empty());
}

TEST_CASE("links: a linked pipe streams") {
  InputPipe pipe;
  auto source = open_input(link_all({arguments({"a", "b"}), pipe.source()}));
  Record record;
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  CHECK(source->wait_fd() >= 0);
  pipe.write("1\n2\n");
  REQUIRE(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"a", "1"});
  REQUIRE(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"b", "2"});
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  pipe.write("3\n");
  pipe.close();
  REQUIRE(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"a", "3"});
  CHECK(source->pull(&record) == Pull::kEnd);
}

TEST_CASE("links: columns of linked sources stand side by side") {
  InputSpec spec = input({arguments({"a,b", "c"}), linked(arguments({"1", "2,3"}))});
  spec.column_regex = ",";
  CHECK(read_all(std::move(spec)) == Records{{"a", "b", "1"}, {"c", "2", "3"}});
}

TEST_CASE("header: the first value of each source is a name") {
  std::vector<std::string> names;
  InputSpec spec = input({arguments({"f", "a"}), arguments({"g", "1", "2"})});
  spec.header = ":";
  auto source = open_input(std::move(spec), &names);
  CHECK(names == Values{"f", "g"});
  Record record;
  REQUIRE(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"a", "1"});
}

TEST_CASE("header: its columns are names, as they are") {
  std::vector<std::string> names;
  const InputFile file(" x, y\n 1, 2\n");
  InputSpec spec = input({file.source(), arguments({"z,u", "3"})});
  spec.header = ":";
  spec.column_regex = ",";
  spec.trim = {true, true};
  auto source = open_input(std::move(spec), &names);
  CHECK(names == Values{" x", " y", "z", "u"});
  Record record;
  REQUIRE(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"1", "2", "3"});
}

TEST_CASE("header: without a separator the columns are cut at tabs") {
  InputSpec spec = input({arguments({"x\ty", "1\t2"})});
  spec.header = "1";
  CHECK(read_all(std::move(spec)) == Records{{"1", "2"}});
}

TEST_CASE("header: no rule for values counts for it") {
  InputSpec spec = input({arguments({"END", "a", "END", "b"})});
  spec.header = ":";
  spec.end_marker = "END";
  CHECK(read_all(std::move(spec)) == Records{{"a"}});
}

TEST_CASE("header: 0 calls sources by their files and takes nothing off them") {
  std::vector<std::string> names;
  const InputFile file("1\n2\n");
  InputSpec spec = input({arguments({"f"}), file.source()});
  spec.header = "0";
  auto source = open_input(std::move(spec), &names);
  CHECK(names == Values{"", file.source().path});
  Record record;
  REQUIRE(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"f", "1"});
}

TEST_CASE("header: a source that ends with it has no values") {
  InputSpec spec = input({arguments({"f"}), arguments({"g", "1"})});
  spec.header = ":";
  CHECK(read_all(spec) == Records{{"", "1"}});
  spec.sources.pop_back();
  CHECK(read_all(spec).empty());
}

TEST_CASE("end marker: a source ends at it") {
  InputSpec spec = input({arguments({"a", "E", "b"}), arguments({"1", "2", "E"})});
  spec.end_marker = "E";
  CHECK(read_all(std::move(spec)) == Records{{"a", "1"}, {"a", "2"}});
}

TEST_CASE("skip first line: of the first source, whatever it is") {
  InputSpec spec = input({arguments({"", "a"}), arguments({"1", "2"})});
  spec.skip_first_line = true;
  spec.no_run_if_empty = true;
  CHECK(read_all(std::move(spec)) == Records{{"a", "1"}, {"a", "2"}});
}

TEST_CASE("continued lines: a blank at the end joins the next value") {
  const InputFile file("a b\nc \nd\t\ne\n\n f\ng ");
  InputSpec spec = input({file.source()});
  spec.continue_lines = true;
  CHECK(read_all(std::move(spec)) == Records{{"a b"}, {"c d\te"}, {""}, {" f"}, {"g "}});
}

TEST_CASE("continued lines: a carriage return continues nothing") {
  const InputFile file("a\r\nb\r\n");
  InputSpec spec = input({file.source()});
  spec.continue_lines = true;
  CHECK(read_all(std::move(spec)) == Records{{"a\r"}, {"b\r"}});
}

TEST_CASE("continued lines: a pipe may stop within one") {
  InputPipe pipe;
  InputSpec spec = input({pipe.source()});
  spec.continue_lines = true;
  auto source = open_input(std::move(spec));
  Record record;
  pipe.write("a \n");
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  pipe.write("b\n");
  REQUIRE(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"a b"});
}

TEST_CASE("stdin: sources that share a reader take turns") {
  const InputFile file("1\n2\n3\n4\n");
  const ipc::UniqueFd saved(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  const ipc::UniqueFd fd(::open(file.source().path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto records_of = [&](InputSpec spec) {
    REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
    REQUIRE(::dup2(fd.get(), STDIN_FILENO) == STDIN_FILENO);
    Records records = read_all(std::move(spec));
    REQUIRE(::dup2(saved.get(), STDIN_FILENO) == STDIN_FILENO);
    return records;
  };
  const SourceSpec dash{SourceSpec::Kind::kFile, {}, "-"};
  CHECK(records_of(input({dash, dash})) == Records{{"1", "2"}, {"1", "3"}, {"1", "4"}});
  CHECK(records_of(input({dash, linked(dash)})) == Records{{"1", "2"}, {"3", "4"}});
}

TEST_CASE("shuffle: every record once, in an order that the seed decides") {
  Records records = shuffled(7, 100);
  CHECK(records == shuffled(7, 100));
  CHECK(records != shuffled(8, 100));
  Records in_order = records;
  std::sort(in_order.begin(), in_order.end());
  CHECK(in_order != records);
  CHECK(std::unique(in_order.begin(), in_order.end()) == in_order.end());
  CHECK(shuffled(1, 0).empty());
}

TEST_CASE("shuffle: a seed's order never changes") {
  CHECK(shuffled(1, 5) == Records{{"2"}, {"1"}, {"4"}, {"3"}, {"0"}});
}

TEST_CASE("shuffle: combinations are shuffled, not the sources") {
  InputSpec spec = input({arguments({"a", "b", "c"}), arguments({"1", "2", "3", "4"})});
  const Records plain = read_all(spec);
  spec.shuffle = true;
  spec.seed = 3;
  Records records = read_all(spec);
  const auto first_is = [](const std::string& value) {
    return [value](const Values& record) { return record[0] == value; };
  };
  CHECK_FALSE(std::is_partitioned(records.begin(), records.end(), first_is("a")));
  std::sort(records.begin(), records.end());
  CHECK(records == plain);
}
