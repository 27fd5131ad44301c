#include <csignal>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

// Graphs that programs make: `enjoin run FILE.jsonl` and `enjoin run -`.

TEST_CASE("jsonl: a graph runs, its output is printed whole") {
  const Sandbox box;
  box.write("jobs.jsonl", R"({"id":"app","sh":"cat a.o b.o","needs":["a","b"]}
{"id":"a","sh":"echo object a >a.o","outputs":["a.o"]}
{"id":"b","argv":["cp","a.o","b.o"],"needs":"a","inputs":["a.o"],"outputs":["b.o"]}
)");
  const Ran ran = box.enjoin({"run", "-j2", "--no-db", "jobs.jsonl"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "object a\nobject a\n");
}

TEST_CASE("jsonl: argv is read by no shell, sh by bash that stops at errors") {
  const Sandbox box;
  box.write("jobs.jsonl", R"({"id":"a","argv":["printf","%s|","$HOME","a  b","*","it's"]}
{"id":"b","sh":"echo begun; false | true; echo not reached"}
{"id":"c","sh":"false | true; echo sh","shell":"sh"}
)");
  const Ran ran = box.enjoin({"run", "-j1", "--no-db", "--keep-going", "jobs.jsonl"});
  CHECK(ran.status == 1);
  CHECK(ran.out == "$HOME|a  b|*|it's|begun\nsh\n");
}

TEST_CASE("jsonl: a job has its folder, variables and files") {
  const Sandbox box;
  box.shell("mkdir d; echo in >d/in");
  box.write("jobs.jsonl",
            R"({"enjoin":1,"pools":{"gpu":["x7"]},"defaults":{"env":{"A":"1","GONE":null}}}
{"id":"a","sh":"cat; echo $A $B ${GONE-none} $ENJOIN_POOL_gpu; basename $PWD; echo err >&2","cwd":"d","env":{"B":"2"},"stdin":"in","stdout":"out","stderr":"err","pool":"gpu"}
)");
  RunOptions options;
  options.environment = {"GONE=there"};
  const Ran ran = box.enjoin({"run", "--no-db", "--quiet", "jobs.jsonl"}, options);
  CHECK(ran.status == 0);
  CHECK(ran.out.empty());
  CHECK(box.read("d/out") == "in\n1 2 none x7\nd\n");
  CHECK(box.read("d/err") == "err\n");
}

TEST_CASE("jsonl: jobs of a stream run while others still come, and may need what has ended") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo jobs = box.fifo("jobs");
  Running running = box.start_shell("exec enjoin run --no-db --quiet - <jobs");
  jobs.write("{\"id\":\"a\",\"sh\":\"echo a >here\"}\n");
  CHECK(here.wait_line() == "a");
  jobs.write("{\"id\":\"b\",\"sh\":\"echo b >here\",\"needs\":[\"a\",\"c\"]}\n");
  jobs.write("{\"id\":\"c\",\"sh\":\"echo c >here\"}\n");
  CHECK(here.wait_line() == "c");
  CHECK(here.wait_line() == "b");
  CHECK_FALSE(running.has_ended());
  jobs.close();
  CHECK(running.wait().status == 0);
}

TEST_CASE("jsonl: a stream that waits can be interrupted") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo jobs = box.fifo("jobs.jsonl");
  Running running = box.start({"run", "--no-db", "--quiet", "jobs.jsonl"});
  jobs.write("{\"id\":\"a\",\"sh\":\"echo a >here\"}\n");
  CHECK(here.wait_line() == "a");
  running.signal(SIGINT);
  CHECK(running.wait().status == 255);
}

TEST_CASE("jsonl: errors of a file are told all at once, before anything runs") {
  const Sandbox box;
  box.write("jobs.jsonl", R"({"id":"a","sh":"touch ran"}
{"id":"b","shh":"touch ran"}
{"id":"c","sh":"touch ran","needs":["a"]}
{"id":"c","sh":"touch ran","needs":["nope"]}
)");
  const Ran ran = box.enjoin({"run", "--no-db", "jobs.jsonl"});
  CHECK(ran.status == 255);
  CHECK(ran.says("jobs.jsonl:2:11: unknown key \"shh\"; did you mean \"sh\"?"));
  CHECK(ran.says("jobs.jsonl:4:7: \"c\" is the id of line 3 already"));
  CHECK_FALSE(box.has("ran"));
}

