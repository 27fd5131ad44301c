#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "worker/decorate.h"
#include "worker/latest_line.h"
#include "worker/result_path.h"
#include "worker/result_row.h"

using enjoin::append_folder_name;
using enjoin::append_heading;
using enjoin::append_row;
using enjoin::result_folder;
using enjoin::ResultRow;
using enjoin::Table;

namespace {

std::string name_of(std::string_view value) {
  std::string name;
  append_folder_name(value, &name);
  return name;
}

std::string folder_of(std::string_view root, const std::vector<std::string_view>& values,
                      std::uint32_t columns, const std::vector<std::string>& names = {}) {
  std::string folder;
  result_folder(root, names, values, columns, &folder);
  return folder;
}

std::string row_of(Table table, const ResultRow& row) {
  std::string text;
  append_row(table, row, &text);
  return text;
}

std::string heading_of(Table table, std::size_t values,
                       const std::vector<std::string>& names = {}) {
  std::string text;
  append_heading(table, names, values, &text);
  return text;
}

}  // namespace

TEST_CASE("result path: plain values are their own names") {
  CHECK(name_of("a b'c&é") == "a b'c&é");
}

TEST_CASE("result path: what would be a path or a lost blank is escaped") {
  CHECK(name_of("a/b\\c\td") == "a\\_b\\\\c\\td");
}

TEST_CASE("result path: no value leads out of the tree") {
  CHECK(name_of("..") == "\\..");
  CHECK(name_of(".") == "\\.");
  CHECK(name_of("...") == "...");
}

TEST_CASE("result path: names are cut to what file systems take") {
  CHECK(name_of(std::string(300, 'x')) == std::string(255, 'x'));
  CHECK(name_of(std::string(300, '/')).size() == 255);
}

TEST_CASE("result path: a number and a value for each input") {
  CHECK(folder_of("out", {"I", "III"}, 2) == "out/1/I/2/III/");
  CHECK(folder_of("out/", {"I"}, 1) == "out/1/I/");
}

TEST_CASE("result path: several records come one after the other") {
  CHECK(folder_of("o", {"a", "b", "c"}, 1) == "o/1/a/1/b/1/c/");
}

TEST_CASE("result path: an empty value is no folder, no values are GNU parallel's noarg") {
  CHECK(folder_of("o", {"", "x"}, 2) == "o/1/2/x/");
  CHECK(folder_of("o", {}, 1) == "o/1/\\0noarg/");
}

TEST_CASE("result path: names of sources come sorted") {
  CHECK(folder_of("o", {"1", "2"}, 2, {"b", "a"}) == "o/a/2/b/1/");
  CHECK(folder_of("o", {"1", "2", "3"}, 3, {"b", ""}) == "o/b/1/2/2/3/3/");
}

TEST_CASE("result row: a comma separated row quotes only what needs it") {
  const std::string_view values[] = {"a\"b,c", "x"};
  const ResultRow row{.seq = 2,
                      .start_ns = 1'795'365'377'923'400'000,
                      .wall_ns = 12'600'000,
                      .bytes_in = 3,
                      .bytes_out = 10,
                      .exit_value = 2,
                      .signal = 0,
                      .command = "echo x",
                      .values = values,
                      .out = "o\n",
                      .err = ""};
  CHECK(row_of(Table::kCsv, row) ==
        "2,:,1795365377.923,0.013,3,10,2,0,\"echo x\",\"a\"\"b,c\",x,\"o\n\",\n");
  CHECK(row_of(Table::kTsv, row) ==
        "2\t:\t1795365377.923\t0.013\t3\t10\t2\t0\t\"echo x\"\t\"a\"\"b,c\"\tx\t\"o\n\"\t\n");
}

TEST_CASE("result row: JSON escapes quotes, backslashes and control characters alone") {
  const std::string_view values[] = {"\\", "\xff/"};
  const ResultRow row{
      .seq = 1, .command = "\"", .values = values, .out = std::string_view("\0\x1f\x7f", 3)};
  CHECK(row_of(Table::kJson, row) ==
        "{ \"Seq\": 1, \"Host\": \":\", \"Starttime\": 0.000, \"JobRuntime\": 0.000, \"Send\": 0, "
        "\"Receive\": 0, \"Exitval\": 0, \"Signal\": 0, \"Command\": \"\\\"\", \"V\": [ "
        "\"\\\\\",\"\xff/\" ], \"Stdout\": \"\\u0000\\u001f\x7f\", \"Stderr\": \"\" }\n");
}

TEST_CASE("result row: JSON without values has an empty list") {
  CHECK(row_of(Table::kJson, {}).find("\"V\": [  ]") != std::string::npos);
}

TEST_CASE("result row: the heading names the values") {
  CHECK(heading_of(Table::kCsv, 2) ==
        "Seq,Host,Starttime,JobRuntime,Send,Receive,Exitval,Signal,Command,V1,V2,Stdout,Stderr\n");
  CHECK(heading_of(Table::kTsv, 2, {"a b", "c"}).find("\tCommand\t\"a b\"\tc\tStdout\t") !=
        std::string::npos);
  CHECK(heading_of(Table::kJson, 2).empty());
}

TEST_CASE("colours: lines begin and end theirs, and a last line without an end gets one") {
  enjoin::LineTagger tagger(enjoin::line_style(nullptr, 0));
  std::string out;
  tagger.append("x\ny", &out);
  tagger.finish(&out);
  CHECK(out == "\033[48;5;134;38;5;231m\033[Kx\033[m\n\033[48;5;134;38;5;231m\033[Ky\033[m\n");
}

TEST_CASE("colours: the tag is coloured with its line, and jobs have different ones") {
  const std::string tag = "t";
  CHECK(enjoin::line_style(&tag, 1).before == "\033[48;5;021;38;5;231m\033[Kt\t");
  CHECK(enjoin::line_style(nullptr, 1).before != enjoin::line_style(nullptr, 2).before);
  CHECK(enjoin::line_style(nullptr, enjoin::kAlarmColor).before == "\033[48;5;196;38;5;231m\033[K");
}

TEST_CASE("latest line: as much as fits, in columns and not in bytes") {
  CHECK(enjoin::fit_line("abcdef", 4) == "abcd");
  CHECK(enjoin::fit_line("é中x", 2) == "é中");
  CHECK(enjoin::fit_line("", 4).empty());
}

TEST_CASE("latest line: blanks for a TAB, nothing for control characters") {
  CHECK(enjoin::fit_line("a\tb", 20) == "a       b");
  CHECK(enjoin::fit_line("a\tb", 4) == "a   ");
  CHECK(enjoin::fit_line("a\033\r\x7f"
                         "b",
                         20) == "ab");
}
