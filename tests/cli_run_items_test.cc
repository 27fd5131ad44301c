// Pipelines whose items, files and lists are known only while they run.

#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

Ran run(const Sandbox& box, const std::string& pipeline, std::vector<std::string> words = {}) {
  box.write("pipeline.toml", pipeline);
  words.insert(words.begin(), {"run", "--quiet"});
  return box.enjoin(words);
}

}  // namespace

TEST_CASE("run: the files that a stage made are the items of the next") {
  const Sandbox box;
  const std::string pipeline = R"(
[[stage]]
name = "split"
run = "mkdir -p parts; for i in 1 2 3; do echo $i > parts/$i; done"
outputs = ["parts/?"]
[[stage]]
name = "double"
needs = ["split"]
foreach = "parts/?"
run = "echo $(( 2 * $(cat {item}) )) > {out}"
outputs = ["{item}.x2"]
[[stage]]
name = "sum"
needs = ["double"]
run = "cat {double.outputs} | paste -sd+"
)";
  const Ran first = run(box, pipeline);
  CAPTURE(first.err);
  CHECK(first.out == "2+4+6\n");
  CHECK(run(box, pipeline).out == "");
}

TEST_CASE("run: a failed attempt takes away what it made, and nothing that was there") {
  const Sandbox box;
  box.write("mine.csv", "precious");
  const Ran ran = run(box, R"(
[[stage]]
name = "export"
run = "touch new.csv; echo why >&2; false"
outputs = ["*.csv", "made/for/it"]
stderr = "logs/export/log"
)");
  CHECK(ran.status == 1);
  CHECK(box.read("mine.csv") == "precious");
  CHECK(!box.has("new.csv"));
  CHECK(box.read("logs/export/log") == "why\n");
}

TEST_CASE("run: a command of a running pipeline tells the items") {
  const Sandbox box;
  const Ran ran = run(box, R"(
[[stage]]
name = "tell"
run = "printf 'a b\n\nc\n' > names"
[[stage]]
name = "greet"
needs = ["tell"]
foreach = { name = { command = "cat names; echo last" } }
run = "echo hello {name}"
)");
  CHECK(sorted_lines(ran.out) == sorted_lines("hello a b\nhello c\nhello last\n"));
  CHECK(ran.status == 0);
}

TEST_CASE("run: items that cannot be had end the run with an error") {
  const Sandbox box;
  const Ran ran = run(box, R"(
[[stage]]
name = "first"
run = "echo first"
[[stage]]
name = "then"
needs = ["first"]
foreach = { name = { command = "exit 3" } }
run = "echo {name}"
)");
  CHECK(ran.out == "first\n");
  CHECK(ran.says("pipeline.toml:8:13: the command of foreach: it ended with exit status 3"));
  CHECK(ran.status == 255);
}

TEST_CASE("run: values reach the commands as they are, in any quotes") {
  const Sandbox box;
  box.write("table.csv", "name,text\n1,\"a  b'c\"\"d$HOME`id`\\\"\n");
  const Ran ran = run(box, R"(
[[stage]]
name = "say"
foreach = { csv = "table.csv" }
env = { TEXT = "{text}" }
run = '''
# don't mind {text}
printf '%s\n' {text} "{text}" '{text}' "$TEXT"
cat <<END
{text}
END
'''
[[stage]]
name = "words"
foreach = { csv = "table.csv" }
needs = ["say"]
command = ["printf", "%s\n", "{text}"]
)");
  std::string expected;
  for (int i = 0; i < 6; ++i) expected += "a  b'c\"d$HOME`id`\\\n";
  CHECK(ran.out == expected);
}

TEST_CASE("run: a list in a file, for a job in another folder") {
  const Sandbox box;
  const std::string pipeline = R"(
vars.words = ["one two", "three"]
[[stage]]
name = "make"
foreach = { n = [1, 2, 3], s = ["a"] }
run = "echo {n} > {out}"
outputs = ["made/{n}"]
[[stage]]
name = "place"
run = "mkdir -p else/where"
[[stage]]
name = "gather"
needs = ["place"]
needs_each = { stage = "make", by = "s" }
cwd = "else/where"
stdin = "{words@file}"
run = "cat; xargs cat < {make.outputs@file}"
)";
  CHECK(run(box, pipeline).out == "one two\nthree\n1\n2\n3\n");
  CHECK(run(box, pipeline).out == "");
}

TEST_CASE("run: an attempt that follows gets its own memory and number") {
  const Sandbox box;
  const Ran ran = run(box, R"(
[pools]
gpu = ["0"]
[[stage]]
name = "try"
attempts = 3
memory = ["1K", "2K"]
cpus = 2
pool = "gpu"
run = "echo {attempt} {memory} {cpus} {gpu} >> log; test {attempt} = 3"
)",
                      {"-j2"});
  CHECK(ran.status == 0);
  CHECK(box.read("log") == "1 1024 2 0\n2 2048 2 0\n3 2048 2 0\n");
}

TEST_CASE("run: one stage alone works on what others made before") {
  const Sandbox box;
  const std::string pipeline = R"(
[[stage]]
name = "make"
foreach = { n = [1, 2] }
run = "echo {n} >> log; echo {n} > {out}"
outputs = ["{n}.txt"]
[[stage]]
name = "use"
needs_each = "make"
run = "cat {make.out}"
)";
  CHECK(run(box, pipeline, {"make", "-j1"}).out == "");
  CHECK(run(box, pipeline, {"--only", "use", "-k"}).out == "1\n2\n");
  CHECK(box.read("log") == "1\n2\n");
  CHECK(run(box, pipeline, {"--only", "usee"}).says("did you mean use?"));
}
