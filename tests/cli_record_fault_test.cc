#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "runner/record/record_file.h"
#include "support/cli.h"

using namespace enjoin::test;

namespace {

constexpr const char* kRecord = ".enjoin/record.db";

std::string ask(const Sandbox& box, const char* sql) {
  return enjoin::open_record(box.path(kRecord))->text(sql);
}

}  // namespace

TEST_CASE("record fault: a run whose disk is full ends in order, and is gone on with") {
  const Sandbox box;
  if (box.shell("unshare -rm mount -t tmpfs -o size=400k none /mnt").status != 0) {
    MESSAGE("SKIPPED: a small file system cannot be mounted here");
    return;
  }
  box.write("pipeline.toml",
            "[[stage]]\nname = \"s\"\nforeach = { n = { lines = \"numbers\" } }\n"
            "run = \"echo {n} >>done; seq 10000\"\n");
  // What ended while the last rows failed to be written is many jobs on a quick machine.
  box.write("small",
            "mkdir .enjoin; mount -t tmpfs -o size=2m none .enjoin; "
            "enjoin run -j1 >/dev/null; status=$?; mkdir kept; cp .enjoin/record.db* kept; "
            "exit $status");
  const Ran full = box.shell("seq 1000 >numbers; unshare -rm bash small");
  CHECK(full.status == 255);
  CHECK(full.says("the record .enjoin/record.db: the disk is full"));
  CHECK(box.shell("mv kept/* .enjoin/").status == 0);
  const std::string recorded = ask(box, "SELECT count(*) FROM attempts");
  const std::size_t started = lines_of(box.read("done")).size();
  CHECK(started < 1000);
  CHECK(std::stoul(recorded) >= 1);
  CHECK(std::stoul(recorded) <= started);
  CHECK(box.enjoin({"run", "--quiet"}).status == 0);
  CHECK(ask(box, "SELECT count(*) || ' ' || count(DISTINCT job) FROM attempts") == "1000 1000");
  CHECK(ask(box, "SELECT up_to_date FROM runs WHERE ended NOT NULL") == recorded);
  CHECK(ask(box, "PRAGMA integrity_check") == "ok");
}

TEST_CASE("record fault: a run goes on while another program has locked the record") {
  const Sandbox box;
  box.write("pipeline.toml",
            "[[stage]]\nname = \"a\"\nrun = \"echo a >here; read x <go\"\n"
            "[[stage]]\nname = \"b\"\nneeds = [\"a\"]\nrun = \"echo b >here; read x <go\"\n");
  box.write("lock.py",
            "import sqlite3\n"
            "db = sqlite3.connect('.enjoin/record.db', isolation_level=None)\n"
            "db.execute('BEGIN IMMEDIATE')\n"
            "open('here', 'w').write('locked\\n')\n"
            "open('unlock').readline()\n"
            "db.execute('ROLLBACK')\n");
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Fifo unlock = box.fifo("unlock");
  Running running = box.start({"run"});
  CHECK(here.wait_line() == "a");
  Running locker = box.start_shell("exec python3 lock.py");
  CHECK(here.wait_line() == "locked");
  go.write("\n");
  CHECK(here.wait_line() == "b");  // so the end of the first was dealt with
  unlock.write("\n");
  CHECK(locker.wait().status == 0);
  go.write("\n");
  CHECK(running.wait().status == 0);
  CHECK(ask(box, "SELECT group_concat(name) FROM results") == "a,b");
}

TEST_CASE("record fault: a damaged record starts nothing, and stays as it is") {
  const Sandbox box;
  box.write("pipeline.toml", "[[stage]]\nname = \"a\"\nrun = \"touch ran\"\n");
  box.shell(
      "mkdir .enjoin; head -c 9000 /dev/urandom >.enjoin/record.db; cp .enjoin/record.db was");
  const Ran ran = box.enjoin({"run"});
  CHECK(ran.status == 255);
  CHECK(ran.says("is no database of enjoin"));
  CHECK(!box.has("ran"));
  CHECK(box.shell("cmp was .enjoin/record.db && ls .enjoin").out == "record.db\n");
}
