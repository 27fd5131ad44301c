#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "runner/record/record_file.h"
#include "runner/record/record_writer.h"
#include "support/cli.h"

using namespace enjoin;
using enjoin::test::Sandbox;

namespace {

/// Records jobs until it is killed; tells through `told` of each group that is committed.
[[noreturn]] void record_on(const std::string& path, int told) {
  RecordFile file(path);
  RecordWriter writer(file.database(), {});
  while (true) {
    for (int job = 0; job < 50; ++job) {
      RecordWriter::AttemptRow row;
      row.id = writer.next_attempt();
      row.job = writer.next_job();
      row.outcome = Exited{0};
      row.output[0] = {.text = "text", .bytes = 4};
      writer.add_job({.row = row.job, .done = row.id, .name = "j"});
      writer.add_attempt(std::move(row));
    }
    writer.flush();
    [[maybe_unused]] const ssize_t ignored = ::write(told, "x", 1);
  }
}

}  // namespace

TEST_CASE("record kill: whole groups are there after SIGKILL, and the next run goes on") {
  const Sandbox box;
  const std::string path = box.path("r.db");
  std::int64_t least = 0;
  for (int round = 0; round < 30; ++round) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::signal(SIGABRT, SIG_DFL);
      record_on(path, ends[1]);
    }
    ::close(ends[1]);
    char told[64];
    const ssize_t groups = ::read(ends[0], told, static_cast<std::size_t>(round % 7 + 1));
    REQUIRE(groups > 0);
    ::kill(pid, SIGKILL);
    REQUIRE(::waitpid(pid, nullptr, 0) == pid);
    ::close(ends[0]);
    least += groups * 50;

    RecordFile file(path);  // the lease is free at once
    Database& db = file.database();
    const std::int64_t attempts = db.integer("SELECT count(*) FROM attempts");
    CHECK(attempts >= least);
    CHECK(attempts % 50 == 0);
    CHECK(db.integer("SELECT count(*) FROM jobs JOIN attempts ON done = attempt_id JOIN outputs "
                     "USING (attempt_id)") == attempts);
    CHECK(db.integer("SELECT count(*) FROM runs WHERE ended IS NULL") == round + 1);
    least = attempts;
  }
  CHECK(RecordFile(path).database().text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("record kill: the next run waits until no job of the killed one is left") {
  const Sandbox box;
  enjoin::test::Fifo here = box.fifo("here");
  enjoin::test::Running killed = box.start(
      {"--db", "r.db", "trap '' TERM; echo $$ >pid; echo x >here; sleep 1000 # {}", ":::", "1"});
  here.wait_line();
  killed.signal(SIGKILL);
  killed.wait();
  const enjoin::test::Ran next =
      box.enjoin({"--db", "r.db", "kill -0 $(cat pid) 2>&1 || echo gone # {}", ":::", "1"});
  CHECK(next.status == 0);
  CHECK(next.out.find("gone") != std::string::npos);
}
