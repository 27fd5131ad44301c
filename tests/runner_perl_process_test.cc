#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/values/perl_helper.h"

using enjoin::PerlHelper;
using enjoin::PerlMessage;

namespace {

using Strings = std::vector<std::string>;

PerlMessage message(const Strings& strings) {
  PerlMessage result(strings.front());
  for (std::size_t i = 1; i < strings.size(); ++i) result.add(strings[i]);
  return result;
}

Strings define(PerlHelper& perl, const std::string& code) {
  return perl.ask(message({"define", "0", code}));
}

/// Job 7 of 9 with the values a and b: what the expression makes of a.
Strings evaluate(PerlHelper& perl, const std::string& code) {
  REQUIRE(define(perl, code) == Strings{"ok"});
  return perl.ask(message({"job", "7", "9", "2", "a", "b", "0", "3", "a"}));
}

}  // namespace

TEST_CASE("perl: an expression changes $_ and sees the job") {
  PerlHelper perl(4);
  CHECK(evaluate(perl, "$_ .= '!'") == Strings{"ok", "qa!"});
  CHECK(evaluate(perl, "$_ = join ',', seq(), slot(), total_jobs(), @arg[1, 2]") ==
        Strings{"ok", "q7,3,9,a,b"});
  CHECK(evaluate(perl, "$_ = $job->seq() . $job->slot() . $job->total_jobs()") ==
        Strings{"ok", "q739"});
  CHECK(evaluate(perl, "undef $_") == Strings{"ok", "q"});
  CHECK(evaluate(perl, "uq(); $_ = '$x'") == Strings{"ok", "u$x"});
  CHECK(evaluate(perl, "skip()") == Strings{"skip", "qa"});
  CHECK(evaluate(perl, "$_ = Q(q(it's), '', 'a-b')") == Strings{"ok", "q'it'\"'\"'s' '' a-b"});
  CHECK(evaluate(perl, "$_ = pQ('$a\"')") == Strings{"ok", "q\\$a\\\""});
  CHECK(evaluate(perl, "$_ = $Global::max_jobs_running") == Strings{"ok", "q4"});
  CHECK(evaluate(perl, "# a comment") == Strings{"ok", "qa"});
  CHECK(evaluate(perl, "$_ = chr(228) . chr(8364)") == Strings{"ok", "q\xc3\xa4\xe2\x82\xac"});
}

TEST_CASE("perl: variables live on from job to job") {
  PerlHelper perl(1);
  CHECK(evaluate(perl, "$_ = ++$count") == Strings{"ok", "q1"});
  CHECK(evaluate(perl, "$_ = ++$count") == Strings{"ok", "q2"});
}

TEST_CASE("perl: what is wrong is an answer, and perl lives on") {
  PerlHelper perl(1);
  CHECK(define(perl, "$_ = = 1").front() == "error");
  REQUIRE(define(perl, "die qq(no\\n)") == Strings{"ok"});
  CHECK(perl.ask(message({"job", "1", "0", "1", "a", "0", "1", "a"})) == Strings{"error", "no"});
  CHECK(evaluate(perl, "$_ = 1") == Strings{"ok", "q1"});
}

TEST_CASE("perl: a test's code is true, false or wrong") {
  PerlHelper perl(1);
  const auto test = [&](const std::string& code) {
    return perl.ask(message({"test", "1", "0", "1", "5", code}));
  };
  CHECK(test("5 > 4") == Strings{"ok", "1"});
  CHECK(test("$arg[1] > 5") == Strings{"ok", ""});
  CHECK(test("a eq 'b'").front() == "error");
}

TEST_CASE("perl: many large questions at once do not lock up") {
  PerlHelper perl(1);
  REQUIRE(define(perl, "$_ .= $_") == Strings{"ok"});
  const std::string large(100'000, 'x');
  const std::vector<PerlMessage> questions(50,
                                           message({"job", "1", "0", "1", large, "0", "1", large}));
  const auto answers = perl.ask(questions);
  REQUIRE(answers.size() == questions.size());
  for (const Strings& answer : answers) CHECK(answer.at(1).size() == 200'001);
}

TEST_CASE("perl: an expression that ends perl is an error of its own") {
  PerlHelper perl(1);
  REQUIRE(define(perl, "kill 9, $$") == Strings{"ok"});
  CHECK_THROWS_AS(perl.ask(message({"job", "1", "0", "1", "a", "0", "1", "a"})), enjoin::Error);
}

TEST_CASE("perl: after exit nothing more is evaluated, and each answer says so") {
  PerlHelper perl(1);
  REQUIRE(define(perl, "$_ eq 'b' and exit 3; die 'no' if $_ eq 'c'") == Strings{"ok"});
  CHECK(perl.ask(message({"job", "1", "0", "1", "a", "0", "1", "a"})) == Strings{"ok", "qa"});
  CHECK(perl.ask(message({"job", "2", "0", "1", "b", "0", "1", "b"})) == Strings{"exit", "3"});
  CHECK(perl.ask(message({"job", "3", "0", "1", "c", "0", "1", "c"})) == Strings{"exit", "3"});
}
