#include <csignal>
#include <sched.h>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

constexpr const char* kGenome = R"(vars.ref = "hg38.fa"
[defaults]
shell = "bash -euo pipefail"
[[stage]]
name = "index"
run = "bwa index {ref}"
[[stage]]
name = "trim"
foreach = { tsv = "samples.tsv" }
run = "fastp -i {r1} -o {out}"
outputs = ["trim/{sample}.fq"]
[[stage]]
name = "align"
needs = ["index"]
needs_each = "trim"
cpus = 4
memory = ["8G", "16G"]
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
needs_each = { stage = "call", by = "sample" }
run = "bcftools concat -f {call.outputs@file} -o {out}"
outputs = ["{sample}.vcf"]
)";

/// Stand-ins for the programs of the pipeline above. Each notes in `log` that it ran.
class GenomeBox {
 public:
  GenomeBox() {
    box.write("pipeline.toml", kGenome);
    box.write("hg38.fa", "genome\n");
    box.write("a.fq.gz", "reads a\n");
    box.write("b.fq.gz", "reads b\n");
    box.write("samples.tsv", "sample\tr1\na\ta.fq.gz\nb\tb.fq.gz\n");
    box.shell("mkdir tools");
    write_tool("bwa", R"(echo "bwa $1 $PWD" >>log
case $1 in
  index) cp "$2" "$2.bwt" ;;
  mem) test -e "$4.bwt"; echo "aligned with $3 cpus"; cat "$5" ;;
esac)");
    write_tool("fastp", "echo fastp >>log; sed 's/reads/trimmed/' \"$2\" >\"$4\"");
    write_tool("samtools", "cat >\"$3\"");
    write_tool("bcftools", R"(case $1 in
  mpileup) echo "piled $3"; cat "$6" ;;
  call) echo call >>log; sed 's/piled/called/' ;;
  concat) echo concat >>log; xargs cat <"$3" >"$5" ;;
esac)");
  }

  Ran run(const std::string& options) const {
    return box.shell("PATH=$PWD/tools:$PATH enjoin run " + options);
  }
  /// How often each tool ran since the last call.
  std::string runs() const {
    return box.shell("cut -d' ' -f1 log | sort | uniq -c | tr -s ' ' | tr '\\n' ';'; : >log").out;
  }

  Sandbox box;

 private:
  void write_tool(const std::string& name, const std::string& script) const {
    box.write("tools/" + name, "#!/bin/bash\nset -e\n" + script + "\n");
    box.shell("chmod +x tools/" + name);
  }
};

constexpr const char* kMergedA =
    "called 1\naligned with 4 cpus\ntrimmed a\ncalled X\naligned with 4 cpus\ntrimmed a\n";

}  // namespace

TEST_CASE("run: the pipeline of the issue runs, and means what it says") {
  const GenomeBox genome;
  const Ran ran = genome.run("-j4 --quiet");
  CHECK(ran.err == "");
  REQUIRE(ran.status == 0);
  CHECK(genome.box.read("a.vcf") == kMergedA);
  CHECK(genome.box.read("b.X.vcf") == "called X\naligned with 4 cpus\ntrimmed b\n");
  CHECK(genome.runs() == " 3 bwa; 4 call; 2 concat; 2 fastp;");
  CHECK(genome.box.left_in_tmp().empty());
}

TEST_CASE("run: what is up to date does not run again, and a new item brings its own jobs only") {
  const GenomeBox genome;
  REQUIRE(genome.run("-j4").status == 0);
  genome.runs();
  REQUIRE(genome.run("-j4").status == 0);
  CHECK(genome.runs() == "");
  genome.box.write("c.fq.gz", "reads c\n");
  genome.box.write("samples.tsv", "sample\tr1\na\ta.fq.gz\nb\tb.fq.gz\nc\tc.fq.gz\n");
  REQUIRE(genome.run("-j4").status == 0);
  CHECK(genome.runs() == " 1 bwa; 2 call; 1 concat; 1 fastp;");
  genome.box.shell("rm a.1.vcf");
  REQUIRE(genome.run("-j4").status == 0);
  CHECK(genome.runs().find("1 call") != std::string::npos);
}

