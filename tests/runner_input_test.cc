#include <fcntl.h>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/input/input_source.h"
#include "runner/input/line_reader.h"
#include "support/input.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

/// The values of a file that holds `bytes`.
std::vector<std::string> values_of(std::string_view bytes, std::string delimiter = "\n",
                                   bool skip_blank = false) {
  const InputFile file(bytes);
  InputSpec spec = input({file.source()}, std::move(delimiter));
  spec.no_run_if_empty = skip_blank;
  std::vector<std::string> values;
  for (const auto& record : read_all(std::move(spec))) {
    REQUIRE(record.size() == 1);
    values.push_back(record[0]);
  }
  return values;
}

}  // namespace

TEST_CASE("input: lines become values") {
  CHECK(values_of("a\nb\nc\n") == Values{"a", "b", "c"});
}

TEST_CASE("input: the last value needs no delimiter") {
  CHECK(values_of("a\nb") == Values{"a", "b"});
  CHECK(values_of("b", std::string(1, '\0')) == Values{"b"});
}

TEST_CASE("input: no bytes make no value, and an empty line makes an empty one") {
  CHECK(values_of("").empty());
  CHECK(values_of("\n") == Values{""});
  CHECK(values_of("\n\na") == Values{"", "", "a"});
}

TEST_CASE("input: carriage returns, blanks and bytes that are no text stay") {
  CHECK(values_of("a\r\n b \t\n\xff\xfe\n") == Values{"a\r", " b \t", "\xff\xfe"});
}

TEST_CASE("input: -r skips values that are empty or white space") {
  CHECK(values_of("\n  \t\n a \n\r\n\nb", "\n", true) == Values{" a ", "b"});
}

TEST_CASE("input: -0 lets values hold newlines") {
  CHECK(values_of(std::string("a\nb\0c\0", 6), std::string(1, '\0')) == Values{"a\nb", "c"});
}

TEST_CASE("input: a delimiter of several bytes") {
  CHECK(values_of("aSEPbSEPSEPcSEP", "SEP") == Values{"a", "b", "", "c"});
  CHECK(values_of("aSEPbSE", "SEP") == Values{"a", "bSE"});
  CHECK(values_of("ab\n\ncd\n\n\nef", "\n\n") == Values{"ab", "cd", "\nef"});
}

TEST_CASE("input: with -d the newline at the end belongs to the last value, as in GNU parallel") {
  CHECK(values_of("a,b\n", ",") == Values{"a", "b\n"});
}

TEST_CASE("input: values and delimiters that straddle the buffer's end arrive whole") {
  // 12 and 13 bytes a value: no divisors of the buffer's size.
  std::string lines;
  std::string pairs;
  Values expected;
  for (int i = 0; i < 100000; ++i) {
    expected.push_back("value" + std::to_string(100000 + i));
    lines += expected.back() + "\n";
    pairs += expected.back() + "<>";
  }
  CHECK(values_of(lines) == expected);
  CHECK(values_of(pairs, "<>") == expected);
}

TEST_CASE("input: values of several megabytes arrive whole") {
  const std::string large(5 << 20, 'x');
  const std::string larger(9 << 20, 'y');
  CHECK(values_of("a\n" + large + "\nb\n" + larger) == Values{"a", large, "b", larger});
  CHECK(values_of(large + "::" + large + "::c", "::") == Values{large, large, "c"});
}

TEST_CASE("input: a value beyond the limit is an error that asks about the delimiter") {
  const InputFile file("a\n" + std::string(LineReader::kMaxValueBytes + 10, 'x'));
  const std::string message = error_of(input({file.source()}));
  CHECK(message.find(file.source().path + ":2: ") == 0);
  CHECK(message.find("is the delimiter right?") != std::string::npos);
}

TEST_CASE("input: a NUL byte in a line is an error that names the line and -0") {
  const InputFile file(std::string_view("a\nb\nc\0d\ne\n", 10));
  auto source = open_input(input({file.source()}));
  Record record;
  CHECK(source->pull(&record) == Pull::kRecord);
  CHECK(source->pull(&record) == Pull::kRecord);
  CHECK(record.values[0] == "b");
  try {
    source->pull(&record);
    FAIL("no error");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.find(file.source().path + ":3: ") == 0);
    CHECK(message.find("-0") != std::string::npos);
  }
}

TEST_CASE("input: a run never holds the value with the NUL byte") {
  const InputFile file(std::string_view("a\nb\nc\0d\ne\n", 10));
  LineReader reader(file.source().path, "\n");
  std::string_view value;
  CHECK(reader.pull(&value) == Pull::kRecord);
  CHECK(reader.peek_run() == "b\n");
}

