#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "runner/team/kept_logs.h"
#include "worker/kept_log.h"

using namespace enjoin;

namespace {

ipc::UniqueFd memory_file(const std::string& text = "") {
  ipc::UniqueFd file(::memfd_create("log", MFD_CLOEXEC));
  REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return file;
}

std::string text_of(int fd, std::int64_t begin, std::int64_t end) {
  std::string text(static_cast<std::size_t>(end - begin), '\0');
  REQUIRE(::pread(fd, text.data(), text.size(), begin) == end - begin);
  return text;
}

}  // namespace

TEST_CASE("kept log: jobs lie one behind the other, behind what a predecessor left") {
  ipc::UniqueFd out = memory_file("before");
  const int fd = out.get();
  KeptLog log(std::move(out), memory_file());
  log.begin_job();
  log.append(kStdout, "ab");
  log.append(kStdout, "c");
  const ipc::KeptSpan first = log.span();
  log.begin_job();
  log.append_file(kStdout, memory_file("file").get());
  const ipc::KeptSpan second = log.span();
  CHECK(text_of(fd, first.begin[0], first.end[0]) == "abc");
  CHECK(text_of(fd, second.begin[0], second.end[0]) == "file");
  CHECK(text_of(fd, 0, second.end[0]) == "beforeabcfile");
  CHECK(second.begin[1] == second.end[1]);
}

TEST_CASE("kept log: a large file is copied whole") {
  std::string large(300'000, 'x');
  for (std::size_t at = 0; at < large.size(); at += 7) large[at] = static_cast<char>('a' + at % 26);
  const ipc::UniqueFd from = memory_file(large);
  const ipc::UniqueFd to = memory_file("12345");
  std::int64_t end = 5;
  CHECK(append_file(from.get(), to.get(), &end) == 0);
  CHECK(text_of(to.get(), 5, end) == large);
}

TEST_CASE("kept log: where nothing can be written a job's output ends there") {
  KeptLog log(ipc::UniqueFd(::open("/dev/full", O_RDWR | O_CLOEXEC)), memory_file());
  log.begin_job();
  log.append(kStdout, "lost");
  log.append(kStderr, "kept");
  CHECK(log.span().begin[0] == log.span().end[0]);
  CHECK(log.span().end[1] == 4);
}

TEST_CASE("kept logs: only what lies in the file is believed") {
  KeptLogs logs("/tmp", 2);
  const int fd = logs.open(1, kStdout);
  REQUIRE(::write(fd, "12345", 5) == 5);
  CHECK(logs.holds(1, {{0, 0}, {5, 0}}));
  CHECK(logs.holds(1, {{5, 0}, {5, 0}}));
  CHECK_FALSE(logs.holds(1, {{0, 0}, {6, 0}}));
  CHECK_FALSE(logs.holds(1, {{-1, 0}, {2, 0}}));
  CHECK_FALSE(logs.holds(1, {{3, 0}, {2, 0}}));
  CHECK_FALSE(logs.holds(1, {{0, 0}, {5, 1}}));  // there is no such file
  CHECK_FALSE(logs.holds(0, {{0, 0}, {1, 0}}));
}

TEST_CASE("kept logs: what a dead worker left goes behind what it kept") {
  KeptLogs logs("/tmp", 1);
  REQUIRE(::write(logs.open(0, kStdout), "kept", 4) == 4);
  logs.open(0, kStderr);
  const ipc::UniqueFd capture[2] = {memory_file("left"), memory_file("error")};
  const ipc::KeptSpan span = logs.take_left(0, capture, 1 << 20);
  CHECK(span.begin[0] == 4);
  CHECK(text_of(logs.fd(0, 0), span.begin[0], span.end[0]) == "left");
  CHECK(text_of(logs.fd(0, 1), span.begin[1], span.end[1]) == "error");
}
