#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

// --events: what a run tells other programs.

namespace {

/// Of each event in `file` for which `condition` (Python, `e` is the event) holds, the value of
/// `what`, in JSON: a line each.
std::string query(const Sandbox& box, const std::string& file, const std::string& condition,
                  const std::string& what) {
  box.write("query.py",
            "import json, sys\n"
            "class Event(dict):\n"
            "    def __missing__(self, key): return None\n"
            "for line in open(sys.argv[1]):\n"
            "    e = json.loads(line, object_hook=Event)\n"
            "    if " +
                condition + ": print(json.dumps(" + what + ", separators=(',', ':')))\n");
  const Ran ran = box.shell("python3 query.py " + file);
  CHECK(ran.err.empty());
  return ran.out;
}

void write_graph(const Sandbox& box) {
  box.write("jobs.jsonl", R"({"id":"a","sh":"echo out; echo err >&2"}
{"id":"b","sh":"echo x >>tries; [ $(wc -l <tries) = 2 ] || exit 3","attempts":2,"needs":["a"]}
{"id":"c","sh":"kill -9 $$","needs":["b"]}
{"id":"d","sh":"true","needs":["c"]}
)");
}

}  // namespace

TEST_CASE("events: every step of each job is told, in order") {
  const Sandbox box;
  write_graph(box);
  const Ran ran = box.enjoin({"run", "-j1", "--no-db", "--quiet", "--events", "ev", "jobs.jsonl"});
  CHECK(ran.status == 1);
  CHECK(query(box, "ev", "e['id'] == 'a'", "[e['event'], e['stream'], e['text'], e['result']]") ==
        "[\"queued\",null,null,null]\n[\"started\",null,null,null]\n"
        "[\"output\",\"stdout\",\"out\\n\",null]\n[\"output\",\"stderr\",\"err\\n\",null]\n"
        "[\"finished\",null,null,\"success\"]\n");
  CHECK(
      query(box, "ev", "e['id'] == 'b'", "[e['event'], e['attempt'], e['outcome'], e['status']]") ==
      "[\"queued\",null,null,null]\n[\"started\",1,null,null]\n[\"attempt\",1,\"exited\",3]\n"
      "[\"started\",2,null,null]\n[\"finished\",2,\"exited\",0]\n");
  CHECK(query(box, "ev", "e['event'] == 'finished'", "[e['id'], e['result'], e['signal']]") ==
        "[\"a\",\"success\",null]\n[\"b\",\"success\",null]\n[\"c\",\"failure\",9]\n"
        "[\"d\",\"dropped\",null]\n");
}

TEST_CASE("events: the first and the last line speak of the run") {
  const Sandbox box;
  write_graph(box);
  box.enjoin({"run", "--no-db", "--quiet", "--events", "ev", "jobs.jsonl"});
  CHECK(query(box, "<(head -n1 ev)", "True", "[e['event'], e['version']]") ==
        "[\"run_started\",1]\n");
  CHECK(query(box, "<(tail -n1 ev)", "True",
              "[e[k] for k in 'event status jobs succeeded failed dropped'.split()]") ==
        "[\"run_ended\",1,4,2,1,1]\n");
}

TEST_CASE("events: a finished job has its whole resource record") {
  const Sandbox box;
  box.write("jobs.jsonl", "{\"id\":\"a\",\"sh\":\"echo abc; exit 0\"}\n");
  box.enjoin({"run", "--no-db", "--quiet", "--events", "ev", "jobs.jsonl"});
  CHECK(query(box, "ev", "e['event'] == 'finished'",
              "[e['start'] > 1e9, e['wall'] > 0, e['user'] >= 0, e['system'] >= 0, e['max_rss_kb'] "
              "> 0, "
              "e['minor_faults'] > 0, e['worker'], e['bytes_out'], e['bytes_err']]") ==
        "[true,true,true,true,true,true,1,4,0]\n");
}

TEST_CASE("events: on stdout they stand alone, what jobs write goes to stderr") {
  const Sandbox box;
  box.write("jobs.jsonl", "{\"id\":\"a\",\"argv\":[\"echo\",\"hello\"]}\n");
  const Ran ran = box.shell(
      "enjoin run --no-db --quiet --events - jobs.jsonl | grep -o '^{.event.:.[a-z_]*' | cut -c11- "
      "| sort -u");
  CHECK(ran.out ==
        "finished\noutput\nqueued\nrun_ended\nrun_started\nstage_ended\nstage_opened\nstarted\n");
  CHECK(ran.err == "hello\n");
}

TEST_CASE("events: text that is no UTF-8 has its bytes beside it") {
  const Sandbox box;
  box.write("jobs.jsonl", "{\"id\":\"a\",\"argv\":[\"printf\",\"a\\\\377b\"]}\n");
  box.enjoin({"run", "--no-db", "--quiet", "--events", "ev", "jobs.jsonl"});
  CHECK(query(box, "ev", "e['event'] == 'output'", "[e['text'], e['text_base64']]") ==
        "[\"a\\ufffdb\",\"Yf9i\"]\n");
}

TEST_CASE("events: a reader that goes away ends the run in order") {
  const Sandbox box;
  std::string jobs;
  for (int i = 0; i < 3000; ++i) jobs += "{\"sh\":\"echo x >>ran\",\"shell\":\"sh\"}\n";
  box.write("jobs.jsonl", jobs);
  const Ran ran = box.shell(
      "enjoin run -j2 --no-db --quiet --events - jobs.jsonl | head -n1 >/dev/null; "
      "echo ${PIPESTATUS[0]}");
  CHECK(ran.out == "255\n");
  CHECK(ran.says("the reader has gone"));
  CHECK(lines_of(box.read("ran")).size() < 3000);
}

TEST_CASE("events: a full disk ends the run with a clear error") {
  const Sandbox box;
  box.write("jobs.jsonl", "{\"sh\":\"true\"}\n");
  const Ran ran = box.enjoin({"run", "--no-db", "--quiet", "--events", "/dev/full", "jobs.jsonl"});
  CHECK(ran.status == 255);
  CHECK(ran.says("cannot write the events to /dev/full: No space left on device"));
}

TEST_CASE("events: a file that cannot be made is told before anything runs") {
  const Sandbox box;
  box.write("jobs.jsonl", "{\"sh\":\"touch ran\"}\n");
  const Ran ran = box.enjoin({"run", "--no-db", "--events", "no/where", "jobs.jsonl"});
  CHECK(ran.status == 255);
  CHECK(ran.says("cannot write the events to no/where"));
  CHECK_FALSE(box.has("ran"));
}

TEST_CASE("events: what an earlier run did is told as up to date") {
  const Sandbox box;
  box.write("jobs.jsonl", "{\"id\":\"a\",\"sh\":\"true\"}\n");
  CHECK(box.enjoin({"run", "--quiet", "jobs.jsonl"}).status == 0);
  CHECK(box.enjoin({"run", "--quiet", "--events", "ev", "jobs.jsonl"}).status == 0);
  CHECK(query(box, "ev", "e['id'] == 'a'", "[e['event'], e['result']]") ==
        "[\"queued\",null]\n[\"finished\",\"up_to_date\"]\n");
}
