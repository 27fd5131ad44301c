#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/pipeline/pipeline_file.h"

using namespace enjoin;

namespace {

PipelineFile read(const std::string& text, const std::vector<std::string>& settings = {}) {
  return read_pipeline(text, "p.toml", settings);
}

/// What is wrong with a file, a line for each complaint.
std::string errors_of(const std::string& text, const std::vector<std::string>& settings = {}) {
  try {
    read(text, settings);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The same of a file with one good stage before.
std::string stage_errors(const std::string& text) {
  return errors_of("[[stage]]\nname = 'a'\nrun = 'true'\n" + text);
}

/// "lit<echo >column<r1>…": how a text was read.
std::string pieces_of(const PipeText& text) {
  constexpr const char* kNames[] = {"",       "values",  "column",    "maybe",         "item",
                                    "out",    "outputs", "stage_out", "stage_outputs", "cpus",
                                    "memory", "attempt", "pool"};
  std::string all;
  for (const TextPiece& piece : text.pieces) {
    all += kNames[static_cast<std::size_t>(piece.kind)];
    if (piece.as_file) all += "@file";
    all += "<" + piece.text;
    for (const std::string& value : piece.values) all += "[" + value + "]";
    all += ">";
  }
  return all;
}

std::string run_of(const std::string& head, const std::string& stage, const std::string& run) {
  const PipelineFile file =
      read(head + "\n[[stage]]\nname = 'x'\n" + stage + "\nrun = '''" + run + "'''\n");
  return pieces_of(*file.stages.back().run);
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kGenome = R"(
vars.ref = "hg38.fa"
[defaults]
shell = "bash -euo pipefail"        # the default for pipelines
[[stage]]
name = "index"
run = "bwa index {ref}"
[[stage]]
name = "trim"
foreach = { tsv = "samples.tsv" }   # header columns become names
run = "fastp -i {r1} -o {out}"
outputs = ["trim/{sample}.fq"]
[[stage]]
name = "align"
needs = ["index"]
needs_each = "trim"                 # item k starts when item k is done
cpus = 4
memory = ["8G", "16G"]              # escalates by attempt
attempts = 2
run = "bwa mem -t {cpus} {ref} {trim.out} | samtools sort -o {out}"
outputs = ["{sample}.bam"]
[[stage]]
name = "call"
foreach = { from = "align", chrom = ["1", "X"] }
run = "bcftools mpileup -r {chrom} -f {ref} {align.out} | bcftools call -mv"
stdout = "{sample}.{chrom}.vcf"
[[stage]]
name = "merge"
needs_each = { stage = "call", by = "sample" }   # gathers
run = "bcftools concat -f {call.outputs@file} -o {out}"
outputs = ["{sample}.vcf"]
)";

}  // namespace

TEST_CASE("pipeline file: stages with items, gathers and escalating memory are read whole") {
  const PipelineFile file = read(kGenome);
  REQUIRE(file.stages.size() == 5);
  CHECK(file.warnings.empty());
  CHECK(pieces_of(*file.stages[0].run) == "<bwa index >values<ref[hg38.fa]>");
  CHECK(file.stages[0].shell == std::vector<std::string>{"bash", "-euo", "pipefail"});
  CHECK_FALSE(file.stages[0].is_many());

  const PipelineStage& trim = file.stages[1];
  CHECK(trim.is_many());
  CHECK(trim.more_columns);
  CHECK(trim.foreach[0][0].delimiter == '\t');
  CHECK(pieces_of(*trim.run) == "<fastp -i >maybe<r1>< -o >out<>");

  const PipelineStage& align = file.stages[2];
  CHECK(align.needs == std::vector<std::size_t>{0});
  REQUIRE(align.needs_each.size() == 1);
  CHECK(align.needs_each[0].stage == 1);
  CHECK(align.memory == std::vector<std::uint64_t>{8ULL << 30, 16ULL << 30});
  CHECK(align.attempts == 2);
  CHECK(align.cpus == 4);
  CHECK(align.more_columns);

  const PipelineStage& call = file.stages[3];
  REQUIRE(call.foreach.size() == 2);
  CHECK(call.foreach[0][0].kind == ForeachSource::Kind::kStage);
  CHECK(call.foreach[0][0].stage == 2);
  CHECK(call.foreach[1][0].name == "chrom");
  CHECK(call.columns == std::vector<std::string>{"chrom"});
  CHECK(pieces_of(call.stdout_path) == "maybe<sample><.>column<chrom><.vcf>");

  const PipelineStage& merge = file.stages[4];
  CHECK(merge.columns == std::vector<std::string>{"sample"});
  CHECK_FALSE(merge.more_columns);
  CHECK(pieces_of(*merge.run) == "<bcftools concat -f >stage_outputs@file<>< -o >out<>");
}

TEST_CASE("pipeline file: all keys of a stage are taken") {
  const PipelineFile file = read(R"(
[pools]
net = 3
gpu = ["0", "1"]
[[stage]]
name = "s"
command = ["prog", "{gpu}", 7]
env = { A = "x{item}", N = 5, GONE = false }
cwd = "work"
stdin = "{item}"
stdout = "{item}.o"
stderr = "{item}.e"
timeout = "1m30s"
attempts = { times = 3, delay = "10s", backoff = 2 }
jobs = 8
pool = ["net", "gpu"]
cpus = 2
memory = 1024
leftovers = "report"
isolate = true
allow_failure = true
when = "always"
inputs = ["*.h"]
foreach = "src/*.c"
)");
  const PipelineStage& stage = file.stages[0];
  CHECK(pieces_of(stage.command[1]) == "pool<>");
  CHECK(stage.command[2].source == "7");
  REQUIRE(stage.env.size() == 3);
  CHECK(pieces_of(*stage.env[0].second) == "<x>item<>");
  CHECK(stage.env[1].second->source == "5");
  CHECK_FALSE(stage.env[2].second.has_value());
  CHECK(stage.cwd.source == "work");
  CHECK(pieces_of(stage.stdin_path) == "item<>");
  CHECK(stage.timeout == std::chrono::seconds(90));
  CHECK(stage.attempts == 3);
  CHECK(stage.retry_delay == std::chrono::seconds(10));
  CHECK(stage.retry_backoff == doctest::Approx(2));
  CHECK(stage.most_running == 8);
  CHECK(stage.pools == std::vector<std::size_t>{0, 1});
  CHECK(file.pools[0].limit == 3);
  CHECK(file.pools[1].values == std::vector<std::string>{"0", "1"});
  CHECK(stage.memory == std::vector<std::uint64_t>{1024});
  CHECK(stage.leftovers == Leftovers::kReport);
  CHECK(stage.isolate == Isolate::kPid);
  CHECK(stage.allow_failure);
  CHECK(stage.when == When::kAlways);
  CHECK(stage.foreach[0][0].kind == ForeachSource::Kind::kGlob);
}

TEST_CASE("pipeline file: defaults hold for stages that do not say otherwise, env by name") {
  const PipelineFile file = read(R"(
defaults = { shell = ["dash", "-e"], timeout = 5, env = { A = "1", B = "2" } }
stage = [ { name = "a", run = "true" },
          { name = "b", run = "true", timeout = 7, shell = "sh", env = { B = "3" } } ]
)");
  CHECK(file.stages[0].shell == std::vector<std::string>{"dash", "-e"});
  CHECK(file.stages[0].timeout == std::chrono::seconds(5));
  CHECK(file.stages[1].shell == std::vector<std::string>{"sh"});
  CHECK(file.stages[1].timeout == std::chrono::seconds(7));
  REQUIRE(file.stages[1].env.size() == 2);
  CHECK(file.stages[1].env[0].second->source == "1");
  CHECK(file.stages[1].env[1].second->source == "3");
}

TEST_CASE("pipeline file: products keep the order of the file, linked sources go in step") {
  const PipelineFile file = read(R"(
[[stage]]
name = "s"
run = "true"
foreach = { z = [1, 0.5, true], linked = { b = { lines = "f" }, a = { command = "ls" } }, glob = ["*.x"] }
)");
  const auto& product = file.stages[0].foreach;
  REQUIRE(product.size() == 3);
  CHECK(product[0][0].items[1].source == "0.5");
  REQUIRE(product[1].size() == 2);
  CHECK(product[1][0].name == "b");
  CHECK(product[1][0].kind == ForeachSource::Kind::kLines);
  CHECK(product[1][1].kind == ForeachSource::Kind::kCommand);
  CHECK(product[2][0].name.empty());
  CHECK(file.stages[0].columns == std::vector<std::string>{"z", "b", "a"});
}

TEST_CASE("pipeline file: braces that nothing declares stay literal") {
  CHECK(run_of("", "", "awk '{print $1}' {} {a,b} ${HOME} {") ==
        "<awk '{print $1}' {} {a,b} ${HOME} {>");
  CHECK(run_of("vars.x = 'v'", "", "${x} {x} {{x}} {x {x}") ==
        "<${x} >values<x[v]>< {>values<x[v]><} {x >values<x[v]>");
}

TEST_CASE("pipeline file: a variable that is a list can be items, words and a file") {
  const PipelineFile file = read(
      "vars.l = ['1', 'X']\n[[stage]]\nname = 'a'\nforeach = { c = ['{l}', 'y'] }\n"
      "run = 'f {l} {l@file} {c}'\n");
  REQUIRE(file.stages[0].foreach[0][0].items.size() == 3);
  CHECK(pieces_of(file.stages[0].foreach[0][0].items[1]) == "values<l[X]>");
  CHECK(pieces_of(*file.stages[0].run) == "<f >values<l[1][X]>< >values@file<l[1][X]>< >column<c>");
}

TEST_CASE("pipeline file: --set changes a variable that is there") {
  const std::string head = "vars.x = 'old'\n[[stage]]\nname = 'a'\nrun = '{x}'\n";
  CHECK(pieces_of(*read(head, {"x=a=b"}).stages[0].run) == "values<x[a=b]>");
  CHECK(errors_of(head, {"y=1", "x", "=x"}) ==
        "p.toml: --set =x: expected NAME=VALUE\n"
        "p.toml: --set x: expected NAME=VALUE\n"
        "p.toml: --set y=1: there is no variable 'y'; did you mean 'x'?");
}

TEST_CASE("pipeline file: no TOML is told with its place") {
  CHECK(holds(errors_of("[[stage]]\nname = \n"), "p.toml:2:8: "));
  CHECK(holds(errors_of("a = 1\na = 2\n"), "p.toml:2:5: "));
  // toml++ 3.3 asserts here.
  CHECK(errors_of("a = 1\n[ =]\nb = 2\n") == "p.toml:2:1: this is no key, table or value");
  CHECK(errors_of("") == "p.toml:1:1: there is no stage: each begins with [[stage]]");
}

TEST_CASE("pipeline file: all that is wrong is told at once, in the order of the file") {
  CHECK(errors_of(R"([default]
cpus = 1
[[stage]]
name = "a"
cpus = "four"
attempt = 2
needs = ["c"]
run = "x"
[[stage]]
name = "a"
run = "y"
command = ["y"]
timeout = "1x"
)") == "p.toml:1:2: the file has no key 'default'; did you mean 'defaults'?\n"
       "p.toml:5:8: 'cpus' is a string: expected a whole number from 1 to 65536\n"
       "p.toml:6:1: a stage has no key 'attempt'; did you mean 'attempts'?\n"
       "p.toml:7:10: there is no stage 'c'; did you mean 'a'?\n"
       "p.toml:10:8: stage 'a' has both 'run' and 'command': keep one\n"
       "p.toml:10:8: stage 'a' is there twice: the first is in line 4\n"
       "p.toml:13:11: 'timeout' is '1x': expected seconds, or a sum such as 1.5, 90s, 2m, 1h30m, "
       "1d");
}

TEST_CASE("pipeline file: stages in a ring are named, each ring once") {
  CHECK(errors_of("[[stage]]\nname='a'\nrun='x'\nneeds=['b']\n"
                  "[[stage]]\nname='b'\nrun='x'\nneeds_each='c'\n"
                  "[[stage]]\nname='c'\nrun='x'\nforeach={from='a'}\n"
                  "[[stage]]\nname='d'\nrun='x'\nneeds='d'\n") ==
        "p.toml:12:15: stages need each other in a ring: 'a' needs 'b', 'b' needs 'c', 'c' needs "
        "'a'\n"
        "p.toml:16:7: stage 'd' needs itself");
}

TEST_CASE("pipeline file: replacement strings must have something to stand for") {
  const auto error = [](const std::string& stage, const std::string& run) {
    return stage_errors("[[stage]]\nname = 'x'\nrun = '''" + run + "'''\n" + stage);
  };
  CHECK(holds(error("", "{item}"), "p.toml:6:7: {item}: the stage has no items"));
  CHECK(holds(error("", "{out}"), "{out}: the stage declares no outputs"));
  CHECK(holds(error("", "{memory}"), "{memory}: the stage asks for no memory"));
  CHECK(holds(error("", "{a.out}"), "{a.out}: the stage does not need 'a': add it to 'needs'"));
  CHECK(holds(error("needs = 'a'", "{a.out}"), "stage 'a' declares no outputs"));
  CHECK(holds(error("", "{b.out}"), "{b.out}: there is no stage 'b'; did you mean 'a'?"));
  CHECK(holds(error("", "{x.out}"), "is the stage itself"));
  CHECK(holds(error("foreach = ['1']", "{item@file}"), "@file is for lists"));
  CHECK(holds(error("outputs = ['{attempt}']", "x"), "known when a job starts, too late for"));
  CHECK(holds(error("outputs = ['{out}']", "x"), "a job's outputs are not for its 'inputs'"));
  CHECK(holds(error("foreach = ['1', '{item}']", "x"), "in 'foreach' only variables are known"));
  CHECK(holds(error("foreach = ['1']\noutputs = ['o']", "x"),
              "all jobs of stage 'x' would write 'o'"));
  CHECK(holds(stage_errors("outputs = ['o']\n[[stage]]\nname='b'\nrun='x'\noutputs = ['o']\n"),
              "p.toml:8:12: 'o' is an output twice: the first is in line 4"));
  CHECK(holds(stage_errors("foreach=['1']\nstdout='{item}'\n[[stage]]\nname='b'\nneeds='a'\n"
                           "run='{a.out}'\n"),
              "the job may need several jobs of 'a': write {a.outputs}"));
}

TEST_CASE("pipeline file: names that would be two things are refused") {
  CHECK(holds(errors_of("vars.item = 'x'\n"), "'item' cannot be a variable: it is a replacement"));
  CHECK(holds(errors_of("vars.'a b' = 'x'\n"), "'a b' cannot be a variable: a name is made of"));
  CHECK(holds(errors_of("vars.c = 'x'\n[[stage]]\nname='a'\nrun='x'\nforeach={c=['1']}\n"),
              "p.toml:5:10: 'c' is a column and a variable (line 1): rename one"));
  CHECK(holds(errors_of("vars.g = 'x'\npools.g = ['1']\n"), "'g' is a pool with values and a"));
  CHECK(holds(stage_errors("foreach={c=['1']}\n[[stage]]\nname='b'\nrun='x'\n"
                           "foreach={from='a', c=['1']}\n"),
              "the column 'c' is there twice"));
  CHECK(holds(stage_errors("[[stage]]\nname='a/b'\nrun='x'\n"), "stage 'a/b': a name is made of"));
}

TEST_CASE("pipeline file: needs_each and from want a stage with items, by a column of it") {
  CHECK(holds(stage_errors("[[stage]]\nname='b'\nrun='x'\nneeds_each='a'\n"),
              "p.toml:7:12: stage 'a' has no items, only one job: write needs = [\"a\"]"));
  CHECK(holds(stage_errors("[[stage]]\nname='b'\nrun='x'\nforeach={from='a'}\n"),
              "stage 'a' has no items to go through"));
  CHECK(holds(stage_errors("foreach={sample=['1']}\n[[stage]]\nname='b'\nrun='x'\n"
                           "needs_each={stage='a',by='samplex'}\n"),
              "stage 'a' has no column 'samplex'; did you mean 'sample'?"));
}

TEST_CASE("pipeline file: a name that is nearly one of ours is warned of") {
  const PipelineFile file =
      read("[[stage]]\nname='a'\nrun='echo {samplex} {print}'\nforeach={sample=['1']}\n");
  REQUIRE(file.warnings.size() == 1);
  CHECK(file.warnings[0] ==
        "p.toml:3:5: {samplex} stays as it is: it is no name here; did you mean 'sample'?");
}

TEST_CASE("pipeline file: values of the wrong kind say what is expected") {
  CHECK(holds(stage_errors("env='x'\n"), "'env' is a string: expected a table"));
  CHECK(holds(stage_errors("env={'a=b'='x'}\n"), "cannot be a variable of the environment"));
  CHECK(holds(stage_errors("when='never'\n"), "expected one of success, failure, always"));
  CHECK(holds(stage_errors("memory=[]\n"), "'memory' is empty"));
  CHECK(holds(stage_errors("memory=0\n"), "'memory' is 0: expected a size"));
  CHECK(holds(stage_errors("timeout=-1\n"), "'timeout' is '-1': expected seconds"));
  CHECK(holds(stage_errors("attempts={time=1}\n"), "did you mean 'times'?"));
  CHECK(holds(stage_errors("attempts={backoff=0.5}\n"), "expected a factor from 1 to 1000"));
  CHECK(holds(stage_errors("outputs=['a', 3]\n"), "'outputs' is an integer: expected a string"));
  CHECK(holds(stage_errors("pool='gpu'\n"), "there is no pool 'gpu'"));
  CHECK(holds(stage_errors("isolate='pit'\n"), "expected one of none, pid; did you mean 'pid'?"));
  CHECK(holds(stage_errors("foreach={c={globb='x'}}\n"), "did you mean 'glob'?"));
  CHECK(holds(stage_errors("foreach={}\n"), "'foreach' is empty"));
  CHECK(holds(stage_errors("foreach=3\n"), "'foreach' is an integer: expected a pattern"));
  CHECK(holds(stage_errors("foreach={s={tsv='f'}}\n"), "brings names of its own"));
  CHECK(holds(stage_errors("stdout=\"a\\u0000b\"\n"), "holds a NUL character"));
  CHECK(holds(stage_errors("[defaults]\nrun='x'\n"), "'run' cannot be in [defaults]"));
  CHECK(holds(stage_errors("[[stage]]\nname=''\nrun='x'\n"), "p.toml:5:6: 'name' is empty"));
  CHECK(holds(errors_of("[stage]\nname='a'\n"), "'stage' is a table: expected [[stage]]"));
}