TEST_CASE("run: without a pipeline file it says which one is missing") {
  const Sandbox box;
  const Ran ran = box.enjoin({"run"});
  CHECK(ran.status == 255);
  CHECK(ran.says("pipeline.toml"));
  CHECK_FALSE(box.has(".enjoin"));
}

TEST_CASE("run: -n asks whether --dry-run is meant") {
  const Sandbox box;
  const Ran ran = box.enjoin({"run", "-n"});
  CHECK(ran.status == 255);
  CHECK(ran.says("did you mean --dry-run?"));
}

TEST_CASE("run: the exit status counts failed jobs, but not those that may fail") {
  const Sandbox box;
  box.write("pipeline.toml", R"([[stage]]
name = "may"
run = "exit 3"
allow_failure = true
[[stage]]
name = "must"
foreach = { n = ["1", "2", "3"] }
run = "exit {n}"
[[stage]]
name = "last"
needs = ["must"]
run = "echo never"
)");
  const Ran ran = box.enjoin({"run", "--keep-going"});
  CHECK(ran.status == 3);
  CHECK(ran.out == "");
  CHECK(ran.says("must[1]"));
}

TEST_CASE("run: after a failure what runs comes to its end, and nothing more is started") {
  const Sandbox box;
  const Fifo up = box.fifo("up");
  Fifo go = box.fifo("go");
  box.write("pipeline.toml", R"([[stage]]
name = "long"
run = "echo here >up; read line <go; echo finished"
[[stage]]
name = "short"
run = "read line <up; exit 7"
[[stage]]
name = "next"
needs = ["long"]
run = "echo never"
)");
  Running running = box.start({"run", "-j2"});
  while (running.err_so_far().find("short") == std::string::npos && !running.has_ended()) {
    ::sched_yield();
  }
  go.write("on\n");
  const Ran ran = running.wait();
  CHECK(ran.status == 1);
  CHECK(ran.out == "finished\n");
  CHECK(ran.says("not started: next"));
}

TEST_CASE("run: output options are those of the batch mode") {
  const Sandbox box;
  box.write("pipeline.toml", R"([[stage]]
name = "say"
foreach = { word = ["b", "a"] }
run = "echo {word}"
)");
  CHECK(box.enjoin({"run", "-j1", "-k", "--tag", "--no-db"}).out == "say[b]\tb\nsay[a]\ta\n");
  CHECK_FALSE(box.has(".enjoin"));
  const Ran ran = box.enjoin({"run", "-j1", "-k", "--joblog", "log", "--db", "own.db"});
  CHECK(ran.out == "b\na\n");
  CHECK(box.has("own.db"));
  CHECK_FALSE(box.has(".enjoin"));
  CHECK(box.shell("cut -f1,7,8,9 log").out ==
        "Seq\tExitval\tSignal\tCommand\n1\t0\t0\techo b\n2\t0\t0\techo a\n");
}

