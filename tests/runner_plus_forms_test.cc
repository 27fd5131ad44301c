// Expected results were compared with what GNU parallel 20221122 gives.

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/values/plus_forms.h"

using enjoin::PlusForm;
using enjoin::read_plus_form;
using enjoin::ValueContext;

namespace {

std::string apply(std::string_view form, std::string_view value) {
  const PlusForm read = read_plus_form(form);
  REQUIRE(read.size == form.size());
  ValueContext context{.value = value};
  std::string result;
  read.evaluate(context, &result);
  return result;
}

bool skips(std::string_view form, const std::vector<std::string_view>& values) {
  ValueContext context{.value = values.front(), .values = values};
  std::string result;
  read_plus_form(form).evaluate(context, &result);
  CHECK(result == values.front());
  return context.skip;
}

std::string number(std::string_view form, std::uint64_t seq, std::uint64_t total) {
  ValueContext context{.seq = seq, .total = total};
  std::string result;
  read_plus_form(form).evaluate(context, &result);
  return result;
}

}  // namespace

TEST_CASE("plus forms: a default stands for nothing and for 0") {
  CHECK(apply("{:-x y}", "") == "x y");
  CHECK(apply("{:-x}", "0") == "x");
  CHECK(apply("{:-x}", "00") == "00");
  CHECK(apply("{:-2}", "") == "2");
}

TEST_CASE("plus forms: parts by place count bytes") {
  CHECK(apply("{:2}", "abcdef") == "cdef");
  CHECK(apply("{:0}", "abc") == "abc");
  CHECK(apply("{:9}", "abc").empty());
  CHECK(apply("{:2:2}", "abcdef") == "cd");
  CHECK(apply("{:1:9}", "abc") == "bc");
}

TEST_CASE("plus forms: what is cut off at the begin and the end") {
  CHECK(apply("{#a*}", "aaa/b") == "aaa/b");
  CHECK(apply("{##a*}", "aaa/b") == "/b");
  CHECK(apply("{#z.*z.}", "z.z.z.foo") == "z.foo");
  CHECK(apply("{##z.*z.}", "z.z.z.foo") == "foo");
  CHECK(apply("{%.z.z}", "foo.z.z.z") == "foo.z");
  CHECK(apply("{%%.z.*z}", "foo.z.z.z") == "foo");
  CHECK(apply("{%b+}", "abbb") == "abb");
  CHECK(apply("{%%b+}", "abbb") == "a");
  CHECK(apply("{%.x}", "q") == "q");
  CHECK(apply("{#a+?}", "aab") == "ab");
  CHECK(apply("{#[a]*b}", "aab").empty());
}

TEST_CASE("plus forms: a group or a choice of one's own changes what stays") {
  CHECK(apply("{#(a|b)+}", "aaa/b") == "a");
  CHECK(apply("{#a|b}", "xb") == "x");
  CHECK(apply("{%a|b}", "xa") == "x");
}

TEST_CASE("plus forms: replacing once and everywhere, with text that is just text") {
  CHECK(apply("{/a/b}", "aaa") == "baa");
  CHECK(apply("{//a/b}", "aaa") == "bbb");
  CHECK(apply("{//a/}", "banana") == "bnn");
  CHECK(apply("{/(a+)/<$1>}", "aab") == "<$1>b");
  CHECK(apply(R"({//a/\U$1})", "ab") == R"(\U$1b)");
  CHECK(apply("{/a$/x}", "aa") == "ax");
  CHECK(apply("{/$/x}", "aa") == "aax");
  CHECK(apply("{//x*/-}", "xb") == "--b-");
  CHECK(apply("{//b*/-}", "bxbbx") == "--x--x-");
}

TEST_CASE("plus forms: upper and lower case of ASCII letters") {
  CHECK(apply("{^a}", "abca") == "Abca");
  CHECK(apply("{^^[a-c]}", "abdc") == "ABdC");
  CHECK(apply("{,A}", "bA") == "bA");
  CHECK(apply("{,,[A-C]}", "ABDC") == "abDc");
  CHECK(apply("{^^.}", "\xc3\xa4z") == "\xc3\xa4Z");
}

TEST_CASE("plus forms: jobs are left out by their values' order and sameness") {
  CHECK_FALSE(skips("{choose_k}", {"a", "b", "c"}));
  CHECK(skips("{choose_k}", {"a", "c", "b"}));
  CHECK(skips("{choose_k}", {"a", "a"}));
  CHECK_FALSE(skips("{uniq}", {"b", "a", "c"}));
  CHECK(skips("{uniq}", {"a", "b", "a"}));
}

TEST_CASE("plus forms: the number of jobs, and numbers as wide as it") {
  CHECK(number("{##}", 3, 120) == "120");
  CHECK(number("{0#}", 3, 120) == "003");
  CHECK(number("{0#}", 3, 9) == "3");
  CHECK(read_plus_form("{##}").needs_total);
  CHECK(read_plus_form("{0#}").needs_total);
  CHECK_FALSE(read_plus_form("{%%x}").needs_total);
}

TEST_CASE("plus forms: a position says which value") {
  CHECK(read_plus_form("{2%.x}").position == 2);
  CHECK(read_plus_form("{-1:1}").position == -1);
  CHECK(read_plus_form("{:1:1}").position == 0);
}

TEST_CASE("plus forms: other text is none of them") {
  for (const char* text : {"{}", "{.}", "{/}", "{//}", "{/x}", "{^}", "{#}", "{%}", "{:}", "{:-}",
                           "{:x}", "{:1:x}", "{#x", "x", "{foo}", "{/.}", "{1}", "{#}{##}"}) {
    INFO(text);
    CHECK(read_plus_form(text).size == 0);
  }
  CHECK(read_plus_form("{%x} {%y}").size == 4);
}

TEST_CASE("plus forms: a wrong regular expression is refused") {
  CHECK_THROWS_AS(read_plus_form("{%(}"), enjoin::Error);
}
