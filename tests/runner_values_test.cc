#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/values/definition.h"
#include "runner/values/evaluator.h"
#include "runner/values/resolver.h"

using namespace enjoin;
using namespace std::string_view_literals;

namespace {

using Strings = std::vector<std::string>;

/// The line of one job, of expressions that need no perl.
std::string line_of(TemplateSpec spec, const Strings& values, std::uint64_t seq = 1,
                    std::uint32_t slot = 1, std::uint64_t total = 0, std::uint32_t workers = 1) {
  Evaluator evaluator(workers);
  const Template command = Template::parse(evaluator.adopt(std::move(spec)));
  evaluator.begin();
  Evaluator::Candidate job;
  job.batch.seq = seq;
  job.batch.values = static_cast<std::uint32_t>(values.size());
  for (const std::string& value : values) job.batch.bytes.append(value).push_back('\0');
  evaluator.evaluate({&job, 1}, total);
  JobStrings strings;
  strings.cut(job.batch.bytes, job.batch.values);
  std::string line;
  command.expand_line(strings.inputs(1), {seq, slot}, &line);
  return line;
}

std::string plus_line(const std::string& word, const Strings& values) {
  return line_of({.words = {"echo", word}, .plus = true}, values);
}

}  // namespace

TEST_CASE("values: a template without anything to compute comes back as it is") {
  Evaluator evaluator(1);
  const TemplateSpec spec = evaluator.adopt({.words = {"echo", "{} {.} {2/}"}});
  CHECK(spec.words == Strings{"echo", "{} {.} {2/}"});
  CHECK(spec.placed.empty());
  CHECK_FALSE(evaluator.is_needed());
}

TEST_CASE("values: computed strings are quoted like values, for each or for one of them") {
  CHECK(plus_line("{%.c}", {"a b.c"}) == "echo 'a b'");
  CHECK(plus_line("x{%.c}y", {"1.c", "2.c"}) == "echo x1 2y");
  CHECK(plus_line("{2%.c}", {"1.c", "2.c"}) == "echo 2");
  CHECK(plus_line("{-1%.c}", {"1.c", "2.c"}) == "echo 2");
  CHECK(plus_line("_{3%.c}_", {"1.c", "2.c"}) == "echo __");
  CHECK(plus_line("{%.*}{/a/b}{%.*}", {"a.c"}) == "echo a.cb.ca.c");
}

TEST_CASE("values: under -X they are repeated with their context") {
  const TemplateSpec spec{.words = {"echo", "a{%.c}b"}, .spread = Spread::kContext, .plus = true};
  CHECK(line_of(spec, {"1.c", "2.c"}) == "echo a1b a2b");
}

TEST_CASE("values: numbers of the job, shifted and padded") {
  const TemplateSpec spec{.words = {"{0%}", "{0#}", "{##}", "{seq-1}", "{slot-1}", "{1##}."},
                          .plus = true};
  CHECK(line_of(spec, {"a"}, 7, 3, 120, 16) == "03 007 120 6 2 .");
}

TEST_CASE("values: shorthands for variables are left to the shell") {
  CHECK(plus_line("{slot} {2host}.", {"a", "b"}) == "echo ${PARALLEL_JOBSLOT} .");
}

TEST_CASE("values: names stand for positions, also within expressions") {
  const TemplateSpec spec{.words = {"echo", "{n a} {b.} {b/} {b//} {b/.} {c} {b..}"},
                          .names = {"n a", "b"}};
  CHECK(line_of(spec, {"1", "d/e.f"}) == "echo 1 d/e e.f d e {c} {b..}");
}

TEST_CASE("values: two templates share the strings of equal expressions") {
  Evaluator evaluator(1);
  const TemplateSpec one = evaluator.adopt({.words = {"{%x}"}, .plus = true});
  const TemplateSpec two = evaluator.adopt({.words = {"a{%y}b{%x}"}, .plus = true});
  CHECK(one.placed[0].first_per_value == two.placed[1].first_per_value);
  CHECK(one.placed[0].first_per_value != two.placed[0].first_per_value);
}

TEST_CASE("values: strings of a job's templates are found whatever its number of values") {
  Evaluator evaluator(1);
  const auto parse = [&](const char* word) {
    return Template::parse(evaluator.adopt({.words = {"echo", word}, .plus = true}));
  };
  const Template first = parse("{%a} {1#x}");
  const Template second = parse("{2%b}");
  for (const std::string_view bytes : {"xa\0qb\0"sv, "xa\0qb\0rc\0"sv}) {
    Evaluator::Candidate job;
    job.batch = {.seq = 1,
                 .bytes = std::string(bytes),
                 .values = static_cast<std::uint32_t>(bytes.size() / 3)};
    evaluator.evaluate({&job, 1}, 0);
    JobStrings strings;
    strings.cut(job.batch.bytes, job.batch.values);
    std::string line;
    first.expand_line(strings.inputs(1), {}, &line);
    CHECK(line == (bytes.size() == 6 ? "echo x qb a" : "echo x qb rc a"));
    second.expand_line(strings.inputs(1), {}, &line);
    CHECK(line == "echo q");
  }
}

TEST_CASE("values: an expression without end is refused") {
  Evaluator evaluator(1);
  CHECK_THROWS_AS(evaluator.adopt({.words = {"echo", "{= $_"}}), Error);
  CHECK_THROWS_AS(evaluator.adopt({.words = {"echo", "[[ $_", "=]"}, .perl_open = "[["}), Error);
}

TEST_CASE("values: whether a template differs from job to job") {
  CHECK(is_constant({.words = {"a/b"}, .append_if_absent = false}));
  CHECK_FALSE(is_constant({.words = {"a/{}"}}));
  CHECK_FALSE(is_constant({.words = {"a/{= 1 =}"}}));
  CHECK_FALSE(is_constant({.words = {"X"}, .definitions = {"X $_ = 1"}}));
  CHECK(is_constant({.words = {"{..} {=}"}, .append_if_absent = false}));
  CHECK_FALSE(is_constant({.words = {"{..}"}, .plus = true}));
}

TEST_CASE("definition: tag, expression and groups") {
  Definition plain("{x} $_ = 1");
  CHECK(plain.tag() == "{x}");
  CHECK(plain.code() == "$_ = 1");
  CHECK(plain.match("{x}y")->size == 3);
  CHECK(plain.match("{-2x}y")->position == -2);
  CHECK_FALSE(plain.match("a{x}").has_value());

  Definition groups("{%(.+?)/(.*?)} s/$$1/$$2/");
  const auto match = groups.match("{2%a.b/c}}");
  REQUIRE(match.has_value());
  CHECK(match->size == 9);
  CHECK(match->position == 2);
  CHECK(match->groups == Strings{"a.b", "c"});

  CHECK(Definition("{x} 1 $_ = seq()").position() == 1);
  CHECK(Definition("X").code().empty());
  CHECK_THROWS_AS(Definition("{(x} $_"), Error);
  CHECK_THROWS_AS(Definition(" $_"), Error);
}
