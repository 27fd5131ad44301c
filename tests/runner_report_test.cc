#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/record/schema.h"
#include "runner/report/critical_path.h"
#include "runner/report/json_out.h"
#include "runner/report/junit.h"
#include "runner/report/report_reader.h"
#include "runner/report/report_text.h"
#include "support/cli.h"

using namespace enjoin;

namespace {

/// A record of two runs. The second, from time 1000 to 1010 on 2 CPUs: a, then b[1] and
/// b[2] that need a, of which b[2] is tried twice, then c, which fails; d is up to date.
class SomeRecord {
 public:
  SomeRecord() : record_(box_.path("r.db"), Database::Mode::kCreate) {
    record_.run("PRAGMA synchronous=OFF");
    record_.run(kSchema);
    record_.run(R"sql(
INSERT INTO runs VALUES
  (1, 'run', '["run"]', '/x', '0.1', 'host', 5, 500, 501, 1, 2, 1, 1, 0, 1, 0, 0),
  (2, 'run', '["run","-j2"]', '/x', '0.1', 'host', 6, 1000, 1010, 1, 2, 6, 3, 1, 1, 0, 1);
INSERT INTO stages VALUES
  (2, 0, 'a', '[]', 0, 1000, 1002, 1, 1, 0, 0, 0, 0),
  (2, 1, 'b', '["a"]', 0, 1002, 1007, 2, 2, 0, 0, 0, 0),
  (2, 2, 'c', '["b"]', 0, 1007, 1010, 1, 0, 0, 1, 0, 0),
  (2, 3, 'd', '[]', 0, 1000, 1000, 1, 0, 1, 0, 0, 0),
  (2, 4, 'e', '["c"]', 0, NULL, 1010, 1, 0, 0, 0, 0, 1);
INSERT INTO jobs VALUES
  (1, x'01', 1, 0, 0, 2, 'a', 'a', 'make a'),
  (2, x'02', 1, 0, 0, 3, 'b', 'b[1]', 'make b 1'),
  (3, x'03', 1, 0, 0, 5, 'b', 'b[2]', 'make b 2'),
  (4, x'04', 1, 0, 0, NULL, 'c', 'c', 'make c');
)sql");
    attempt(1, 1, 1, 1, 1, "failed", 500, 1);
    attempt(2, 2, 1, 1, 1, "succeeded", 1000, 2);
    attempt(3, 2, 2, 1, 1, "succeeded", 1002, 3);
    attempt(4, 2, 3, 1, 0, "failed", 1002, 1);
    attempt(5, 2, 3, 2, 1, "succeeded", 1003, 4);
    attempt(6, 2, 4, 1, 1, "failed", 1007, 3);
    record_.run(
        "INSERT INTO outputs VALUES (6, 1, 3, 'out', NULL), (6, 2, 11, 'one\ntwo\nend\n', NULL), "
        "(4, 2, 5, 'first', '/big');");
  }
  Database& get() { return record_; }

 private:
  void attempt(int id, int run, int job, int number, int is_final, const char* state,
               double started, double wall) {
    Statement insert = record_.prepare(
        "INSERT INTO attempts VALUES (?, ?, ?, ?3, ?, ?, ?, 'exited', ?, NULL, NULL, 0, NULL, ?, "
        "?, 0, 1, 0.5, 2048, 0, 0, 0, 0, 0, 0, 1)");
    const bool failed = std::string_view(state) == "failed";
    insert.bind(0, std::int64_t{id}).bind(1, std::int64_t{run}).bind(2, std::int64_t{job});
    insert.bind(3, std::int64_t{number}).bind(4, std::int64_t{is_final}).bind(5, state);
    insert.bind(6, std::int64_t{failed ? 3 : 0}).bind(7, started).bind(8, wall).run();
  }

  const enjoin::test::Sandbox box_;
  Database record_;
};

}  // namespace

TEST_CASE("report: the last run is meant, unless another is asked for") {
  SomeRecord record;
  ReportReader reader(record.get());
  CHECK(reader.find_run({}) == 2);
  CHECK(reader.find_run(1) == 1);
  CHECK_THROWS_WITH_AS(
      reader.find_run(7),
      ("run 7 is not recorded in " + record.get().path() + "; the last one is 2").c_str(), Error);
}

TEST_CASE("report: a record without runs is an error") {
  const enjoin::test::Sandbox box;
  Database record(box.path("r.db"), Database::Mode::kCreate);
  record.run(kSchema);
  ReportReader reader(record);
  CHECK_THROWS_WITH_AS(reader.find_run({}), ("no run is recorded in " + record.path()).c_str(),
                       Error);
}

TEST_CASE("report: what failed comes with what it wrote last") {
  SomeRecord record;
  const Report report = ReportReader(record.get()).read(2);
  CHECK(report.failed_in_all == 1);
  REQUIRE(report.failed.size() == 1);
  const AttemptFacts& failed = report.failed[0];
  CHECK(failed.name == "c");
  CHECK(failed.command == "make c");
  CHECK(failed.outcome == "exit status 3");
  CHECK(failed.text[0] == "out");
  CHECK(failed.text[1] == "one\ntwo\nend\n");
}