TEST_CASE("jsonl: a ring is an error, and so is a need that never comes") {
  const Sandbox box;
  box.write(
      "ring.jsonl",
      "{\"id\":\"a\",\"sh\":\"x\",\"needs\":\"b\"}\n{\"id\":\"b\",\"sh\":\"x\",\"needs\":\"a\"}\n");
  const Ran ring = box.enjoin({"run", "--no-db", "ring.jsonl"});
  CHECK(ring.status == 255);
  CHECK(ring.says("none of them can ever start"));
  box.write("open.jsonl", "{\"id\":\"a\",\"sh\":\"x\",\"needs\":\"b\"}\n");
  const Ran open = box.enjoin({"run", "--no-db", "--dry-run", "open.jsonl"});
  CHECK(open.status == 255);
  CHECK(open.says("open.jsonl:1:28: needs \"b\", which no line describes"));
}

TEST_CASE("jsonl: an error in a stream lets what runs end, and starts nothing more") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo gate = box.fifo("gate");
  Fifo jobs = box.fifo("jobs");
  Running running = box.start_shell("exec enjoin run -j1 --no-db --quiet - <jobs");
  jobs.write("{\"id\":\"a\",\"sh\":\"echo a >here; read x <gate; touch ended\"}\n");
  here.wait_line();
  jobs.write(
      "{\"id\":\"b\",\"sh\":\"touch b\"}\n{\"id\":\"c\"}\n{\"id\":\"d\",\"sh\":\"touch d\"}\n");
  box.shell("true");
  gate.write("go\n");
  jobs.close();
  const Ran ran = running.wait();
  CHECK(ran.status == 255);
  CHECK(ran.says("stdin:3:1: a job without \"argv\""));
  CHECK(box.has("ended"));
  CHECK_FALSE(box.has("d"));
}

TEST_CASE("jsonl: a dry run prints the commands in an order that would work, and runs nothing") {
  const Sandbox box;
  box.write("jobs.jsonl", R"({"id":"b","sh":"touch b | cat","needs":"a"}
{"id":"a","argv":["touch","a b"]}
)");
  const Ran ran = box.enjoin({"run", "--dry-run", "jobs.jsonl"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "touch 'a b'\ntouch b | cat\n");
  CHECK_FALSE(box.has("b"));
  CHECK_FALSE(box.has(".enjoin"));
}

TEST_CASE("jsonl: a failed job drops what needs it; attempts and allowed failures count") {
  const Sandbox box;
  box.write("jobs.jsonl", R"({"id":"a","sh":"false"}
{"id":"b","sh":"touch b","needs":["a"]}
{"id":"c","sh":"echo x >>tries; [ $(wc -l <tries) = 3 ]","attempts":3}
{"id":"d","sh":"touch d","needs":["c"]}
{"id":"e","sh":"false","allow_failure":true}
{"id":"f","sh":"touch f","needs":["e"]}
)");
  const Ran ran = box.enjoin({"run", "--no-db", "--keep-going", "jobs.jsonl"});
  CHECK(ran.status == 1);
  CHECK_FALSE(box.has("b"));
  CHECK(box.has("d"));
  CHECK(box.has("f"));
}

TEST_CASE("jsonl: a second run does only what has changed") {
  const Sandbox box;
  const std::string head = "{\"id\":\"a\",\"sh\":\"echo a >>ran; touch a\",\"outputs\":\"a\"}\n";
  box.write("jobs.jsonl", head + "{\"id\":\"b\",\"sh\":\"echo b >>ran\"}\n");
  CHECK(box.enjoin({"run", "jobs.jsonl"}).status == 0);
  CHECK(box.enjoin({"run", "jobs.jsonl"}).status == 0);
  CHECK(sorted_lines(box.read("ran")) == "a\nb\n");
  box.write("jobs.jsonl", head + "{\"id\":\"b\",\"sh\":\"echo c >>ran\"}\n");
  CHECK(box.enjoin({"run", "jobs.jsonl"}).status == 0);
  CHECK(sorted_lines(box.read("ran")) == "a\nb\nc\n");
}
