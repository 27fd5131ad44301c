#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "worker/capture.h"
#include "worker/spawn.h"

using enjoin::Capture;
using enjoin::CaptureFiles;
using enjoin::kStderr;
using enjoin::kStdout;

namespace {

class StringSink final : public enjoin::OutputSink {
 public:
  void take(int stream, std::string_view bytes) override { text[stream] += bytes; }
  std::string text[2];
};

std::string contents(int fd) {
  std::string text;
  char chunk[4096];
  for (ssize_t got; (got = ::pread(fd, chunk, sizeof chunk, static_cast<off_t>(text.size()))) > 0;)
    text.append(chunk, static_cast<std::size_t>(got));
  return text;
}

pid_t start(const Capture& capture, const std::string& line) {
  const char* const words[] = {"sh", "-c", line.c_str(), nullptr};
  enjoin::SpawnRequest request;
  request.path = "/bin/sh";
  request.argv = const_cast<char* const*>(words);
  request.environment = environ;
  for (int stream : {kStdout, kStderr}) request.stdio[1 + stream] = capture.job_fd(stream);
  enjoin::Child child;
  REQUIRE(enjoin::spawn(request, &child) == 0);
  return child.pid;
}

void wait_for(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0) REQUIRE(errno == EINTR);
}

void run(Capture& capture, const std::string& line) {
  wait_for(start(capture, line));
  capture.finish();
}

}  // namespace

TEST_CASE("capture files: they have no name") {
  const CaptureFiles files("/tmp");
  for (int stream : {kStdout, kStderr}) {
    struct stat status {};
    REQUIRE(::fstat(files.fd(stream), &status) == 0);
    CHECK(status.st_nlink == 0);
  }
}

TEST_CASE("capture files: where the folder cannot be written, memory serves") {
  const CaptureFiles files("/nonexistent");
  CHECK(::write(files.fd(kStdout), "x", 1) == 1);
  CHECK(files.size(kStdout) == 1);
}

TEST_CASE("capture in files: both streams apart, with their sizes") {
  CaptureFiles files("/tmp");
  const auto capture = enjoin::capture_in_files(files);
  run(*capture, "echo out; echo error >&2; printf more");
  CHECK(contents(files.fd(kStdout)) == "out\nmore");
  CHECK(contents(files.fd(kStderr)) == "error\n");
  CHECK(capture->bytes(kStdout) == 8);
  CHECK(capture->bytes(kStderr) == 6);
  CHECK(capture->error() == 0);
}

TEST_CASE("capture in files: a job that opens /dev/stdout again appends") {
  CaptureFiles files("/tmp");
  const auto capture = enjoin::capture_in_files(files);
  run(*capture, "echo first; echo second >> /dev/stdout; echo third");
  CHECK(contents(files.fd(kStdout)) == "first\nsecond\nthird\n");
}

TEST_CASE("capture in files: a job that truncates /dev/stdout loses what it wrote, as in a file") {
  CaptureFiles files("/tmp");
  const auto capture = enjoin::capture_in_files(files);
  run(*capture, "echo first; echo second > /dev/stdout; echo third");
  CHECK(contents(files.fd(kStdout)) == "second\nthird\n");
  CHECK(capture->bytes(kStdout) == 13);
}

TEST_CASE("capture in files: reset empties them for the next job") {
  CaptureFiles files("/tmp");
  const auto capture = enjoin::capture_in_files(files);
  run(*capture, "echo first");
  capture->reset();
  CHECK(files.size(kStdout) == 0);
  run(*capture, "printf 2");
  CHECK(contents(files.fd(kStdout)) == "2");
  CHECK(capture->bytes(kStdout) == 1);
}

TEST_CASE("capture by pipes: all that was written is there at the end") {
  StringSink sink;
  const auto capture = enjoin::capture_by_pipes(sink, 0);
  run(*capture, "echo out; echo error >&2");
  CHECK(sink.text[kStdout] == "out\n");
  CHECK(sink.text[kStderr] == "error\n");
  CHECK(capture->bytes(kStdout) == 4);
}

TEST_CASE("capture by pipes: beyond the cap bytes are counted, not kept") {
  StringSink sink;
  const auto capture = enjoin::capture_by_pipes(sink, 5);
  run(*capture, "printf 12345; printf 678");
  CHECK(sink.text[kStdout] == "12345");
  CHECK(capture->bytes(kStdout) == 8);
  CHECK(capture->cut(kStdout));
  CHECK_FALSE(capture->cut(kStderr));
}

TEST_CASE("capture by pipes: exactly the cap is not cut") {
  StringSink sink;
  const auto capture = enjoin::capture_by_pipes(sink, 5);
  run(*capture, "printf 12345");
  CHECK_FALSE(capture->cut(kStdout));
}

TEST_CASE("capture by pipes: the end does not wait for what writes on for ever") {
  StringSink sink;
  const auto capture = enjoin::capture_by_pipes(sink, 0);
  const pid_t writer = start(*capture, "exec yes");
  wait_for(start(*capture, "exit 0"));
  capture->finish();
  CHECK(capture->bytes(kStdout) == sink.text[kStdout].size());
  ::kill(writer, SIGKILL);
  wait_for(writer);
}

TEST_CASE("inherited output: nothing is captured") {
  const auto capture = enjoin::inherit_output();
  CHECK(capture->job_fd(kStdout) == -1);
  CHECK(capture->poll_fd(kStdout) == -1);
  CHECK(capture->bytes(kStdout) == 0);
}

TEST_CASE("capture: a file's bytes beyond its cap take no space, and count") {
  CaptureFiles files("/tmp");
  const auto capture = enjoin::capture_in_files(files);
  capture->set_cap(10);
  CHECK(capture->trim() > 0);
  const std::string written = "0123456789" + std::string(1 << 20, 'x');
  REQUIRE(::write(files.fd(kStdout), written.data(), written.size()) ==
          static_cast<ssize_t>(written.size()));
  CHECK(capture->trim() > 0);
  struct stat status {};
  REQUIRE(::fstat(files.fd(kStdout), &status) == 0);
  CHECK(status.st_blocks * 512 < 1 << 17);
  capture->finish();
  CHECK(capture->cut(kStdout));
  CHECK(!capture->cut(kStderr));
  CHECK(capture->bytes(kStdout) == written.size());
  CHECK(contents(files.fd(kStdout)) == "0123456789");
  capture->reset();
  capture->set_cap(0);
  CHECK(capture->trim() == 0);
}