TEST_CASE("report: stages, sums and retries") {
  SomeRecord record;
  const Report report = ReportReader(record.get()).read(2);
  REQUIRE(report.stages.size() == 5);
  CHECK(report.stages[1].name == "b");
  CHECK(report.stages[1].needs == std::vector<std::string>{"a"});
  CHECK(report.stages[1].jobs == 2);
  CHECK(report.stages[1].attempts == 3);
  CHECK(report.stages[1].work == doctest::Approx(8));
  CHECK(report.stages[1].longest == doctest::Approx(4));
  CHECK(report.stages[1].max_rss == 2048);
  CHECK(report.stages[4].dropped == 1);
  CHECK(!report.stages[4].began);
  CHECK(report.work == doctest::Approx(13));
  CHECK(report.cpu == doctest::Approx(7.5));
  CHECK(report.retries.jobs == 1);
  CHECK(report.retries.passed == 1);
  CHECK(report.retries.lost == doctest::Approx(1));
  REQUIRE(report.slowest.size() == 5);
  CHECK(report.slowest[0].name == "b[2]");
}

TEST_CASE("report: the critical path goes back from what ended last") {
  SomeRecord record;
  const Report report = ReportReader(record.get()).read(2);
  REQUIRE(report.path.size() == 3);
  CHECK(report.path[0].stage == "a");
  CHECK(report.path[1].stage == "b");
  CHECK(report.path[1].jobs == 2);  // both attempts of b[2]
  CHECK(report.path[1].wall == doctest::Approx(5));
  CHECK(report.path[1].longest_name == "b[2]");
  CHECK(report.path[2].stage == "c");
  CHECK(report.path_work == doctest::Approx(10));
}

TEST_CASE("report: a critical path prefers what a stage needs to what ended at the same time") {
  const auto needs = [](std::uint32_t stage, std::uint32_t on) { return stage == 1 && on == 0; };
  const std::vector<TimedAttempt> path =
      find_critical_path({{.id = 1, .stage = 0, .started = 0, .ended = 1},
                          {.id = 2, .stage = 2, .started = 0.5, .ended = 1.001},
                          {.id = 3, .stage = 1, .started = 1.002, .ended = 3}},
                         needs);
  REQUIRE(path.size() == 2);
  CHECK(path[0].id == 1);
  CHECK(path[1].id == 3);
}

TEST_CASE("report: the critical path of nothing is empty") {
  CHECK(find_critical_path({}, [](auto, auto) { return true; }).empty());
}

TEST_CASE("report: flaky is what passed after it had failed, in one run or over all") {
  SomeRecord record;
  ReportReader reader(record.get());
  const std::vector<FlakyJob> all = reader.flaky({});
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "a");
  CHECK(all[0].last_failure.run == 1);
  CHECK(all[1].name == "b[2]");
  CHECK(all[1].failures == 1);
  CHECK(all[1].passes == 1);
  CHECK(all[1].last_failure.text[1] == "first");
  CHECK(all[1].last_failure.path[1] == "/big");
  REQUIRE(reader.flaky(2).size() == 1);
  CHECK(reader.flaky(2)[0].name == "b[2]");
  CHECK(reader.flaky(1).empty());
}

TEST_CASE("report: a run that was killed counts from its attempts") {
  SomeRecord record;
  record.get().run(
      "UPDATE runs SET ended = NULL, status = NULL, jobs = NULL, succeeded = NULL, failed = NULL "
      "WHERE run = 2; UPDATE stages SET ended = NULL, jobs = NULL, succeeded = NULL");
  const Report report = ReportReader(record.get()).read(2);
  CHECK(!report.run.ended);
  CHECK(report.run.last == doctest::Approx(1010));
  CHECK(report.run.succeeded == 3);
  CHECK(report.run.failed == 1);
  CHECK(report.stages[1].succeeded == 2);
  CHECK(report_text(report, "r.db").find("has not ended") != std::string::npos);
}