TEST_CASE("input: runs and single values may be taken in turns") {
  const InputFile file("a\nbb\nc\nd");
  LineReader reader(file.source().path, "\n");
  std::string_view value;
  CHECK(reader.peek_run().empty());
  CHECK(reader.pull(&value) == Pull::kRecord);
  CHECK(reader.peek_run() == "bb\nc\n");
  reader.skip_run(3, 1);
  CHECK(reader.pull(&value) == Pull::kRecord);
  CHECK(value == "c");
  CHECK(reader.peek_run().empty());
  CHECK(reader.pull(&value) == Pull::kRecord);
  CHECK(value == "d");
  CHECK(reader.values() == 4);
}

TEST_CASE("input: a pipe without data would block, and delivers what came so far") {
  InputPipe pipe;
  auto source = open_input(input({pipe.source()}));
  Record record;
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  CHECK(source->wait_fd() >= 0);
  pipe.write("a\nb");
  CHECK(source->pull(&record) == Pull::kRecord);
  CHECK(record.values[0] == "a");
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  pipe.write("c\n");
  CHECK(source->pull(&record) == Pull::kRecord);
  CHECK(record.values[0] == "bc");
  pipe.close();
  CHECK(source->pull(&record) == Pull::kEnd);
  CHECK(source->pull(&record) == Pull::kEnd);
}

TEST_CASE("input: reading leaves the pipe's flags alone") {
  InputPipe pipe;
  LineReader reader(pipe.source().path, "\n");
  std::string_view value;
  CHECK(reader.pull(&value) == Pull::kWouldBlock);
  CHECK((::fcntl(reader.wait_fd(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("input: a file never makes the caller wait") {
  const InputFile file("a\n");
  CHECK(open_input(input({file.source()}))->wait_fd() == -1);
  CHECK(open_input(input({arguments({"a"})}))->wait_fd() == -1);
}

TEST_CASE("input: a newline in an argument stays inside its argument") {
  CHECK(read_all(input({arguments({"a\nb", "c"})})) == Records{{"a\nb"}, {"c"}});
}

TEST_CASE("input: several sources give the product, the last varying fastest") {
  const InputFile file("1\n2\n");
  CHECK(read_all(input({arguments({"a", "b"}), file.source()})) ==
        Records{{"a", "1"}, {"a", "2"}, {"b", "1"}, {"b", "2"}});
  CHECK(read_all(input({file.source(), arguments({"a", "b"}), arguments({"x", "y"})})) ==
        Records{{"1", "a", "x"},
                {"1", "a", "y"},
                {"1", "b", "x"},
                {"1", "b", "y"},
                {"2", "a", "x"},
                {"2", "a", "y"},
                {"2", "b", "x"},
                {"2", "b", "y"}});
}

TEST_CASE("input: a source without values counts as one empty value, unless all are without") {
  const InputFile empty("");
  CHECK(read_all(input({arguments({"a", "b"}), empty.source()})) == Records{{"a", ""}, {"b", ""}});
  CHECK(read_all(input({empty.source(), arguments({"a", "b"})})) == Records{{"", "a"}, {"", "b"}});
  CHECK(read_all(input({arguments({}), empty.source()})).empty());
  CHECK(read_all(input({arguments({})})).empty());
  CHECK(read_all(input({arguments({""})})) == Records{{""}});
}

TEST_CASE("input: -r skips blank values in each source of a product") {
  InputSpec spec = input({arguments({"", "a"}), arguments({"", "b", "c"})});
  spec.no_run_if_empty = true;
  CHECK(read_all(std::move(spec)) == Records{{"a", "b"}, {"a", "c"}});
  InputSpec blank = input({arguments({" ", "a"}), arguments({" "})});
  blank.no_run_if_empty = true;
  CHECK(read_all(std::move(blank)) == Records{{"a", ""}});
}

TEST_CASE("input: the first source of a product streams") {
  InputPipe pipe;
  auto source = open_input(input({pipe.source(), arguments({"x", "y"})}));
  Record record;
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  pipe.write("a\n");
  CHECK(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"a", "x"});
  CHECK(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"a", "y"});
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  pipe.close();
  CHECK(source->pull(&record) == Pull::kEnd);
}

TEST_CASE("input: a later source of a product may be a slow pipe") {
  InputPipe pipe;
  auto source = open_input(input({arguments({"a", "b"}), pipe.source()}));
  Record record;
  pipe.write("1\n");
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  CHECK(source->wait_fd() >= 0);
  pipe.write("2\n");
  pipe.close();
  CHECK(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"a", "1"});
  CHECK(source->wait_fd() == -1);
}

TEST_CASE("input: errors name the file and the reason") {
  const SourceSpec missing{SourceSpec::Kind::kFile, {}, "/nonexistent/inputs"};
  CHECK(error_of(input({missing})) ==
        "cannot open the input file /nonexistent/inputs: No such file or directory");
  const SourceSpec folder{SourceSpec::Kind::kFile, {}, "/"};
  CHECK(error_of(input({folder})) == "cannot read inputs from /: Is a directory");
}

TEST_CASE("input: an empty delimiter is refused") {
  const InputFile file("a\n");
  CHECK(error_of(input({file.source()}, "")).find("delimiter") != std::string::npos);
}
