#include <array>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/socket.h>

#include "doctest/doctest.h"
#include "runner/executor/frame_socket.h"
#include "runner/executor/messages.h"

namespace enjoin {
namespace {

std::array<FrameSocket, 2> socket_pair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {FrameSocket(ipc::UniqueFd(ends[0])), FrameSocket(ipc::UniqueFd(ends[1]))};
}

ipc::UniqueFd numbered_file(char what) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(::write(ends[1], &what, 1) == 1);
  ::close(ends[1]);
  return ipc::UniqueFd(ends[0]);
}

char content(const ipc::UniqueFd& file) {
  char byte = 0;
  return ::read(file.get(), &byte, 1) == 1 ? byte : '-';
}

AddJobMessage big_job() {
  AddJobMessage job;
  job.id = JobId{7};
  job.command.argv = {"cc", "-c", "a b.c", ""};
  job.command.input = InputBytes{std::string("a\0b", 3)};
  job.command.output = Output::kLines;
  job.command.environment = {"A=b", "C"};
  job.command.limits = {{3, 4096}};
  job.command.timeout = std::chrono::seconds(5);
  job.command.after = AfterJob::kReport;
  job.options.stage = StageId{2};
  job.options.needs = {JobId{1}, JobId{6}};
  job.options.limits = {LimitId{1}};
  job.options.priority = -4;
  job.options.retry_backoff = 1.5;
  job.options.asks = true;
  job.targets = {3, 77};
  return job;
}

}  // namespace

TEST_CASE("frames: a job comes as it was sent") {
  AddJobMessage got;
  REQUIRE(unpack(pack(big_job()), &got));
  CHECK(got.id == JobId{7});
  CHECK(got.command.argv == std::vector<std::string>{"cc", "-c", "a b.c", ""});
  CHECK(std::get<InputBytes>(got.command.input).bytes == std::string("a\0b", 3));
  CHECK(got.command.output == Output::kLines);
  CHECK(got.command.environment == std::vector<std::string>{"A=b", "C"});
  REQUIRE(got.command.limits.size() == 1);
  CHECK(got.command.limits[0].value == 4096);
  CHECK(got.command.timeout == std::chrono::seconds(5));
  CHECK(got.command.after == AfterJob::kReport);
  CHECK(got.options.stage == StageId{2});
  CHECK(got.options.needs == std::vector<JobId>{JobId{1}, JobId{6}});
  CHECK(got.options.priority == -4);
  CHECK(got.options.retry_backoff == 1.5);
  CHECK(got.options.asks);
  CHECK(got.targets == std::vector<std::int32_t>{3, 77});
}

TEST_CASE("frames: every outcome comes as it was sent") {
  const auto through = [](Outcome outcome) {
    EndedMessage sent;
    sent.report.id = JobId{1};
    sent.report.outcome = outcome;
    EndedMessage got;
    REQUIRE(unpack(pack(sent), &got));
    return got.report.outcome;
  };
  CHECK(std::get<Exited>(through(Exited{3})).status == 3);
  CHECK(std::get<Signaled>(through(Signaled{9, true, true})).out_of_memory);
  CHECK(std::get<TimedOut>(through(TimedOut{15})).signal == 15);
  CHECK(std::get<Canceled>(through(Canceled{true, 2})).started);
  CHECK(std::holds_alternative<Lost>(through(Lost{})));
  CHECK(std::get<SpawnFailed>(through(SpawnFailed{2})).error == 2);
  CHECK(std::get<OutputFailed>(through(OutputFailed{28})).error == 28);
  CHECK(std::holds_alternative<InputShrank>(through(InputShrank{})));
}

TEST_CASE("frames: a body that was cut or lengthened anywhere is refused") {
  const std::string body = pack(big_job());
  AddJobMessage got;
  for (std::size_t size = 0; size < body.size(); ++size) {
    CHECK_FALSE(unpack(body.substr(0, size), &got));
  }
  CHECK_FALSE(unpack(body + "x", &got));
}

TEST_CASE("frames: a body with any one byte changed is refused or read, and nothing worse") {
  const std::string body = pack(big_job());
  AddJobMessage got;
  int refused = 0;
  for (std::size_t at = 0; at < body.size(); ++at) {
    std::string damaged = body;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    if (!unpack(damaged, &got)) ++refused;
  }
  CHECK(refused > 0);
}

TEST_CASE("frames: descriptors come with the frame that they were sent with") {
  auto [left, right] = socket_pair();
  const auto with = [](char what) {
    std::vector<ipc::UniqueFd> files;
    files.push_back(numbered_file(what));
    files.push_back(numbered_file(static_cast<char>(what + 1)));
    return files;
  };
  left.queue(1, "plain");
  left.queue(2, "ab", with('a'));
  left.queue(3, "glued");
  left.queue(4, "cd", with('c'));
  REQUIRE(left.flush());
  SocketFrame frame;
  for (const int kind : {1, 2, 3, 4}) {
    REQUIRE(right.take(&frame) == FrameSocket::Got::kFrame);
    CHECK(frame.kind == kind);
    REQUIRE(frame.descriptors.size() == (kind % 2 == 0 ? 2 : 0));
    if (kind == 2) CHECK(content(frame.descriptors[1]) == 'b');
    if (kind == 4) CHECK(content(frame.descriptors[0]) == 'c');
  }
  CHECK(right.take(&frame) == FrameSocket::Got::kNothing);
}

TEST_CASE("frames: one that is larger than the socket comes whole, after a full socket too") {
  auto [left, right] = socket_pair();
  const std::string large(3 << 20, 'x');
  std::vector<ipc::UniqueFd> files;
  files.push_back(numbered_file('f'));
  left.queue(1, large, std::move(files));
  left.queue(2, "after");
  SocketFrame frame;
  std::size_t turns = 0;
  while (right.take(&frame) == FrameSocket::Got::kNothing) {
    REQUIRE(left.flush());
    REQUIRE(++turns < 10000);
  }
  CHECK(frame.body == large);
  CHECK(content(frame.descriptors.at(0)) == 'f');
  REQUIRE(left.flush());
  REQUIRE(right.take(&frame) == FrameSocket::Got::kFrame);
  CHECK(frame.body == "after");
}

TEST_CASE("frames: the end of the other side is told after what it had sent") {
  auto [left, right] = socket_pair();
  left.queue(1, "last words");
  REQUIRE(left.flush());
  left = FrameSocket();
  SocketFrame frame;
  CHECK(right.take(&frame) == FrameSocket::Got::kFrame);
  CHECK(right.take(&frame) == FrameSocket::Got::kGone);
  right.queue(1, "to nobody");
  CHECK_FALSE(right.flush());
}

TEST_CASE("frames: what is no frame is damage") {
  const auto sent = [](const void* bytes, std::size_t size) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    FrameSocket socket{ipc::UniqueFd(ends[0])};
    REQUIRE(::write(ends[1], bytes, size) == static_cast<ssize_t>(size));
    ::close(ends[1]);
    SocketFrame frame;
    return socket.take(&frame);
  };
  const FrameHeader too_large{kMostFrame + 1, 1, 0};
  CHECK(sent(&too_large, sizeof too_large) == FrameSocket::Got::kDamaged);
  const FrameHeader no_descriptor{0, 1, 1};
  CHECK(sent(&no_descriptor, sizeof no_descriptor) == FrameSocket::Got::kDamaged);
  const FrameHeader cut{100, 1, 0};
  CHECK(sent(&cut, sizeof cut) == FrameSocket::Got::kDamaged);
}

}  // namespace enjoin