TEST_CASE("report: for people") {
  SomeRecord record;
  const std::string text = report_text(ReportReader(record.get()).read(2), "r.db");
  INFO(text);
  for (const char* part :
       {"Run 2 of r.db: enjoin run -j2\n", "took 10.0s, exit status 1\n",
        "  6 jobs: 3 done, 1 up to date, 1 failed, 1 not started\n",
        "\nFailed\n  c: exit status 3, after 3.0s\n    make c\n  | one\n  | two\n  | end\n",
        "\nStages\n", "\nSlowest\n", "Critical path: 10.0s of 10.0s",
        "1.3 jobs ran at once on average, of 2 (-j); they kept 0.8 CPUs busy: 7.5s in all\n",
        "1 job was tried again, 1 passed then; 1.0s went into attempts that failed\n"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("report: the command line can be given to a shell again") {
  SomeRecord record;
  record.get().run(R"(UPDATE runs SET arguments = '["run","--set","a=b c"]')");
  const std::string text = report_text(ReportReader(record.get()).read(2), "r.db");
  CHECK(text.starts_with("Run 2 of r.db: enjoin run --set 'a=b c'\n"));
}

TEST_CASE("report: jobs of the batch mode are called by their commands") {
  SomeRecord record;
  record.get().run("UPDATE runs SET mode = 'batch'");
  const std::string text = report_text(ReportReader(record.get()).read(2), "r.db");
  CHECK(text.find("\n  make b 2 ") != std::string::npos);
}

TEST_CASE("report: nothing of it reaches the terminal as control characters") {
  SomeRecord record;
  record.get().run(
      "UPDATE jobs SET name = char(27) || '[2J', command = char(7); "
      "UPDATE outputs SET text = char(27) || ']0;x' || char(7); "
      "UPDATE stages SET stage = stage || char(27); UPDATE runs SET folder = char(155)");
  ReportReader reader(record.get());
  const std::string text = report_text(reader.read(2), "\033r") + flaky_text(reader.flaky({}));
  CHECK(text.find('\033') == std::string::npos);
  CHECK(text.find('\007') == std::string::npos);
  CHECK(text.find("\xc2\x9b") == std::string::npos);
}

TEST_CASE("report: JSON holds the same") {
  SomeRecord record;
  ReportReader reader(record.get());
  const std::string json = report_json(reader.read(2), reader.flaky({}));
  INFO(json);
  for (const char* part :
       {"\"version\": 1", "\"arguments\": [\n      \"run\",\n      \"-j2\"\n    ]",
        "\"text\": \"one\\ntwo\\nend\\n\"", "\"critical_path\": {", "\"failures\": 1",
        "\"stage\": \"e\""}) {
    CAPTURE(part);
    CHECK(json.find(part) != std::string::npos);
  }
}

TEST_CASE("report: JSON text is escaped, and always UTF-8") {
  JsonOut out;
  out.begin_array().value("a\"\\\n\t\x01\x7f\xff\xc3\xa4").value(1.5).value(true).null();
  out.begin_object().end_object().end_array();
  CHECK(out.take() ==
        "[\n  \"a\\\"\\\\\\n\\t\\u0001\\u007f\xef\xbf\xbd\xc3\xa4\",\n  1.5,\n  true,\n  null,\n"
        "  {}\n]\n");
}

TEST_CASE("report: what is not UTF-8 is replaced byte by byte") {
  CHECK(valid_utf8("\xe2\x82\xac\xf0\x9f\x98\x80") == "\xe2\x82\xac\xf0\x9f\x98\x80");
  const std::string bad = "\xef\xbf\xbd";
  CHECK(valid_utf8("\xc0\x80") == bad + bad);
  CHECK(valid_utf8("\xed\xa0\x80") == bad + bad + bad);
  CHECK(valid_utf8("\xf4\x90\x80\x80") == bad + bad + bad + bad);
  CHECK(valid_utf8("\xe2\x82") == bad + bad);
}

TEST_CASE("report: JUnit has a suite for each stage and a case for each job") {
  SomeRecord record;
  ReportReader reader(record.get());
  const Report report = reader.read(2);
  JunitOut out(report.run);
  reader.each_attempt(2, [&](const AttemptFacts& attempt) { out.add(attempt); });
  CHECK(out.take() ==
        R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="enjoin" tests="4" failures="1" errors="0" time="13.000">
  <testsuite name="a" tests="1" failures="0" errors="0" time="2.000" timestamp="1970-01-01T00:16:40" hostname="host">
    <testcase name="a" classname="a" time="2.000">
    </testcase>
  </testsuite>
  <testsuite name="b" tests="2" failures="0" errors="0" time="8.000" timestamp="1970-01-01T00:16:42" hostname="host">
    <testcase name="b[1]" classname="b" time="3.000">
    </testcase>
    <testcase name="b[2]" classname="b" time="4.000">
      <flakyFailure message="exit status 3" type="failed">first</flakyFailure>
    </testcase>
  </testsuite>
  <testsuite name="c" tests="1" failures="1" errors="0" time="3.000" timestamp="1970-01-01T00:16:47" hostname="host">
    <testcase name="c" classname="c" time="3.000">
      <failure message="exit status 3" type="failed">one
two
end
</failure>
      <system-out>out</system-out>
      <system-err>one
two
end
</system-err>
    </testcase>
  </testsuite>
</testsuites>
)");
}

TEST_CASE("report: XML holds what XML can hold") {
  CHECK(xml_text("<a b=\"c\">&\n\t\r\x01\x1b[0m\xff ]]>") ==
        "&lt;a b=&quot;c&quot;&gt;&amp;\n\t&#13;\xef\xbf\xbd\xef\xbf\xbd[0m\xef\xbf\xbd ]]&gt;");
  CHECK(xml_attribute("a\n\t") == "a&#10;&#9;");
  CHECK(xml_text("\xef\xbf\xbf|") == "\xef\xbf\xbd|");
}

TEST_CASE("report: times are short") {
  CHECK(seconds_text(0) == "0s");
  CHECK(seconds_text(0.0123) == "12ms");
  CHECK(seconds_text(12.34) == "12.3s");
  CHECK(seconds_text(59.97) == "1m00s");
  CHECK(seconds_text(7200) == "2h00m");
}
