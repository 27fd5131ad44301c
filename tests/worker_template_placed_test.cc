// Replacement strings of --plus, renamed ones, and places of computed strings.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "worker/template.h"
#include "worker/value_part.h"

using namespace enjoin;
using namespace std::string_literals;

namespace {

using Strings = std::vector<std::string>;
using Placed = TemplateSpec::Placed;

std::string line_of(const TemplateSpec& spec, const Strings& values, const Strings& computed = {},
                    JobNumbers numbers = {}) {
  const std::vector<std::string_view> all(values.begin(), values.end());
  const std::vector<std::string_view> strings(computed.begin(), computed.end());
  std::string line;
  Template::parse(spec).expand_line({.values = all, .computed = strings}, numbers, &line);
  return line;
}

std::optional<Strings> words_of(const TemplateSpec& spec, const Strings& values,
                                const Strings& computed) {
  const std::vector<std::string_view> all(values.begin(), values.end());
  const std::vector<std::string_view> strings(computed.begin(), computed.end());
  const Template command = Template::parse(spec);  // it owns words that argv points to
  Argv argv;
  if (!command.expand_argv({.values = all, .computed = strings}, {}, "bash", &argv)) {
    return std::nullopt;
  }
  return Strings(argv.words.begin(), argv.words.end() - 1);
}

TemplateSpec placed_spec(const std::string& word, std::vector<Placed> placed) {
  return {.words = {"echo", word}, .append_if_absent = false, .placed = std::move(placed)};
}

}  // namespace

TEST_CASE("template: --plus has more parts of paths") {
  const TemplateSpec spec{.words = {"{..}_{...}_{/..}_{/...}_{+/}_{+.}_{+..}_{+...}"},
                          .quote_values = false,
                          .plus = true};
  CHECK(line_of(spec, {"a/b.c.d.e"}) == "a/b.c_a/b_b.c_b_a_e_d.e_c.d.e");
  CHECK(line_of(spec, {"a"}) == "a_a_a_a____");
  CHECK(line_of(spec, {"b.c"}) == "b.c_b.c_b.c_b.c__c__");
  CHECK(line_of(spec, {"/"}) == "/_/______");
  CHECK(line_of(spec, {".a.b"}) == "_.a.b__.a.b__b_a.b_");
  CHECK(line_of(spec, {"a.b/c"}) == "a.b/c_a.b/c_c_c_a.b_b/c__");
  CHECK(line_of(spec, {"a/."}) == "a/._a/._._._a___");
  CHECK(line_of({.words = {"{2..} {-1+/}"}, .plus = true}, {"x", "d/y.a.b"}) == "d/y d");
  CHECK(line_of({.words = {"echo", "{..}"}}, {"a.b.c"}) == "echo {..} a.b.c");
}

TEST_CASE("template: a renamed replacement string goes by its new name only") {
  const TemplateSpec spec{.words = {"echo", "FOO {/} {1/} {b} {2b}"},
                          .renames = {{"{/}", "FOO"}, {"{.}", "{b}"}}};
  CHECK(line_of(spec, {"a/b.c", "d.e"}) == "echo b.c d.e {/} {1/} a/b d d");
  CHECK(line_of({.words = {"echo", "{}"}, .renames = {{"{/}", "{}"}}}, {"a/b"}) == "echo b");
}

TEST_CASE("template: a computed string stands at its place, quoted or as it is") {
  const TemplateSpec spec = placed_spec("<\0000\0>"s, {Placed{.position = 1}});
  CHECK(line_of(spec, {"v"}, {"qa b"}) == "echo <'a b'>");
  CHECK(line_of(spec, {"v"}, {"u$x"}) == "echo <$x>");
  CHECK(line_of(spec, {"v"}, {"q"}) == "echo <''>");
  CHECK(line_of(spec, {"v"}, {"n"}) == "echo <>");
  CHECK(line_of(spec, {"v"}, {}) == "echo <>");
}

TEST_CASE("template: computed strings for each value, and for each slot") {
  const TemplateSpec spec =
      placed_spec("\0000\0"s, {Placed{.first = 1, .first_per_value = 1, .slots = 2}});
  const Strings computed = {"qother", "q-", "q-", "qa1", "qa2", "qb1", "qb2"};
  CHECK(line_of(spec, {"a", "b"}, computed, {.slot = 1}) == "echo a1 b1");
  CHECK(line_of(spec, {"a", "b"}, computed, {.slot = 2}) == "echo a2 b2");
  TemplateSpec context = spec;
  context.spread = Spread::kContext;
  CHECK(line_of(context, {"a", "b"}, computed, {.slot = 2}) == "echo a2 b2");
}

TEST_CASE("template: words are made of computed strings without a shell where all are quoted") {
  const TemplateSpec whole = placed_spec("\0000\0"s, {Placed{.position = 1}});
  const TemplateSpec part = placed_spec("x\0000\0y"s, {Placed{}});
  CHECK(words_of(whole, {"v"}, {"qa b"}) == Strings{"echo", "a b"});
  CHECK(words_of(part, {"v"}, {"q$x"}) == Strings{"echo", "x$xy"});
  CHECK(words_of(part, {"v", "w"}, {"qa", "qb"}) == Strings{"echo", "xa", "by"});
  CHECK(words_of(whole, {"v"}, {"ua b"}) == Strings{"echo", "a", "b"});
  CHECK_FALSE(words_of(whole, {"v"}, {"u$x"}).has_value());
}

TEST_CASE("template: numbers with an offset and zeros") {
  const TemplateSpec spec =
      placed_spec("\0000\0 \0001\0"s, {Placed{.kind = Placed::Kind::kSeq, .offset = -1},
                                       Placed{.kind = Placed::Kind::kSlot, .width = 3}});
  CHECK(line_of(spec, {"v"}, {}, {.seq = 12, .slot = 4}) == "echo 11 004");
  CHECK(words_of(spec, {"v"}, {}) == Strings{"echo", "0", "001"});
}

TEST_CASE("template: a NUL byte that marks no place is refused") {
  CHECK_THROWS_AS(Template::parse({.words = {"a\0b"s}}), Error);
  CHECK_THROWS_AS(Template::parse({.words = {"a\0007\0b"s}}), Error);
}
