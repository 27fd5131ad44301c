#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/joblog.h"
#include "runner/joblog_reader.h"
#include "support/memory_file.h"

using namespace enjoin;
using Fate = enjoin::JoblogHistory::Fate;
using enjoin::test::MemoryFile;

namespace {

const std::string kHeader =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

std::string row(std::uint64_t seq, int exit_value, const std::string& command, int signal = 0) {
  return std::to_string(seq) + "\t:\t1600000000.123\t     0.001\t0\t5\t" +
         std::to_string(exit_value) + '\t' + std::to_string(signal) + '\t' + command + '\n';
}

JoblogReading read(const std::string& text, FailedRows failed = FailedRows::kIgnore) {
  const MemoryFile file(text);
  return read_joblog(file.path(), failed);
}

std::string error_of(const std::string& text) {
  const MemoryFile file(text);
  try {
    read_joblog(file.path());
  } catch (const Error& error) {
    const std::string what = error.what();
    return what.substr(what.rfind(file.path(), 0) == 0 ? file.path().size() : 0);
  }
  return "none";
}

std::vector<std::string> failed_commands(const std::string& text) {
  const MemoryFile file(text);
  std::vector<std::string> commands;
  for (const auto& failed : read_joblog(file.path(), FailedRows::kCollect).failed) {
    commands.push_back(std::to_string(failed.seq) + ' ' +
                       logged_command(std::string_view(text).substr(failed.offset, failed.size)));
  }
  return commands;
}

}  // namespace

TEST_CASE("joblog reader: rows say which jobs succeeded, failed, or did not run") {
  const JoblogHistory history =
      read(kHeader + row(1, 0, "a") + row(3, 2, "b") + row(4, -1, "c", 15)).history;
  CHECK(history.rows() == 3);
  CHECK(history.fate(1) == Fate::kSucceeded);
  CHECK(history.fate(2) == Fate::kUnknown);
  CHECK(history.fate(3) == Fate::kFailed);
  CHECK(history.fate(4) == Fate::kFailed);
  CHECK(history.fate(5) == Fate::kUnknown);
}

TEST_CASE("joblog reader: a signalled job has failed, as GNU parallel writes it and as we do") {
  const JoblogHistory history = read(kHeader + row(1, 0, "a", 9) + row(2, 137, "a", 9)).history;
  CHECK(history.fate(1) == Fate::kFailed);
  CHECK(history.fate(2) == Fate::kFailed);
}

TEST_CASE("joblog reader: the last row of a job counts") {
  const std::string text =
      kHeader + row(1, 1, "a") + row(2, 0, "b") + row(1, 0, "a") + row(2, 7, "b");
  const JoblogHistory history = read(text).history;
  CHECK(history.fate(1) == Fate::kSucceeded);
  CHECK(history.fate(2) == Fate::kFailed);
  CHECK(failed_commands(text) == std::vector<std::string>{"2 b"});
}

TEST_CASE("joblog reader: failed commands come in the order of their numbers, as logged") {
  const std::string text = kHeader + row(5, 1, "e\tf") + row(2, 1, std::string("x\0y", 3)) +
                           row(3, 0, "c") + row(5, 2, "g");
  CHECK(failed_commands(text) == std::vector<std::string>{"2 x\ny", "5 g"});
}

TEST_CASE("joblog reader: what our own log wrote is read") {
  const MemoryFile file;
  Joblog log(file.path());
  log.add({.seq = 1, .command = "echo a"});
  log.add({.seq = 2,
           .start_ns = 1795354483445400000,
           .exit_value = 137,
           .signal = 9,
           .command = "b\nc"});
  log.flush();
  const JoblogReading reading = read_joblog(file.path());
  CHECK(reading.history.fate(1) == Fate::kSucceeded);
  CHECK(reading.history.fate(2) == Fate::kFailed);
  CHECK(reading.whole_bytes == file.text().size());
  CHECK_FALSE(reading.history.had_other_command(2, "b\nc"));
}

TEST_CASE("joblog reader: commands that changed are noticed") {
  const JoblogHistory history = read(kHeader + row(1, 0, "echo 1") + row(2, 0, "")).history;
  CHECK_FALSE(history.had_other_command(1, "echo 1"));
  CHECK(history.had_other_command(1, "echo 2"));
  CHECK(history.had_other_command(1, ""));
  CHECK_FALSE(history.had_other_command(2, ""));
  CHECK_FALSE(history.had_other_command(3, "unknown"));
}

TEST_CASE("joblog reader: a file that is not there is an empty log") {
  const JoblogReading reading = read_joblog("/nonexistent/log");
  CHECK_FALSE(reading.exists);
  CHECK(reading.history.rows() == 0);
}

