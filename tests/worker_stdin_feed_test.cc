#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "worker/stdin_feed.h"

using namespace enjoin;

namespace {

// SIGPIPE is blocked in workers.
struct NoSigpipe {
  NoSigpipe() { before = ::signal(SIGPIPE, SIG_IGN); }
  ~NoSigpipe() { ::signal(SIGPIPE, before); }
  sighandler_t before;
};

ipc::UniqueFd memory_file(const std::string& text) {
  ipc::UniqueFd fd(::memfd_create("enjoin-test", MFD_CLOEXEC));
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return fd;
}

std::string counted(std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += std::to_string(i) + '\n';
  text.resize(bytes);
  return text;
}

ipc::StdinAnswer pieces(std::initializer_list<ipc::StdinPiece> list) {
  ipc::StdinAnswer answer;
  answer.kind = ipc::StdinKind::kPieces;
  for (const ipc::StdinPiece& piece : list) answer.piece[answer.pieces++] = piece;
  return answer;
}

// Reads the pipe to its end, feeding in between.
std::string drain(StdinFeed& feed, const ipc::UniqueFd& end) {
  std::string got;
  char bytes[7000];
  while (true) {
    feed.pump();
    const ssize_t size = ::read(end.get(), bytes, sizeof bytes);
    if (size <= 0) return got;
    got.append(bytes, static_cast<std::size_t>(size));
  }
}

}  // namespace

TEST_CASE("stdin feed: pieces of several files come one after the other, and then the end") {
  const std::string big = counted(3'000'000);
  ipc::StdinDescriptors files;
  files[0] = memory_file("header\n");
  files[1] = memory_file(big);
  StdinFeed feed(pieces({{0, 7}, {10, 2'500'000}}), std::move(files));
  const ipc::UniqueFd end = feed.open_pipe();
  REQUIRE(end);
  const std::string got = drain(feed, end);
  CHECK(got.size() == 2'500'007);
  CHECK((got == "header\n" + big.substr(10, 2'500'000)));
  CHECK(feed.wants().fd == -1);
  CHECK_FALSE(feed.fell_short());
}

TEST_CASE("stdin feed: where nobody reads any more, it is at its end") {
  const NoSigpipe ignored;
  ipc::StdinDescriptors files;
  files[0] = memory_file(counted(3'000'000));
  StdinFeed feed(pieces({{0, 3'000'000}}), std::move(files));
  ipc::UniqueFd end = feed.open_pipe();
  feed.pump();
  CHECK(feed.wants().events == POLLOUT);
  end.reset();
  feed.pump();
  CHECK(feed.wants().fd == -1);
  CHECK_FALSE(feed.fell_short());
}

TEST_CASE("stdin feed: a file that is shorter than its piece is noticed") {
  ipc::StdinDescriptors files;
  files[0] = memory_file("12345");
  StdinFeed feed(pieces({{0, 10}}), std::move(files));
  const ipc::UniqueFd end = feed.open_pipe();
  CHECK(drain(feed, end) == "12345");
  CHECK(feed.fell_short());
}

TEST_CASE("stdin feed: a pipe is moved as its bytes come") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ipc::UniqueFd source(ends[1]);
  ipc::StdinAnswer answer;
  answer.kind = ipc::StdinKind::kFile;
  ipc::StdinDescriptors files;
  files[0].reset(ends[0]);
  StdinFeed feed(answer, std::move(files));
  const ipc::UniqueFd end = feed.open_pipe();
  feed.pump();
  CHECK(feed.wants().fd == ends[0]);
  CHECK(feed.wants().events == POLLIN);
  REQUIRE(::write(source.get(), "abc", 3) == 3);
  source.reset();
  CHECK(drain(feed, end) == "abc");
}

TEST_CASE("stdin feed: all is copied into a file, until it is told to stop") {
  const std::string big = counted(20'000'000);
  ipc::StdinDescriptors files;
  files[0] = memory_file(big);
  const ipc::UniqueFd to = memory_file("");
  StdinFeed feed(pieces({{5, 19'000'000}}), std::move(files));
  SUBCASE("whole") {
    CHECK(feed.copy_into(to.get(), [] { return true; }) == 0);
    std::string got(19'000'000, '\0');
    CHECK(::pread(to.get(), got.data(), got.size(), 0) == 19'000'000);
    CHECK((got == big.substr(5, 19'000'000)));
  }
  SUBCASE("stopped") {
    CHECK(feed.copy_into(to.get(), [left = 2]() mutable { return left-- > 0; }) == ECANCELED);
  }
}
