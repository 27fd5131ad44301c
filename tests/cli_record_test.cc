#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

// The tests have no sqlite3 program to rely on; python has the library.
const char* const kAsk =
    "ask() { python3 - \"$@\" <<'END'\n"
    "import sqlite3, sys\n"
    "for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):\n"
    "    print('|'.join('' if v is None else str(v) for v in row))\n"
    "END\n"
    "}\n";

std::string ask(const Sandbox& box, const std::string& sql, const std::string& file = "r.db") {
  const Ran ran = box.shell(kAsk + ("ask " + file + " \"" + sql + "\""));
  CHECK(ran.err == "");
  return ran.out;
}

/// The queries of docs/record.md.
std::vector<std::string> documented_queries() {
  std::vector<std::string> queries;
  const Ran ran = Sandbox().shell("cat " ENJOIN_TEST_DIR "/../docs/record.md");
  const std::string mark = "```sql\n";
  for (std::size_t at = ran.out.find(mark); at != std::string::npos; at = ran.out.find(mark, at)) {
    at += mark.size();
    queries.push_back(ran.out.substr(at, ran.out.find("```", at) - at));
  }
  return queries;
}

}  // namespace

TEST_CASE("record: --db has a run, its jobs, their ends and what they wrote") {
  const Sandbox box;
  const Ran ran =
      box.enjoin({"-j2", "-k", "--db", "r.db", "echo {}; echo no >&2; exit {}", ":::", "0", "3"});
  CHECK(ran.status == 1);
  CHECK(ran.out == "0\n3\n");
  CHECK(
      ask(box, "SELECT mode, status, cpus, jobs, succeeded, failed, ended >= started FROM runs") ==
      "batch|1|2|2|1|1|1\n");
  CHECK(
      ask(box, "SELECT arguments FROM runs") ==
      "[\"-j2\",\"-k\",\"--db\",\"r.db\",\"echo {}; echo no >&2; exit {}\",\":::\",\"0\",\"3\"]\n");
  CHECK(ask(box,
            "SELECT seq, command, state, outcome, exit_status, wall > 0, max_rss > 0 FROM results "
            "ORDER BY seq") ==
        "1|echo 0; echo no >&2; exit 0|succeeded|exited|0|1|1\n"
        "2|echo 3; echo no >&2; exit 3|failed|exited|3|1|1\n");
  CHECK(ask(box,
            "SELECT seq, stream, bytes, trim(text, char(10)) FROM outputs JOIN attempts USING "
            "(attempt_id) ORDER BY seq, stream") == "1|1|2|0\n1|2|3|no\n2|1|2|3\n2|2|3|no\n");
}

TEST_CASE("record: attempts of a job are rows of one job") {
  const Sandbox box;
  box.enjoin(
      {"--db", "r.db", "--retries", "3", "echo x >>n; [ $(wc -l <n) = 2 ] # {}", ":::", "a"});
  CHECK(ask(box, "SELECT seq, attempt, is_final, state FROM attempts") ==
        "1|1|0|failed\n1|2|1|succeeded\n");
  CHECK(ask(box, "SELECT count(*), max(done) FROM jobs") == "1|2\n");
}

TEST_CASE("record: large output lies in a file, its end in the row") {
  const Sandbox box;
  box.enjoin({"--db", "r.db", "seq {}", ":::", "100000"});
  CHECK(ask(box, "SELECT bytes, length(text), path, substr(text, -7, 6) FROM outputs") ==
        "588895|8192|r.db.output/1/1.1.out|100000\n");
  CHECK(box.shell("seq 100000 | cmp - r.db.output/1/1.1.out && echo same").out == "same\n");
}

TEST_CASE("record: stages of a batch are stages of one run") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--db", "r.db", "true", ":::", "1", "2", "--then", "true"});
  CHECK(ran.status == 0);
  CHECK(ask(box, "SELECT place, stage, jobs, succeeded FROM stages") == "0|1|2|2\n1|2|1|1\n");
  CHECK(ask(box, "SELECT jobs, succeeded FROM runs") == "3|3\n");
}

TEST_CASE("record: a second run at the same time is refused, and the first goes on") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running first = box.start({"--db", "r.db", "echo x >here; read x <go # {}", ":::", "1"});
  here.wait_line();
  const Ran second = box.enjoin({"--db", "r.db", "echo", ":::", "1"});
  CHECK(second.status == 255);
  CHECK(second.out == "");
  CHECK(second.says("another run (process " + std::to_string(first.pid()) + ") records into r.db"));
  go.write("\n");
  CHECK(first.wait().status == 0);
}

TEST_CASE("record: what cannot be recorded into starts nothing") {
  const Sandbox box;
  box.write("text", std::string(2000, 'x'));
  const Ran ran = box.enjoin({"--db", "text", "echo", ":::", "1"});
  CHECK(ran.status == 255);
  CHECK(ran.out == "");
  CHECK(ran.says("text is no database of enjoin"));
  CHECK(box.read("text") == std::string(2000, 'x'));
  CHECK(box.enjoin({"--db", "no/r.db", "echo", ":::", "1"}).says("No such file or directory"));
  CHECK(box.enjoin({"--db", "", "echo", ":::", "1"}).status == 255);
}

TEST_CASE("record: the documented queries are ten, and run") {
  const Sandbox box;
  box.enjoin({"--db", "r.db", "--retries", "2", "echo {} >&2; exit {}", ":::", "0", "3"});
  const std::vector<std::string> queries = documented_queries();
  CHECK(queries.size() == 10);
  std::string script = "import sqlite3\ndb = sqlite3.connect('r.db')\n";
  for (const std::string& query : queries)
    script += "print(len(db.execute('''" + query + "''').fetchall()))\n";
  box.write("ask.py", script);
  const Ran ran = box.shell("python3 ask.py");
  CHECK(ran.err == "");
  CHECK(ran.out == "1\n1\n3\n1\n1\n0\n0\n1\n0\n1\n");
}

TEST_CASE("record: a full disk ends the run in order") {
  const Sandbox box;
  if (box.shell("unshare -rm mount -t tmpfs -o size=400k none /mnt").status != 0) {
    MESSAGE("SKIPPED: a small file system cannot be mounted here");
    return;
  }
  box.write("run",
            "mkdir d; mount -t tmpfs -o size=2m none d; "
            "enjoin -j1 --db d/r.db 'seq 10000; echo x >>n # {}' ::: $(seq 1000) >/dev/null; "
            "status=$?; cp d/r.db* .; exit $status");
  const Ran ran = box.shell("unshare -rm bash run");
  CHECK(ran.status == 255);
  CHECK(ran.says("cannot write the record d/r.db: the disk is full; no more jobs are started"));
  CHECK(ask(box, "PRAGMA integrity_check") == "ok\n");
  // A row holds 8 KiB of output. What ended while the last rows failed to be written has none.
  const std::size_t started = lines_of(box.read("n")).size();
  CHECK(started < 1000);
  CHECK(ask(box, "SELECT count(*) BETWEEN 1 AND min(256, " + std::to_string(started) +
                     "), ended IS NULL FROM attempts JOIN runs USING (run)") == "1|1\n");
}
