#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/record/json_words.h"
#include "runner/record/record_file.h"
#include "runner/record/record_writer.h"
#include "runner/record/schema.h"
#include "support/cli.h"

using namespace enjoin;
using enjoin::test::Sandbox;

namespace {

template <typename Open>
std::string error_of(Open open) {
  try {
    open();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

std::string open_error(const std::string& path) {
  return error_of([&] { RecordFile{path}; });
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("record file: a new one has our mark, the version, and all tables") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  Database& db = file.database();
  CHECK(db.integer("PRAGMA application_id") == kApplicationId);
  CHECK(db.integer("PRAGMA user_version") == kSchemaVersion);
  CHECK(db.text("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type IN "
                "('table', 'view') ORDER BY name)") ==
        "attempts,files,jobs,outputs,results,runs,stages");
  CHECK(db.text("PRAGMA journal_mode") == "wal");
}

TEST_CASE("record file: it is opened again, and read while a run has it") {
  const Sandbox box;
  { RecordFile file(box.path("r.db")); }
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {.mode = "run", .arguments = {"run", "a b"}, .cpus = 2});
  const auto reader = open_record(box.path("r.db"));
  CHECK(reader->integer("SELECT count(*) FROM runs") == 1);
  CHECK_THROWS_AS(reader->run("DELETE FROM runs"), Error);
}

TEST_CASE("record file: a second run at the same time is refused, and told of the first") {
  const Sandbox box;
  const std::string path = box.path("r.db");
  RecordFile file(path);
  RecordWriter writer(file.database(), {});
  const std::string error = open_error(path);
  CHECK(has(error, "another run (process " + std::to_string(::getpid()) + ") records into"));
  CHECK(has(error, "--db FILE"));
}

TEST_CASE("record file: the lease ends with its holder") {
  const Sandbox box;
  { RecordFile file(box.path("r.db")); }
  CHECK(open_error(box.path("r.db")) == "none");
}

TEST_CASE("record file: what is none of ours is left as it is") {
  const Sandbox box;
  box.write("text",
            "This is no database, but is long enough to look like one to a program that "
            "looks at the first hundred bytes only.\n");
  const std::string before = box.read("text");
  CHECK(has(open_error(box.path("text")), "is no database of enjoin"));
  CHECK(box.read("text") == before);
  {
    Database other(box.path("other.db"), Database::Mode::kCreate);
    other.run("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)");
  }
  CHECK(has(open_error(box.path("other.db")), "is a database of another program"));
  CHECK(has(error_of([&] { open_record(box.path("other.db")); }), "of another program"));
  CHECK(Database(box.path("other.db"), Database::Mode::kRead).text("PRAGMA journal_mode") ==
        "delete");
}

TEST_CASE("record file: one of a newer enjoin is refused, with both versions") {
  const Sandbox box;
  { RecordFile(box.path("r.db")).database().run("PRAGMA user_version=7"); }
  const std::string error = open_error(box.path("r.db"));
  CHECK(has(error, "made by a newer enjoin (its version is 7, this program knows 1)"));
}

TEST_CASE("record file: a damaged one is said to be so") {
  const Sandbox box;
  {
    RecordFile file(box.path("r.db"));
    RecordWriter writer(file.database(), {});
  }
  {
    std::fstream bytes(box.path("r.db"), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(100);
    bytes << std::string(3000, 'x');
  }
  const std::string error = open_error(box.path("r.db"));
  CHECK(has(error, "is damaged"));
  CHECK(has(error, "move it away"));
}

TEST_CASE("record file: what cannot be opened says why") {
  const Sandbox box;
  CHECK(has(open_error(box.path("no/r.db")), "No such file or directory"));
  CHECK(has(open_error(box.path(".")), "Is a directory"));
  CHECK(has(open_error(""), "needs a file's name"));
  CHECK(has(error_of([&] { open_record(box.path("r.db")); }), "No such file or directory"));
}

TEST_CASE("record file: another process's lock is waited for, then named") {
  const Sandbox box;
  const std::string path = box.path("r.db");
  { RecordFile file(path); }
  Database other(path, Database::Mode::kWrite);
  other.run(
      "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO files VALUES "
      "('x', 0, 0, 0, 0, 0)");
  const std::string error = error_of([&] { RecordFile(path, std::chrono::milliseconds(30)); });
  CHECK(has(error, "is locked by another process, for more than 30 ms"));
}

TEST_CASE("record file: the last run is the one to resume") {
  const Sandbox box;
  const std::string path = box.path("r.db");
  {
    RecordFile file(path);
    CHECK(!last_run(file.database()));
    RecordWriter(file.database(), {.arguments = {"run", "-j4", "two words", "\"q\"\n"}});
    RecordWriter(file.database(), {.mode = "batch", .arguments = {"true"}});
  }
  const auto record = open_record(path);
  const std::optional<LastRun> last = last_run(*record);
  REQUIRE(last);
  CHECK(last->run == 1);
  CHECK(last->arguments == std::vector<std::string>{"run", "-j4", "two words", "\"q\"\n"});
  CHECK(!last->status);
}

TEST_CASE("json words: any strings come back") {
  const std::vector<std::string> words = {"", "a", "\\\"\x01\n\x1f", "\xff\xfe", "ä"};
  CHECK(from_json_array(to_json_array(words)) == words);
  CHECK(from_json_array(to_json_array({})).empty());
  for (const char* const bad : {"", "[", "[1]", "[\"", "[\"a\\", "[\"\\u0g00\"]", "[\"a\""})
    CHECK_THROWS_AS(from_json_array(bad), Error);
}