TEST_CASE("run: INT stops the jobs, and the run goes on where it was") {
  const Sandbox box;
  Fifo up = box.fifo("up");
  box.write("pipeline.toml", R"([[stage]]
name = "first"
run = "echo ran >>log"
[[stage]]
name = "second"
needs = ["first"]
run = "test -e second_may || { echo here >up; sleep 1000; }; echo two"
)");
  Running running = box.start({"run"});
  CHECK(up.wait_line() == "here");
  running.signal(SIGINT);
  CHECK(running.wait().status == 255);
  box.write("second_may", "");
  const Ran ran = box.enjoin({"resume"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "two\n");
  CHECK(box.read("log") == "ran\n");
}

TEST_CASE("run: resume takes the options of the last run, and those that are given on top") {
  const Sandbox box;
  box.write("other.toml", R"(vars.word = "first"
[[stage]]
name = "say"
run = "echo {word}; test -e fine"
)");
  CHECK(box.enjoin({"run", "-f", "other.toml", "--set", "word=given", "--tag"}).status == 1);
  box.write("fine", "");
  const Ran ran = box.enjoin({"resume", "-v"});
  CHECK(ran.status == 0);
  CHECK(ran.out.find("say\tgiven\n") != std::string::npos);
  CHECK(ran.out.find("echo given") != std::string::npos);
}

TEST_CASE("run: an input that is deleted under a running stage fails the jobs that need it") {
  const Sandbox box;
  box.write("in.txt", "text\n");
  box.write("pipeline.toml", R"([[stage]]
name = "remove"
run = "rm in.txt"
[[stage]]
name = "use"
needs = ["remove"]
run = "cat in.txt >{out}"
inputs = ["in.txt"]
outputs = ["out.txt"]
)");
  const Ran ran = box.enjoin({"run"});
  CHECK(ran.status == 1);
  CHECK(ran.says("in.txt"));
  CHECK_FALSE(box.has("out.txt"));
  box.write("in.txt", "text\n");
  CHECK(box.enjoin({"run", "--only", "use"}).status == 0);
  CHECK(box.read("out.txt") == "text\n");
}

TEST_CASE("run: --from and --only run again what is done, and resume goes on with that") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  box.write("pipeline.toml",
            "[[stage]]\nname = \"one\"\nrun = \"echo one >>log\"\n"
            "[[stage]]\nname = \"two\"\nneeds = [\"one\"]\n"
            "run = \"echo two >>log; if [ -e wait ]; then echo >here; sleep 1000; fi\"\n"
            "[[stage]]\nname = \"three\"\nneeds = [\"two\"]\nrun = \"echo three >>log\"\n");
  CHECK(box.enjoin({"run"}).status == 0);
  CHECK(box.enjoin({"run"}).status == 0);
  CHECK(box.read("log") == "one\ntwo\nthree\n");
  CHECK(box.enjoin({"run", "--only", "two"}).status == 0);
  CHECK(box.read("log") == "one\ntwo\nthree\ntwo\n");
  box.write("wait", "");
  Running running = box.start({"run", "--from", "two"});
  here.wait_line();
  running.signal(SIGKILL);
  running.wait();
  box.shell("rm wait");
  CHECK(box.enjoin({"resume"}).status == 0);
  CHECK(box.read("log") == "one\ntwo\nthree\ntwo\ntwo\ntwo\nthree\n");
  CHECK(box.enjoin({"resume"}).status == 0);
  CHECK(box.shell("wc -l <log").out == "7\n");
}

TEST_CASE("run: a pipeline that changed runs the jobs again whose identity changed") {
  const Sandbox box;
  const auto write = [&](const std::string& second) {
    box.write("pipeline.toml",
              "[[stage]]\nname = \"one\"\nrun = \"echo one >>log\"\n"
              "[[stage]]\nname = \"two\"\nneeds = [\"one\"]\nrun = \"echo " +
                  second + " >>log\"\n");
  };
  write("two");
  CHECK(box.enjoin({"run"}).status == 0);
  write("other");
  const Ran ran = box.enjoin({"resume"});
  CHECK(ran.status == 0);
  CHECK(ran.says("1 of 2 recorded jobs changed"));
  CHECK(box.read("log") == "one\ntwo\nother\n");
  write("third");
  CHECK(box.enjoin({"run", "--accept-changes"}).status == 0);
  CHECK(box.enjoin({"run"}).status == 0);
  CHECK(box.read("log") == "one\ntwo\nother\n");
}

TEST_CASE("run: a graph comes as JSON Lines, from a file or while it runs") {
  const Sandbox box;
  box.write("jobs.jsonl", R"({"id": "b", "sh": "echo b", "needs": ["a"]}
{"id": "a", "argv": ["echo", "a"]}
)");
  const Ran file = box.enjoin({"run", "jobs.jsonl"});
  CHECK(file.status == 0);
  CHECK(file.out == "a\nb\n");
  Fifo done = box.fifo("done");
  const Ran streamed = box.shell(
      "{ echo '{\"id\": \"x\", \"sh\": \"echo x; echo ended >done\"}'; read line <done;"
      " echo '{\"id\": \"y\", \"sh\": \"echo y\", \"needs\": [\"x\"]}'; } |"
      " enjoin run --no-db -");
  CHECK(streamed.status == 0);
  CHECK(streamed.out == "x\ny\n");
}

