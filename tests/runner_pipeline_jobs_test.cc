#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/pipeline/pipeline_jobs.h"
#include "runner/pipeline/stage_selection.h"
#include "support/folder.h"

using namespace enjoin;
using Texts = std::vector<std::string>;

namespace {

/// The jobs of a pipeline, all of whose stages have their items at once.
class Jobs {
 public:
  explicit Jobs(const std::string& text) : jobs(read_pipeline(text, "p.toml", {})) {
    for (const std::size_t stage : in_order_of_needs(jobs.file())) jobs.expand_at_once(stage);
  }

  std::size_t stage(const std::string& name) const { return jobs.file().find_stage(name).value(); }
  std::uint32_t count(const std::string& name) const {
    return jobs.items().items(stage(name)).table.rows();
  }
  Texts names(const std::string& stage) const {
    return each(stage, [&](JobPlace job) { return jobs.name(job); });
  }
  Texts commands(const std::string& stage) const {
    return each(stage, [&](JobPlace job) { return jobs.command(job); });
  }
  std::string command(const std::string& name) const { return jobs.command({stage(name), 0}); }
  JobPlace job(const std::string& name, std::uint32_t item = 0) const {
    return {stage(name), item};
  }
  JobRecipe recipe(const std::string& name, std::uint32_t item = 0) const {
    return jobs.recipe(job(name, item), {});
  }

  PipelineJobs jobs;

