#include <string>

#include <doctest/doctest.h>

#include "runner/cli/run_options.h"
#include "support/options.h"

using namespace enjoin;
using namespace enjoin::test;

namespace {

RunOptions run_of(const Words& words) {
  return parse_command("run", words).run;
}

std::string run_error(const Words& words) {
  return refusal([&] { parse_command("run", words); });
}

}  // namespace

TEST_CASE("run options: without words it is pipeline.toml, all stages, recorded") {
  const RunOptions run = run_of({});
  CHECK(run.pipeline == "pipeline.toml");
  CHECK(run.graph.empty());
  CHECK(run.stages.empty());
  CHECK(run.record);
  CHECK(run.show == RunOptions::Show::kNothing);
}

TEST_CASE("run options: options and stages come in any order") {
  const RunOptions run = run_of({"align", "-j4", "--set", "ref=a=b", "call", "-f", "p.toml"});
  CHECK(run.stages == Words{"align", "call"});
  CHECK(run.batch.jobs_text == "4");
  CHECK(run.set == Words{"ref=a=b"});
  CHECK(run.pipeline == "p.toml");
  CHECK(run.words.size() == 7);
  CHECK(run_of({"--", "-x"}).stages == Words{"-x"});
}

TEST_CASE("run options: a .jsonl file or - is a graph") {
  CHECK(run_of({"jobs.jsonl"}).graph == "jobs.jsonl");
  CHECK(run_of({"-"}).graph == "-");
  CHECK(run_error({"a.jsonl", "b.jsonl"}) == "one graph is run at a time: a.jsonl or b.jsonl");
  CHECK(has(run_error({"a.jsonl", "stage"}), "stage is no stage of a.jsonl"));
  CHECK(has(run_error({"--only", "x", "-"}), "--only is about pipeline files"));
}

TEST_CASE("run options: the batch mode's output options are there") {
  const RunOptions run = run_of({"-k", "--tag", "--max-output=1K", "-v", "--joblog", "log"});
  CHECK(run.batch.keep_order);
  CHECK(run.batch.tag);
  CHECK(run.batch.max_output_bytes == 1024);
  CHECK(run.batch.verbose == Verbose::kToStdout);
  CHECK(run.batch.joblog_path == "log");
  CHECK(run_of({"-u"}).batch.output == OutputMode::kUngroup);
  CHECK(run_of({"--lb"}).batch.output == OutputMode::kLineBuffer);
  CHECK(run_error({"-u", "--lb"}) == "--ungroup and --line-buffer exclude each other");
}

TEST_CASE("run options: -n means --dry-run, and other unknown ones get the nearest") {
  CHECK(run_error({"-n"}) == "unknown option -n; did you mean --dry-run?");
  CHECK(run_error({"--keep-goin"}) == "no error");  // a beginning
  CHECK(run_error({"--dryrun"}) == "unknown option --dryrun; did you mean --dry-run?");
  CHECK(has(run_error({"--frobnicate"}), "enjoin run --help"));
  CHECK(has(run_error({"-Z"}), "unknown option -Z; enjoin run --help"));
  CHECK(has(run_error({"--keep"}), "write more of it"));
}

TEST_CASE("run options: values that are wrong are refused with the right form") {
  CHECK(run_error({"--set", "x"}) ==
        "--set 'x': expected the name of a variable and its value: NAME=VALUE");
  CHECK(run_error({"--graph=png"}) == "--graph 'png': expected dot or text");
  CHECK(run_error({"--db"}) == "--db needs a value: --db FILE");
  CHECK(run_error({"--db", "x", "--no-db"}) == "--db and --no-db exclude each other");
  CHECK(run_error({"--list=x"}) == "--list takes no value, but 'x' is given");
  CHECK(has(run_error({"-j", "x y/"}), "-j"));
}

TEST_CASE("run options: -j is that of the batch mode") {
  CHECK(run_of({"-j", "auto"}).batch.jobs_text == "auto");
  CHECK(run_of({"-j50%"}).batch.jobs_text == "50%");
}

TEST_CASE("run options: what shows and runs nothing") {
  using Show = RunOptions::Show;
  CHECK(run_of({"--dry-run"}).show == Show::kCommands);
  CHECK(run_of({"--graph"}).show == Show::kGraphDot);
  CHECK(run_of({"--graph=text"}).show == Show::kGraphText);
  CHECK(run_of({"--list"}).show == Show::kList);
}

TEST_CASE("run options: report has its own") {
  const ReportOptions report =
      parse_command("report", {"--run", "3", "--flaky", "--junit", "x.xml", "--db=r.db"}).report;
  CHECK(report.run == 3);
  CHECK(report.flaky);
  CHECK(report.junit == "x.xml");
  CHECK(report.database == "r.db");
  CHECK(has(refusal([] { parse_command("report", {"-j4"}); }), "enjoin report --help"));
  CHECK(has(refusal([] { parse_command("report", {"x"}); }), "takes no operands"));
}

TEST_CASE("run options: each command has help, and a program of its name is run otherwise") {
  for (const char* command : {"run", "resume", "report"}) {
    const CommandRequest asked = parse_command(command, {"--help"});
    CHECK(asked.action == CommandRequest::Action::kShow);
    CHECK(has(asked.text, std::string("Usage: enjoin ") + command));
    CHECK(has(asked.text, "--db FILE"));
    CHECK(has(refusal([&] {
                parse_command(command, {":::", "a"});
              }),
              std::string("enjoin -- ") + command));
  }
}
