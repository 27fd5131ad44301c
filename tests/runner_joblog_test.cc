#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/joblog.h"

using namespace enjoin;

namespace {

const std::string kHeader =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/// A file that has no name.
class LogFile {
 public:
  LogFile() : fd_(::memfd_create("log", MFD_CLOEXEC)) { REQUIRE(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }
  std::string text() const {
    std::string text(static_cast<std::size_t>(::lseek(fd_.get(), 0, SEEK_END)), '\0');
    REQUIRE(::pread(fd_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  ipc::UniqueFd fd_;
};

JoblogRow row(std::uint64_t seq, std::string_view command) {
  JoblogRow result;
  result.seq = seq;
  result.start_ns = 1795354483445400000;
  result.runtime_ns = 1237600000;
  result.receive = 5;
  result.command = command;
  return result;
}

std::string row_text(const JoblogRow& one) {
  const LogFile file;
  Joblog log(file.path());
  log.add(one);
  log.flush();
  const std::string text = file.text();
  REQUIRE(text.compare(0, kHeader.size(), kHeader) == 0);
  return text.substr(kHeader.size());
}

template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("joblog: the header is there before any row") {
  const LogFile file;
  const Joblog log(file.path());
  CHECK(file.text() == kHeader);
}

TEST_CASE("joblog: a row has GNU parallel's columns and widths") {
  CHECK(row_text(row(1, "echo a b")) == "1\t:\t1795354483.445\t     1.238\t0\t5\t0\t0\techo a b\n");
}

TEST_CASE("joblog: signals and timeouts") {
  JoblogRow killed = row(12, "x");
  killed.exit_value = 128 + 9;
  killed.signal = 9;
  CHECK(row_text(killed) == "12\t:\t1795354483.445\t     1.238\t0\t5\t137\t9\tx\n");
  JoblogRow late = row(13, "x");
  late.exit_value = -1;
  late.signal = 15;
  CHECK(row_text(late) == "13\t:\t1795354483.445\t     1.238\t0\t5\t-1\t15\tx\n");
}

TEST_CASE("joblog: times are rounded, and long ones are wider than their column") {
  JoblogRow one = row(1, "x");
  one.start_ns = 0;
  one.runtime_ns = 499999;
  CHECK(row_text(one) == "1\t:\t     0.000\t     0.000\t0\t5\t0\t0\tx\n");
  one.runtime_ns = 999500000;
  CHECK(row_text(one) == "1\t:\t     0.000\t     1.000\t0\t5\t0\t0\tx\n");
  one.runtime_ns = 12345678123000000;
  CHECK(row_text(one) == "1\t:\t     0.000\t12345678.123\t0\t5\t0\t0\tx\n");
}

TEST_CASE("joblog: a newline in a command becomes a NUL byte, as in GNU parallel; a TAB stays") {
  const std::string text = row_text(row(1, "echo 'a\nb'\tc"));
  CHECK(text.substr(text.find("echo")) == std::string("echo 'a\0b'\tc\n", 13));
}

TEST_CASE("joblog: the largest numbers fit") {
  JoblogRow one = row(~std::uint64_t{0}, "x");
  one.start_ns = one.runtime_ns = 9223372036854000000;
  one.send = one.receive = ~std::uint64_t{0};
  one.exit_value = one.signal = -2147483647 - 1;
  CHECK(row_text(one) ==
        "18446744073709551615\t:\t9223372036.854\t9223372036.854\t18446744073709551615\t"
        "18446744073709551615\t-2147483648\t-2147483648\tx\n");
}

TEST_CASE("joblog: an old log is replaced, or kept when appending") {
  const LogFile file;
  {
    Joblog log(file.path());
    log.add(row(1, "first"));
  }
  const std::string before = file.text();
  {
    Joblog log(file.path(), Joblog::Start::kAppend);
    log.add(row(2, "second"));
  }
  CHECK(file.text().compare(0, before.size(), before) == 0);
  CHECK(file.text().substr(before.size()).find("2\t:\t") == 0);
  { const Joblog log(file.path()); }
  CHECK(file.text() == kHeader);
}

TEST_CASE("joblog: rows gather until flush or until a block is full") {
  const LogFile file;
  Joblog log(file.path());
  log.add(row(1, "a"));
  CHECK(file.text() == kHeader);
  log.flush();
  const std::size_t size = file.text().size();
  CHECK(size > kHeader.size());
  log.add(row(2, std::string(100000, 'x')));
  CHECK(file.text().size() > size + 100000);
  CHECK(file.text().back() == '\n');
}

TEST_CASE("joblog: a file that cannot be opened is an error that names it") {
  CHECK(error_of([] { const Joblog log("/nonexistent/log"); }) ==
        "cannot write the job log /nonexistent/log: No such file or directory");
}

TEST_CASE("joblog: a full disk is an error that names the file") {
  CHECK(error_of([] { const Joblog log("/dev/full"); }) ==
        "cannot write the job log /dev/full: No space left on device");
}

TEST_CASE("joblog: a row that was cut is taken back") {
  const LogFile file;
  Joblog log(file.path());
  log.add(row(1, "first"));
  log.flush();
  const std::string before = file.text();
  // A sealed file cannot grow: every byte beyond the present size fails.
  const ipc::UniqueFd fd(::memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(fd);
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  Joblog sealed(path);
  REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW) == 0);
  sealed.add(row(1, std::string(100, 'x')));
  CHECK(error_of([&] { sealed.flush(); }).find("cannot write the job log") == 0);
  CHECK(static_cast<std::size_t>(::lseek(fd.get(), 0, SEEK_END)) == kHeader.size());
  // The rows were given up; the next flush has nothing to do.
  sealed.flush();
}