TEST_CASE("joblog reader: no line of column names is needed, and several do no harm") {
  CHECK(read(row(1, 0, "a")).history.fate(1) == Fate::kSucceeded);
  CHECK(read(kHeader + row(1, 0, "a") + kHeader + row(2, 0, "b")).history.rows() == 2);
  CHECK(read("").history.rows() == 0);
}

TEST_CASE("joblog reader: a damaged line is named") {
  const std::string good = kHeader + row(1, 0, "a");
  const std::string tail = "'; repair or remove that line";
  CHECK(error_of(good + "garbage\n") == ":3: this is no row of a job log: 'garbage" + tail);
  for (const char* line : {"0\t:\t1.0\t1.0\t0\t0\t0\t0\tx", "x\t:\t1.0\t1.0\t0\t0\t0\t0\tx",
                           "1\t:\t1.0\t1.0\t0\t0\t0\t0", "1\t:\t1.0\t1.0\t0\t0\tx\t0\tx",
                           "1\t:\t1.0\t1.0\t0\t0\t\t0\tx", "1\t:\t\t1.0\t0\t0\t0\t0\tx",
                           "99999999999999999999\t:\t1.0\t1.0\t0\t0\t0\t0\tx", "-1\t:\t1.0\t1.0"}) {
    INFO(std::string(line));
    CHECK(error_of(good + line + '\n' + row(2, 0, "b")).starts_with(":3: "));
  }
  // A row that was cut off, and glued to the next by who wrote on.
  CHECK(error_of(good + "2\t:\t160000" + row(3, 0, "b")).starts_with(":3: "));
}

TEST_CASE("joblog reader: a last line without its end is not counted") {
  const std::string whole = kHeader + row(1, 0, "a");
  for (const std::string& cut : {std::string("2"), std::string("2\t:\t1.0"), std::string("??"),
                                 std::string("2\t:\t1.0\t1.0\t0\t0\t0\t0\techo b")}) {
    const JoblogReading reading = read(whole + cut);
    CHECK(reading.history.rows() == 1);
    CHECK(reading.lines == 2);
    CHECK(reading.whole_bytes == whole.size());
    CHECK(reading.cut_bytes == cut.size());
  }
}

TEST_CASE("joblog reader: NUL bytes that a crash left are passed over") {
  const std::string nuls(5000, '\0');
  CHECK(read(kHeader + row(1, 0, "a") + nuls).history.rows() == 1);
  CHECK(read(kHeader + row(1, 0, "a") + nuls + '\n').history.rows() == 1);
  CHECK(read(kHeader + row(1, 0, "a") + nuls + row(2, 0, "b")).history.rows() == 2);
}

TEST_CASE("joblog reader: rows longer than what is read at once") {
  const std::string command(700'000, 'x');
  const JoblogHistory history = read(kHeader + row(1, 1, command) + row(2, 0, "b")).history;
  CHECK(history.fate(1) == Fate::kFailed);
  CHECK_FALSE(history.had_other_command(1, command));
  CHECK(history.fate(2) == Fate::kSucceeded);
}

TEST_CASE("joblog reader: numbers far beyond the others are kept, and cost no memory") {
  const std::uint64_t far = ~std::uint64_t{0};
  const JoblogHistory history =
      read(kHeader + row(far, 1, "a") + row(1, 0, "b") + row(far - 7, 0, "c")).history;
  CHECK(history.fate(far) == Fate::kFailed);
  CHECK(history.fate(far - 7) == Fate::kSucceeded);
  CHECK(history.fate(far - 1) == Fate::kUnknown);
  CHECK(history.fate(1) == Fate::kSucceeded);
}

TEST_CASE("joblog: what a crash cut off is taken away before it is gone on with") {
  const std::string whole = kHeader + row(1, 0, "a");
  const MemoryFile file(whole + "2\t:\t16");
  const JoblogReading reading = read_joblog(file.path());
  Joblog log(file.path(), {reading.whole_bytes, reading.cut_bytes});
  CHECK(file.text() == whole);
}

TEST_CASE("joblog: rows that another run has added since it was read stay") {
  const std::string whole = kHeader + row(1, 0, "a");
  const MemoryFile file(whole + row(2, 0, "b"));
  Joblog log(file.path(), {whole.size(), 4});
  CHECK(file.text() == whole + row(2, 0, "b"));
}

TEST_CASE("joblog: one that is nothing but a cut line begins anew") {
  const MemoryFile file("Seq\tHo");
  const JoblogReading reading = read_joblog(file.path());
  Joblog log(file.path(), {reading.whole_bytes, reading.cut_bytes});
  CHECK(file.text() == kHeader);
}
