#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/input/columns.h"
#include "runner/input/csv.h"
#include "support/input.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

Values cut(const std::string& regex, std::string_view value) {
  ColumnCutter cutter(regex);
  std::vector<std::string_view> columns = {"left over"};
  cutter.cut(value, &columns);
  return {columns.begin(), columns.end()};
}

using Csv = CsvParser::Result;

Values parsed(std::string_view row, std::string delimiter = ",") {
  CsvParser parser(std::move(delimiter));
  std::vector<std::string_view> fields;
  REQUIRE(parser.parse(row, &fields) == Csv::kRow);
  return {fields.begin(), fields.end()};
}

Csv refused(std::string_view row) {
  CsvParser parser(",");
  std::vector<std::string_view> fields;
  return parser.parse(row, &fields);
}

}  // namespace

TEST_CASE("columns: a separator cuts, and empty columns are kept") {
  CHECK(cut(",", "a,b") == Values{"a", "b"});
  CHECK(cut(",", ",a,,") == Values{"", "a", "", ""});
  CHECK(cut(",", "") == Values{""});
  CHECK(cut("XX", "aXXbXXXc") == Values{"a", "b", "Xc"});
  CHECK(cut(" +", "a   b") == Values{"a", "b"});
  CHECK(cut(" ", " a b") == Values{"", "a", "b"});
}

TEST_CASE("columns: groups are columns too, as in perl's split") {
  CHECK(cut("(,)", "a,b") == Values{"a", ",", "b"});
  CHECK(cut("(,)|(;)", "a;b") == Values{"a", "", ";", "b"});
}

TEST_CASE("columns: matches without bytes cut as in perl's split") {
  CHECK(cut("x*", "abc") == Values{"a", "b", "c", ""});
  CHECK(cut("b*", "xbby") == Values{"x", "y", ""});
  CHECK(cut("(?=b)", "abab") == Values{"a", "ba", "b"});
  CHECK(cut("^", "ab") == Values{"ab"});
  CHECK(cut("^", "a\nb") == Values{"a\n", "b"});
  CHECK(cut("|", "a|") == Values{"a", "|", ""});
}

TEST_CASE("columns: an expression that is only text is searched as text") {
  CHECK(literal_text(",") == ",");
  CHECK(literal_text("\\t") == "\t");
  CHECK(literal_text("\\|\\.") == "|.");
  CHECK(literal_text("a b") == "a b");
  for (const char* regex : {"", "a*", "\\s", "a|b", "[,]", "a.", "\\", "^"}) {
    CHECK_MESSAGE(!literal_text(regex), regex);
  }
}

TEST_CASE("columns: a bad expression is an error that names it and the place") {
  InputSpec spec = input({arguments({"a"})});
  spec.column_regex = "(,";
  CHECK(error_of(spec).find("'(,' of --colsep is not valid: missing closing parenthesis") !=
        std::string::npos);
}

TEST_CASE("columns: trimming takes white space off either end") {
  CHECK(trimmed(" \ta b\r\n", {true, true}) == "a b");
  CHECK(trimmed(" a ", {true, false}) == "a ");
  CHECK(trimmed(" a ", {false, true}) == " a");
  CHECK(trimmed(" ", {true, true}).empty());
  CHECK(trimmed("", {true, true}).empty());
}

TEST_CASE("columns: records may have different numbers of them") {
  InputSpec spec = input({arguments({"a,b", "c", ""}), arguments({"1,2", "3"})});
  spec.column_regex = ",";
  CHECK(read_all(std::move(spec)) == Records{{"a", "b", "1", "2"},
                                             {"a", "b", "3"},
                                             {"c", "1", "2"},
                                             {"c", "3"},
                                             {"", "1", "2"},
                                             {"", "3"}});
}

TEST_CASE("columns: each column is trimmed") {
  InputSpec spec = input({arguments({" a , b "})});
  spec.column_regex = ",";
  spec.trim = {true, true};
  CHECK(read_all(std::move(spec)) == Records{{"a", "b"}});
}

TEST_CASE("csv: fields, quotes and doubled quotes") {
  CHECK(parsed("a,b") == Values{"a", "b"});
  CHECK(parsed("a,\"b,c\",d") == Values{"a", "b,c", "d"});
  CHECK(parsed("\"e\"\"f\",\"\"\"\"") == Values{"e\"f", "\""});
  CHECK(parsed("\"\",,") == Values{"", "", ""});
  CHECK(parsed("") == Values{""});
  CHECK(parsed("\"a\nb\",c") == Values{"a\nb", "c"});
  CHECK(parsed(" a , b ") == Values{" a ", " b "});
  CHECK(parsed("a;\"b;c\"", ";") == Values{"a", "b;c"});
  CHECK(parsed("aXXb", "XX") == Values{"a", "b"});
}

TEST_CASE("csv: a carriage return at the end is part of the line end") {
  CHECK(parsed("a,b\r") == Values{"a", "b"});
  CHECK(parsed("a,\"b\"\r") == Values{"a", "b"});
}

TEST_CASE("csv: rows that are none are refused with the reason") {
  CHECK(refused("a,\"b") == Csv::kOpenQuote);
  CHECK(refused("a,\"b\"\"") == Csv::kOpenQuote);
  CHECK(refused("\"a\"b") == Csv::kTextAfterQuote);
  CHECK(refused("\"a\" ,b") == Csv::kTextAfterQuote);
  CHECK(refused("a,b\"c\"") == Csv::kQuoteInField);
}

TEST_CASE("csv: a quoted newline goes on in the next line of a file") {
  const InputFile file("a,\"b\nc\"\"\n\nd\"\ne,f\n");
  InputSpec spec = input({file.source()});
  spec.csv = true;
  CHECK(read_all(std::move(spec)) == Records{{"a", "b\nc\"\n\nd"}, {"e", "f"}});
}

TEST_CASE("csv: two files in step keep their fields") {
  const InputFile left("\"a\"\"1\",x\n\"a\"\"2\",y\n");
  const InputFile right("\"b\"\"1\"\n\"b\"\"2\"\n");
  SourceSpec second = right.source();
  second.linked = true;
  InputSpec spec = input({left.source(), second});
  spec.csv = true;
  CHECK(read_all(std::move(spec)) == Records{{"a\"1", "x", "b\"1"}, {"a\"2", "y", "b\"2"}});
}

TEST_CASE("csv: an error names the file and the line where the row begins") {
  const InputFile file("a\nb,\"c\nd\ne\n");
  InputSpec spec = input({file.source()});
  spec.csv = true;
  CHECK(error_of(spec) ==
        file.source().path + ":2: a quoted field of the CSV row that begins here is never closed");
  InputSpec in_argument = input({arguments({"a", "\"b\"c"})});
  in_argument.csv = true;
  CHECK(error_of(in_argument).find("argument 2 of :::: in the CSV row") == 0);
}

TEST_CASE("csv: a pipe may stop within a row") {
  InputPipe pipe;
  InputSpec spec = input({pipe.source()});
  spec.csv = true;
  auto source = open_input(std::move(spec));
  Record record;
  pipe.write("a,\"b\n");
  CHECK(source->pull(&record) == Pull::kWouldBlock);
  pipe.write("c\"\n");
  REQUIRE(source->pull(&record) == Pull::kRecord);
  CHECK(copy_of(record) == Values{"a", "b\nc"});
}

TEST_CASE("csv: a delimiter that CSV cannot have is refused") {
  InputSpec spec = input({arguments({"a"})});
  spec.csv = true;
  spec.column_regex = "\"";
  CHECK(error_of(spec).find("--colsep with --csv") == 0);
}
