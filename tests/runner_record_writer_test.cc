#include <chrono>
#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "runner/record/record_file.h"
#include "runner/record/record_writer.h"
#include "support/cli.h"

using namespace enjoin;
using enjoin::test::Sandbox;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using Clock = RecordWriter::Clock;

RecordWriter::AttemptRow attempt(RecordWriter& writer, Outcome outcome) {
  RecordWriter::AttemptRow row;
  row.id = writer.next_attempt();
  row.job = writer.next_job();
  row.seq = 7;
  row.outcome = outcome;
  row.end = succeeded(outcome) ? GraphPlan::End::kSuccess : GraphPlan::End::kFailure;
  return row;
}

std::int64_t attempts_in(const std::string& path) {
  return open_record(path)->integer("SELECT count(*) FROM attempts");
}

std::string turn_error(RecordWriter& writer, Clock::time_point now) {
  try {
    writer.turn(now);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("record writer: rows wait for their group, and come with it") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {});
  CHECK(writer.until_due(Clock::now()) < Clock::duration::zero());
  writer.add_attempt(attempt(writer, Exited{0}));
  const Clock::time_point now = Clock::now();
  CHECK(writer.until_due(now) <= milliseconds(20));
  writer.turn(now - seconds(1));
  CHECK(attempts_in(box.path("r.db")) == 0);
  writer.turn(now + seconds(1));
  CHECK(attempts_in(box.path("r.db")) == 1);
  CHECK(writer.until_due(now) < Clock::duration::zero());
}

TEST_CASE("record writer: much is written at once, due or not") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {});
  for (int job = 0; job < 20; ++job) {
    RecordWriter::AttemptRow row = attempt(writer, Exited{0});
    row.output[0] = {.text = std::string(1 << 19, 'x'), .bytes = 1 << 19};
    writer.add_attempt(std::move(row));
  }
  writer.turn(Clock::now() - seconds(1));
  CHECK(attempts_in(box.path("r.db")) == 20);
}

TEST_CASE("record writer: each way to end has its columns") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {});
  const Outcome outcomes[] = {
      Exited{3}, Signaled{9, false, true}, TimedOut{15},     Canceled{true, 2},
      Lost{},    SpawnFailed{2},           OutputFailed{28}, InputShrank{}};
  for (const Outcome& outcome : outcomes) writer.add_attempt(attempt(writer, outcome));
  writer.flush();
  CHECK(file.database().text(
            "SELECT group_concat(outcome || ' ' || ifnull(exit_status, '-') || ifnull(signal, '-') "
            "|| ifnull(error, '-') || out_of_memory, ', ') FROM attempts") ==
        "exited 3--0, signaled -9-1, timed out -15-0, canceled -2-0, lost ---0, "
        "spawn failed --20, output failed --280, input shrank ---0");
}

TEST_CASE("record writer: numbers and texts arrive as they were") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {.arguments = {"run"}, .cpus = 3});
  RecordWriter::AttemptRow row = attempt(writer, Exited{0});
  row.started_at = std::chrono::nanoseconds(1795354483445400000);
  row.use.wall = milliseconds(1500);
  row.use.max_rss_kb = 4;
  row.reason = "output x is missing";
  row.output[1] = {.text = std::string("a\0b\xff", 4), .bytes = 100, .path = "where"};
  const std::int64_t job = row.job;
  writer.add_attempt(std::move(row));
  writer.add_job({.row = job,
                  .identity = {.key = {1, ~0ULL}, .command = ~0ULL},
                  .done = 1,
                  .stage = "s",
                  .name = "s[1]",
                  .command = "printf 'ä'"});
  writer.put_stage({.place = 0, .stage = "s", .needs = {"a", "b"}, .opened = 5});
  writer.end_run(3, {.added = 9, .succeeded = 4});
  Database& db = file.database();
  CHECK(db.text("SELECT printf('%.4f %.1f %d %s', started, wall, max_rss, reason) FROM attempts") ==
        "1795354483.4454 1.5 4096 output x is missing");
  CHECK(db.text("SELECT stream || ' ' || bytes || ' ' || hex(text) || ' ' || path FROM outputs") ==
        "2 100 610062FF where");
  CHECK(db.text("SELECT hex(key) || ' ' || command_hash FROM jobs") ==
        "0100000000000000FFFFFFFFFFFFFFFF -1");
  CHECK(db.text("SELECT name || ' ' || command || ' ' || stage || ' ' || seq FROM results") ==
        "s[1] printf 'ä' s 7");
  CHECK(db.text("SELECT stage || needs || opened || ifnull(ended, '-') FROM stages") ==
        "s[\"a\",\"b\"]5.0-");
  CHECK(
      db.text("SELECT status || ' ' || jobs || ' ' || succeeded || ' ' || cpus || ' ' || (ended > "
              "started) FROM runs") == "3 9 4 3 1");
}

TEST_CASE("record writer: numbers go on where the last run ended") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  {
    RecordWriter writer(file.database(), {});
    RecordWriter::AttemptRow row = attempt(writer, Exited{0});
    writer.add_job({.row = row.job});
    writer.add_attempt(std::move(row));
    writer.flush();
  }
  RecordWriter writer(file.database(), {});
  CHECK(writer.run() == 2);
  CHECK(writer.next_job() == 2);
  CHECK(writer.next_attempt() == 2);
}

TEST_CASE("record writer: while somebody has a lock rows wait, and nothing is lost") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {});
  Database other(box.path("r.db"), Database::Mode::kWrite);
  other.run("BEGIN IMMEDIATE");
  writer.add_attempt(attempt(writer, Exited{0}));
  const Clock::time_point now = Clock::now();
  writer.turn(now + seconds(1));
  writer.turn(now + seconds(30));
  CHECK(writer.until_due(now + seconds(30)) > Clock::duration::zero());
  other.run("COMMIT");
  writer.turn(now + seconds(31));
  CHECK(attempts_in(box.path("r.db")) == 1);
}

TEST_CASE("record writer: a lock that stays is an error, once") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {});
  Database other(box.path("r.db"), Database::Mode::kWrite);
  other.run("BEGIN IMMEDIATE");
  writer.add_attempt(attempt(writer, Exited{0}));
  const Clock::time_point now = Clock::now();
  CHECK(turn_error(writer, now + seconds(1)).empty());
  const std::string error = turn_error(writer, now + seconds(70));
  CHECK(error.find("is locked by another process, for more than 60 seconds") != std::string::npos);
  CHECK(writer.gave_up());
  writer.add_attempt(attempt(writer, Exited{0}));
  CHECK(turn_error(writer, now + seconds(80)).empty());
  other.run("COMMIT");
  writer.end_run(0, {});
  CHECK(attempts_in(box.path("r.db")) == 0);
}

TEST_CASE("record writer: a full disk is an error, and what was committed stays") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {});
  writer.add_attempt(attempt(writer, Exited{0}));
  writer.flush();
  file.database().integer("PRAGMA max_page_count=20");
  RecordWriter::AttemptRow row = attempt(writer, Exited{0});
  row.output[0] = {.text = std::string(1 << 20, 'x'), .bytes = 1 << 20};
  writer.add_attempt(std::move(row));
  const std::string error = turn_error(writer, Clock::now() + seconds(1));
  CHECK(error.find("the disk is full") != std::string::npos);
  CHECK(writer.gave_up());
  writer.end_run(0, {});
  CHECK(attempts_in(box.path("r.db")) == 1);
}