TEST_CASE("run: events go to a file while jobs run") {
  const Sandbox box;
  box.write("jobs.jsonl", "{\"id\": \"a\", \"sh\": \"echo out\"}\n");
  const Ran ran = box.enjoin({"run", "--no-db", "--events", "events", "jobs.jsonl"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "out\n");
  const std::string events = box.read("events");
  for (const char* word : {"queued", "started", "finished", "out\\n"}) {
    CAPTURE(word);
    CHECK(events.find(word) != std::string::npos);
  }
}

TEST_CASE("run: with --dry-run nothing runs, and the commands are printed") {
  const Sandbox box;
  box.write("pipeline.toml", "[[stage]]\nname = \"a\"\nrun = \"echo x >file\"\n");
  const Ran ran = box.enjoin({"run", "--dry-run"});
  CHECK(ran.status == 0);
  CHECK(ran.out.find("echo x >file") != std::string::npos);
  CHECK_FALSE(box.has("file"));
  CHECK_FALSE(box.has(".enjoin"));
  box.write("jobs.jsonl", "{\"id\": \"a\", \"sh\": \"echo y >file\"}\n");
  CHECK(box.enjoin({"run", "--dry-run", "jobs.jsonl"}).out.find("echo y >file") !=
        std::string::npos);
  CHECK_FALSE(box.has("file"));
}

TEST_CASE("run: HUP lets what runs come to its end, and starts nothing more") {
  const Sandbox box;
  Fifo up = box.fifo("up");
  Fifo go = box.fifo("go");
  box.write("pipeline.toml", R"([[stage]]
name = "a"
run = "echo here >up; read line <go; echo ended"
[[stage]]
name = "b"
needs = ["a"]
run = "echo never"
)");
  Running running = box.start({"run"});
  CHECK(up.wait_line() == "here");
  running.signal(SIGHUP);
  // Until it has taken the signal.
  box.shell("until [ $(awk '/^ShdPnd/ {print $2}' /proc/" + std::to_string(running.pid()) +
            "/status) = 0000000000000000 ]; do :; done");
  go.write("on\n");
  const Ran ran = running.wait();
  CHECK(ran.status == 255);
  CHECK(ran.out == "ended\n");
  CHECK(ran.says("not started: b"));
}

TEST_CASE("run: a second run into the same record is refused while the first one runs") {
  const Sandbox box;
  Fifo up = box.fifo("up");
  Fifo go = box.fifo("go");
  box.write("pipeline.toml",
            "[[stage]]\nname = \"a\"\nrun = \"echo here >up; read line <go; echo ended\"\n");
  Running running = box.start({"run"});
  CHECK(up.wait_line() == "here");
  const Ran second = box.enjoin({"run"});
  CHECK(second.status == 255);
  CHECK(second.says("another run"));
  go.write("on\n");
  CHECK(running.wait().status == 0);
}

TEST_CASE("run: a graph whose jobs need each other in a ring is refused before anything runs") {
  const Sandbox box;
  box.write("jobs.jsonl", R"({"id": "free", "sh": "touch ran"}
{"id": "a", "sh": "true", "needs": ["b"]}
{"id": "b", "sh": "true", "needs": ["a"]}
)");
  const Ran ran = box.enjoin({"run", "jobs.jsonl"});
  CHECK(ran.status == 255);
  CHECK(ran.says("\"a\" needs \"b\" needs \"a\""));
  CHECK_FALSE(box.has("ran"));
  box.write("jobs.jsonl", "{\"id\": \"a\", \"sh\": \"touch ran\", \"needs\": [\"none\"]}\n");
  const Ran missing = box.enjoin({"run", "jobs.jsonl"});
  CHECK(missing.status == 255);
  CHECK(missing.says("jobs.jsonl:1"));
  CHECK(missing.says("none"));
}

TEST_CASE("run: a job of the graph that is tried again prints its last attempt only") {
  const Sandbox box;
  box.write("jobs.jsonl",
            "{\"id\": \"a\", \"sh\": \"echo try >>log; wc -l <log; test $(wc -l <log) = 3\","
            " \"attempts\": 3}\n");
  const Ran ran = box.enjoin({"run", "jobs.jsonl"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "3\n");
}
