#include <csignal>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/jsonl/event_stream.h"
#include "runner/jsonl/json_text.h"
#include "support/memory_file.h"

namespace enjoin {
namespace {

using namespace std::chrono_literals;
using test::MemoryFile;

constexpr EventStream::Bounds kTight{.most_waiting = 1000, .patience = 1ms};

std::string path_of(const ipc::UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

/// A pipe of the least size.
struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
    size = static_cast<std::size_t>(::fcntl(write_end.get(), F_SETPIPE_SZ, 4096));
  }
  /// All that is in it.
  std::string read() const {
    std::string text;
    char bytes[8192];
    for (ssize_t got; (got = ::read(read_end.get(), bytes, sizeof bytes)) > 0;) {
      text.append(bytes, static_cast<std::size_t>(got));
    }
    return text;
  }
  ipc::UniqueFd read_end, write_end;
  std::size_t size = 0;
};

/// SIGPIPE kills, unless it is blocked as in the program.
struct PipeSignalBlocked {
  PipeSignalBlocked() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, &before);
  }
  ~PipeSignalBlocked() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    const timespec now{};
    sigtimedwait(&set, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  sigset_t before{};
};

std::string json(std::string_view text) {
  std::string out;
  append_json_text(text, &out);
  return out;
}

TEST_CASE("json text: what JSON cannot hold is escaped") {
  CHECK(json("a\"b\\c\n\t\r\x01\x7f") == R"("a\"b\\c\n\t\r\u0001\u007f")");
  CHECK(json("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80") ==
        "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
}

TEST_CASE("json text: bytes that are no UTF-8 are replaced one by one") {
  CHECK(json("a\xFFz") == R"("a\ufffdz")");
  CHECK(json("\xC0\xAF") == R"("\ufffd\ufffd")");            // overlong
  CHECK(json("\xED\xA0\x80") == R"("\ufffd\ufffd\ufffd")");  // a surrogate
  CHECK(json("\xF4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
  CHECK(json("\xE2\x82") == R"("\ufffd\ufffd")");  // cut off
}

TEST_CASE("json text: a field that is no UTF-8 has its bytes beside it") {
  std::string line;
  JsonLine(&line).add("a", "\xFF\x01").add("b", 5).add("c", true).add("d", -1500us).end();
  CHECK(line ==
        "{\"a\":\"\\ufffd\\u0001\",\"a_base64\":\"/wE=\",\"b\":5,\"c\":true,\"d\":-0.001500}\n");
}

TEST_CASE("base64: all lengths") {
  const auto coded = [](std::string_view bytes) {
    std::string out;
    append_base64(bytes, &out);
    return out;
  };
  CHECK(coded("") == "");
  CHECK(coded("f") == "Zg==");
  CHECK(coded("ab") == "YWI=");
  CHECK(coded("foo") == "Zm9v");
  CHECK(coded("foob") == "Zm9vYg==");
  CHECK(coded("\xFF\xFE\xFD") == "//79");
}

TEST_CASE("event stream: a file holds all lines once it was flushed") {
  const MemoryFile file("what was there");
  EventStream stream(file.path());
  stream.put("a\n");
  stream.put("b\n");
  stream.flush();
  CHECK(file.text() == "a\nb\n");
  CHECK(!stream.is_waiting());
}

TEST_CASE("event stream: what a slow reader does not take waits") {
  const Pipe pipe;
  EventStream stream(path_of(pipe.write_end), {.most_waiting = 1 << 20, .patience = 1ms});
  std::string sent, got;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    stream.put(line);
    sent += line;
  }
  stream.flush();
  CHECK(stream.is_waiting());
  while (got.size() < sent.size()) {
    const std::size_t before = got.size();
    got += pipe.read();
    stream.flush();
    REQUIRE(got.size() + pipe.size > before);
  }
  CHECK(got == sent);
  CHECK_NOTHROW(stream.finish());
}

TEST_CASE("event stream: a reader that takes nothing loses lines, and is told how many") {
  const Pipe pipe;
  EventStream stream(path_of(pipe.write_end), kTight);
  const std::string line = std::string(99, 'x') + "\n";
  for (int i = 0; i < 100; ++i) stream.put(line);
  std::string got = pipe.read();
  stream.flush();
  got += pipe.read();
  stream.put("last\n");
  stream.flush();
  got += pipe.read();
  CHECK(got.ends_with("}\nlast\n"));
  const std::size_t gap = got.find("{\"event\":\"events_lost\",\"events\":");
  REQUIRE(gap != std::string::npos);
  CHECK(gap % line.size() == 0);
  const auto lost = std::stoul(got.substr(gap + 32));
  CHECK(lost + gap / line.size() == 100);
  CHECK_THROWS_AS(stream.finish(), Error);
}

TEST_CASE("event stream: at the end a reader is not waited for for ever") {
  const Pipe pipe;
  EventStream stream(path_of(pipe.write_end), {.most_waiting = 1 << 20, .patience = 1ms});
  stream.put(std::string(100'000, 'x') + "\n");
  CHECK_THROWS_AS(stream.finish(), Error);
  CHECK_NOTHROW(stream.finish());
}

TEST_CASE("event stream: a reader that has gone is an error once, then lines go nowhere") {
  const PipeSignalBlocked blocked;
  Pipe pipe;
  EventStream stream(path_of(pipe.write_end), kTight);
  pipe.write_end.reset();
  pipe.read_end.reset();
  stream.put("a\n");
  try {
    stream.flush();
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("the reader has gone") != std::string::npos);
  }
  CHECK_NOTHROW(stream.put("b\n"));
  CHECK_NOTHROW(stream.flush());
  CHECK_NOTHROW(stream.finish());
}

TEST_CASE("event stream: a full disk is an error") {
  EventStream stream("/dev/full");
  stream.put("a\n");
  try {
    stream.flush();
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) ==
          "cannot write the events to /dev/full: No space left on device");
  }
}

TEST_CASE("event stream: a file that cannot be opened is told") {
  CHECK_THROWS_AS(EventStream("/nowhere/at/all"), Error);
}

}  // namespace
}  // namespace enjoin