 private:
  template <typename Get>
  Texts each(const std::string& name, Get get) const {
    Texts texts;
    for (std::uint32_t item = 0; item < count(name); ++item) texts.push_back(get(job(name, item)));
    return texts;
  }
};

std::string error_of(const std::string& text) {
  try {
    const Jobs jobs(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string stage(const std::string& name, const std::string& keys, const std::string& run) {
  return "[[stage]]\nname = '" + name + "'\n" + keys + "\nrun = '''" + run + "'''\n";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("pipeline jobs: the product varies its last source fastest, and names the items") {
  const Jobs jobs(stage("s", "foreach = { a = ['x', 'y z'], b = [1, 2] }", "f {a} {b} {item}"));
  CHECK(jobs.names("s") == Texts{"s[x,1]", "s[x,2]", "s[y z,1]", "s[y z,2]"});
  CHECK(jobs.commands("s")[2] == "f 'y z' 1 'y z,1'");
}

TEST_CASE("pipeline jobs: linked sources go in step") {
  const Jobs jobs(stage("s",
                        "foreach = { linked = { a = ['x', 'y'], b = [1, 2] }, c = ['p', 'q'] }",
                        "f {a} {b} {c}"));
  CHECK(jobs.commands("s") == Texts{"f x 1 p", "f x 1 q", "f y 2 p", "f y 2 q"});
  CHECK(holds(error_of(stage("s", "foreach = { linked = { a = ['x', 'y'], b = [1] } }", "f {a}")),
              "p.toml:3:"));
}

TEST_CASE("pipeline jobs: a name that comes again gets a number") {
  const Jobs jobs(stage("s", "foreach = ['x', 'y', 'x', 'x']", "f {item}"));
  CHECK(jobs.names("s") == Texts{"s[x]", "s[y]", "s[x#2]", "s[x#3]"});
  CHECK(jobs.commands("s")[3] == "f x");
  CHECK(jobs.jobs.identity(jobs.job("s", 0)).key != jobs.jobs.identity(jobs.job("s", 2)).key);
}

TEST_CASE("pipeline jobs: tables bring columns, quoted ones in csv") {
  const test::Folder folder;
  folder.write("t.tsv", "\xef\xbb\xbfsample\tr1\r\n\ns1\t\"a b\"\r\ns2\t\n");
  folder.write("t.csv", "sample,text\n\"a,b\",\"two\nlines \"\"x\"\"\"\n");
  const Jobs jobs(
      stage("t", "foreach = { tsv = '" + folder.at("t.tsv") + "' }", "f {sample} {r1}") +
      stage("c", "foreach = { csv = '" + folder.at("t.csv") + "' }",
            "f {sample} {text} {missing}"));
  CHECK(jobs.names("t") == Texts{"t[s1]", "t[s2]"});
  CHECK(jobs.commands("t") == Texts{"f s1 '\"a b\"'", "f s2 ''"});
  CHECK(jobs.commands("c") == Texts{"f 'a,b' 'two\nlines \"x\"' {missing}"});
}

TEST_CASE("pipeline jobs: what is wrong in a table is told with its line") {
  const test::Folder folder;
  const auto error = [&folder](const std::string& table, const std::string& kind = "csv") {
    folder.write("t", table);
    return error_of(stage("s", "foreach = { " + kind + " = '" + folder.at("t") + "' }", "f"));
  };
  CHECK(holds(error(""), "the table is empty"));
  CHECK(holds(error("a,b\n1,2\n\n1\n"), "t:4: the row has 1 fields, but the header 2"));
  CHECK(holds(error("a,a\n"), "t:1: the column a comes twice"));
  CHECK(holds(error("a,\n"), "t:1: a column has no name"));
  CHECK(holds(error("a,out\n"), "t:1: the column out has the name of a replacement string"));
  CHECK(holds(error("a\n\"x\n"), "t:2: a quoted field"));
  CHECK(holds(error(std::string("a\nx\0y\n", 6), "tsv"), "t:2: the row holds a NUL byte"));
  CHECK(holds(error("a\n", "lines"), "") == true);
  std::filesystem::remove(folder.at("t"));
  CHECK(holds(error_of(stage("s", "foreach = { tsv = '" + folder.at("t") + "' }", "f")),
              "p.toml:3:"));
}

TEST_CASE("pipeline jobs: globs and lines; a glob without a match is an error") {
  const test::Folder folder;
  for (const char* const name : {"b.c", "a.c", "x.h"}) folder.write(name, "");
  folder.write("lines", "one\n\ntwo words\r\nthree");
  const std::string at = folder.path();
  const Jobs jobs(stage("g", "foreach = '" + at + "/*.c'", "cc {item}") +
                  stage("l", "foreach = { x = { lines = '" + at + "/lines' } }", "f {x}"));
  CHECK(jobs.commands("g") == Texts{"cc " + at + "/a.c", "cc " + at + "/b.c"});
  CHECK(jobs.commands("l") == Texts{"f one", "f 'two words'", "f three"});
  CHECK(holds(error_of(stage("g", "foreach = '" + at + "/*.x'", "cc {item}")),
              "p.toml:3:11: there is no path that matches " + at + "/*.x"));
}

TEST_CASE("pipeline jobs: needs_each goes by item, or by columns") {
  const Jobs jobs(
      stage("make", "foreach = { s = ['a', 'b'], n = [1, 2] }\noutputs = ['{s}{n}']", "f > {out}") +
      stage("next", "needs_each = 'make'\noutputs = ['{s}{n}.x']", "g {make.out} {out}") +
      stage("join", "needs_each = { stage = 'next', by = 's' }", "h {s} {next.outputs}") +
      stage("lists",
            "foreach = { t = ['b', 'a'], s = ['a', 'b'] }\n"
            "needs_each = { stage = 'next', by = 's' }",
            "h {t}{s} {next.outputs}"));
  CHECK(jobs.names("next") == Texts{"next[a,1]", "next[a,2]", "next[b,1]", "next[b,2]"});
  CHECK(jobs.commands("next")[2] == "g b1 b1.x");
  CHECK(jobs.names("join") == Texts{"join[a]", "join[b]"});
  CHECK(jobs.commands("join") == Texts{"h a a1.x a2.x", "h b b1.x b2.x"});
  CHECK(jobs.commands("lists")[0] == "h ba a1.x a2.x");
}

TEST_CASE("pipeline jobs: items that find no partner are an error") {
  const std::string made = stage("make", "foreach = { s = ['a', 'b'] }", "f");
  CHECK(holds(error_of(made + stage("x", "foreach = ['1']\nneeds_each = 'make'", "f")),
              "stage x: it has 1 item, but stage make has 2 items"));
  CHECK(holds(error_of(made + stage("x",
                                    "foreach = { s = ['a', 'c'] }\n"
                                    "needs_each = { stage = 'make', by = 's' }",
                                    "f")),
              "stage x: for its item c there is none in stage make with the same s"));
}

TEST_CASE("pipeline jobs: from goes through the jobs of a stage, with their columns") {
  const Jobs jobs(stage("a", "foreach = { s = ['x', 'y'] }\noutputs = ['{s}.bam']", "f > {out}") +
                  stage("b", "foreach = { from = 'a', chrom = [1, 'X'] }\nstdout = '{s}.{chrom}'",
                        "call {chrom} {a.out}") +
                  stage("c", "needs_each = { stage = 'b', by = 's' }", "cat {b.outputs}"));
  CHECK(jobs.names("b") == Texts{"b[x,1]", "b[x,X]", "b[y,1]", "b[y,X]"});
  CHECK(jobs.commands("b")[3] == "call X y.bam");
  CHECK(jobs.commands("c") == Texts{"cat x.1 x.X", "cat y.1 y.X"});
  CHECK(jobs.jobs.inputs(jobs.job("b", 2)) == Texts{"y.bam"});
  CHECK(jobs.jobs.outputs(jobs.job("b", 2)) == Texts{"y.1"});
}

TEST_CASE("pipeline jobs: all jobs of a stage in needs are meant by its outputs") {
  const Jobs jobs(stage("a", "foreach = ['x', 'y']\noutputs = ['{item}.o', '{item}.d']", "cc") +
                  stage("b", "needs = ['a']", "ld {a.outputs}"));
  CHECK(jobs.command("b") == "ld x.o x.d y.o y.d");
  CHECK(jobs.jobs.inputs(jobs.job("b")) == Texts{"x.o", "x.d", "y.o", "y.d"});
}

TEST_CASE("pipeline jobs: argv takes lists as words and quotes nothing") {
  const Jobs jobs(
      "vars.list = ['a b', 'c']\n[[stage]]\nname = 's'\n"
      "command = ['f', '{list}', 'x{list}', '$HOME', '{other}', '']\n");
  CHECK(jobs.recipe("s").argv == Texts{"f", "a b", "c", "xa b c", "$HOME", "{other}", ""});
  CHECK(jobs.command("s") == "f 'a b' c 'xa b c' '$HOME' '{other}' ''");
}

TEST_CASE("pipeline jobs: a recipe has all that the stage says") {
  const Jobs jobs(stage("s",
                        "foreach = ['i 1']\ncwd = 'd/{item}'\nstdin = '{item}.in'\n"
                        "stdout = 'o/{item}'\nstderr = '{out}.err'\nshell = 'bash -x'\n"
                        "leftovers = 'fail'\nisolate = 'pid'\nenv = { A = '{item}', B = false }",
                        "f {out}"));
  const JobRecipe recipe = jobs.recipe("s");
  CHECK(recipe.label == "s[i 1]");
  CHECK(recipe.shell == Texts{"bash", "-x"});
  CHECK(recipe.line == "f 'o/i 1'");
  CHECK(recipe.folder == "d/i 1");
  CHECK(recipe.stdin_path == "i 1.in");
  CHECK(recipe.stdout_path == "o/i 1");
  CHECK(recipe.stderr_path == "o/i 1.err");
  CHECK(recipe.environment == Texts{"A=i 1", "B"});
  CHECK(recipe.leftovers == Leftovers::kFail);
  CHECK(recipe.isolate == Isolate::kPid);
  CHECK(jobs.jobs.inputs(jobs.job("s")) == Texts{"d/i 1/i 1.in"});
  CHECK(jobs.jobs.outputs(jobs.job("s")) == Texts{"d/i 1/o/i 1"});
}

TEST_CASE("pipeline jobs: what the start brings is put in when the job starts") {
  const Jobs jobs("[pools]\ngpu = ['0', '1']\n" +
                  stage("s", "pool = 'gpu'\ncpus = 3\nmemory = ['1K', '2K']",
                        "f {gpu} {cpus} {memory} {attempt}"));
  const std::string gpu = "1";
  const JobRecipe recipe = jobs.jobs.recipe(
      jobs.job("s"), {.job = {}, .attempt = 2, .memory = 2048, .pool_values = {&gpu}});
  CHECK(recipe.line == "f 1 3 2048 2");
  CHECK(jobs.command("s") == "f '{gpu}' 3 1024 1");
}

TEST_CASE("pipeline jobs: the identity is that of the work, not of its resources") {
  const auto identity = [](const std::string& keys, const std::string& run) {
    const Jobs jobs(stage("s", keys, run));
    return jobs.jobs.identity(jobs.job("s"));
  };
  const Identity one = identity("cpus = 1\nattempts = 1", "f -t {cpus} {attempt}");
  CHECK(one == identity("cpus = 8\nattempts = 3\ntimeout = '1s'", "f -t {cpus} {attempt}"));
  const Identity other = identity("", "f -t 1 1");
  CHECK(one.key == other.key);
  CHECK(one.command != other.command);
  CHECK(one.command != identity("cwd = 'x'", "f -t {cpus} {attempt}").command);
  CHECK(one.command == identity("env = { A = '1' }", "f -t {cpus} {attempt}").command);
  CHECK(one.environment != identity("env = { A = '1' }", "f -t {cpus} {attempt}").environment);
  CHECK(one.input == 0);
}

TEST_CASE("pipeline jobs: outputs may be patterns, and wildcards in values are none") {
  const test::Folder folder;
  const Jobs jobs(stage("s",
                        "foreach = ['x', '[a]*']\ncwd = '" + folder.path() +
                            "'\noutputs = ['{item}.*', 'sub/*/{item}']",
                        "f") +
                  stage("t", "needs = ['s']\ncwd = '" + folder.path() + "'", "cat {s.outputs}"));
  const std::string at = folder.path() + '/';
  CHECK(jobs.jobs.outputs(jobs.job("s", 1)) == Texts{at + "\\[a]\\*.*", at + "sub/*"});
  const Identity before = jobs.jobs.identity(jobs.job("t"));
  for (const char* const name : {"x.2", "x.1", "[a]*.1", "a.1"}) folder.write(name, "");
  CHECK(jobs.jobs.outputs(jobs.job("s", 0)) == Texts{at + "x.1", at + "x.2", at + "sub/*"});
  CHECK(jobs.jobs.outputs(jobs.job("s", 1)) == Texts{at + "[a]*.1", at + "sub/*"});
  CHECK(jobs.command("t") == "cat x.1 x.2 'sub/*/x' '[a]*.1' 'sub/*/\\[a]\\*'");
  CHECK(jobs.jobs.identity(jobs.job("t")) == before);
}

TEST_CASE("pipeline jobs: paths of stages that run elsewhere are seen from the job's folder") {
  const std::string here = std::filesystem::current_path().string();
  const Jobs jobs(stage("a", "cwd = 'one'\noutputs = ['x']", "f") +
                  stage("b", "needs = ['a']", "cat {a.out}") +
                  stage("c", "needs = ['a']\ncwd = 'two'", "cat {a.out}") +
                  stage("d", "needs = ['a']\ncwd = 'one'", "cat {a.out}"));
  CHECK(jobs.command("b") == "cat one/x");
  CHECK(jobs.command("c") == "cat " + here + "/one/x");
  CHECK(jobs.command("d") == "cat x");
  CHECK(jobs.jobs.inputs(jobs.job("c")) == Texts{"one/x"});
}

TEST_CASE("pipeline jobs: two jobs of a stage must not write the same file") {
  const auto error = [](const std::string& keys) {
    const Jobs jobs(stage("s", keys, "f"));
    try {
      jobs.jobs.check_outputs(jobs.stage("s"));
    } catch (const Error& wrong) {
      return std::string(wrong.what());
    }
    return std::string();
  };
  const std::string items = "foreach = { a = ['x', 'y', 'x'], b = [1, 2] }\n";
  CHECK(error(items + "outputs = ['{a}.o']") ==
        "p.toml:4:12: s[x,1] and s[x,2] would both write x.o: put a column into its name that "
        "tells them apart");
  CHECK(holds(error(items + "stdout = '{a}{b}'"), "s[x,1] and s[x,1#2] would both write x1"));
  CHECK(error("foreach = { a = ['x', 'y'], b = [1, 2] }\noutputs = ['{a}{b}', '{a}.{b}']") == "");
  CHECK(error("foreach = ['x', 'y']\ncwd = '{item}'\noutputs = ['o{item}']") == "");
}
