#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/ioctl.h>

#include "ipc/unique_fd.h"
#include "runner/progress.h"
#include "runner/progress_printer.h"
#include "worker/term_safe.h"

using namespace enjoin;
using namespace std::chrono_literals;

namespace {

ProgressSnapshot some_progress() {
  ProgressSnapshot now;
  now.total = 200;
  now.total_is_final = true;
  now.done = 50;
  now.running = 2;
  now.elapsed = 25s;
  now.average_runtime = 1s;
  now.recent_rate = 2;
  return now;
}

std::string line(ProgressKind kind, const ProgressSnapshot& now, std::size_t columns = 200) {
  return progress_line(kind, now, {columns, false});
}

}  // namespace

TEST_CASE("progress: --progress shows running, done and rate") {
  CHECK(line(ProgressKind::kProgress, some_progress()) == "2 running  50/200 done  2.0/s");
}

TEST_CASE("progress: --eta shows the time that is left") {
  CHECK(line(ProgressKind::kEta, some_progress()) ==
        "ETA 1m15s  left 150  average 1.00s  2 running  50/200 done");
}

TEST_CASE("progress: --bar shows a bar and the latest job") {
  ProgressSnapshot now = some_progress();
  now.latest = "file.gz";
  CHECK(line(ProgressKind::kBar, now) == "[#####...............]  25%  50/200  ETA 1m15s  file.gz");
}

TEST_CASE("progress: an unknown total is marked with a plus and has no estimate") {
  ProgressSnapshot now = some_progress();
  now.total_is_final = false;
  CHECK(line(ProgressKind::kProgress, now) == "2 running  50/200+ done  2.0/s");
  CHECK(line(ProgressKind::kEta, now) ==
        "ETA ?  left 150+  average 1.00s  2 running  50/200+ done");
  CHECK(line(ProgressKind::kBar, now) == "50/200+ done  2.0/s");
}

TEST_CASE("progress: failed jobs are counted only where there are some") {
  ProgressSnapshot now = some_progress();
  now.failed = 3;
  CHECK(line(ProgressKind::kProgress, now) == "2 running  50/200 done  2.0/s  3 failed");
  CHECK(progress_line(ProgressKind::kProgress, now, {200, true}) ==
        "2 running  50/200 done  2.0/s\x1b[31m  3 failed\x1b[0m");
}

TEST_CASE("progress: before the first and after the last job") {
  ProgressSnapshot now;
  now.total_is_final = true;
  now.total = 3;
  CHECK(line(ProgressKind::kEta, now) == "ETA ?  left 3  average ?  0 running  0/3 done");
  now.done = 3;
  now.elapsed = 6s;
  CHECK(line(ProgressKind::kBar, now) == "[####################] 100%  3/3  in 6s");
  CHECK(line(ProgressKind::kBar, {}) == "0/0+ done  0.0/s");
  now.done = now.total = 0;
  CHECK(line(ProgressKind::kBar, now) == "[####################] 100%  0/0  in 6s");
}

TEST_CASE("progress: without a recent rate the whole run's rate counts") {
  ProgressSnapshot now = some_progress();
  now.recent_rate = 0;
  CHECK(line(ProgressKind::kProgress, now) == "2 running  50/200 done  2.0/s");
}

TEST_CASE("progress: lines are cut to the terminal's width") {
  ProgressSnapshot now = some_progress();
  now.failed = 1;
  now.latest = "\xe6\x97\xa5\xe6\x9c\xac";  // two wide characters
  CHECK(line(ProgressKind::kProgress, now, 10) == "2 running ");
  const std::string whole = line(ProgressKind::kBar, now);
  const std::size_t columns = term_columns(whole);
  CHECK(columns == whole.size() - 2);
  CHECK(line(ProgressKind::kBar, now, columns - 1) == whole.substr(0, whole.size() - 3));
  // Colours are left out rather than cut.
  CHECK(progress_line(ProgressKind::kProgress, now, {35, true}).find('\x1b') == std::string::npos);
}

TEST_CASE("progress: job data cannot reach the terminal as control characters") {
  ProgressSnapshot now = some_progress();
  now.latest = "\x1b]52;c;ZXZpbA==\x07\r\n";
  const std::string text = line(ProgressKind::kBar, now);
  CHECK(text.find("\\x1B]52;c;ZXZpbA==\\x07\\r\\n") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("progress: durations in few characters") {
  CHECK(short_duration(0s) == "0s");
  CHECK(short_duration(59s) == "59s");
  CHECK(short_duration(59600ms) == "1m00s");
  CHECK(short_duration(185s) == "3m05s");
  CHECK(short_duration(7260s) == "2h01m");
  CHECK(short_duration(std::chrono::hours(103)) == "4d07h");
  CHECK(short_duration(-5s) == "0s");
}

TEST_CASE("progress: the recent rate forgets what is long ago") {
  RateMeter meter;
  CHECK(meter.rate() == 0);
  const RateMeter::TimePoint start{};
  meter.add(start, 0);
  CHECK(meter.rate() == 0);
  meter.add(start + 1s, 10);
  CHECK(meter.rate() == doctest::Approx(10));
  for (int second = 2; second <= 60; ++second) {
    meter.add(start + std::chrono::seconds(second), 10);
  }
  CHECK(meter.rate() == 0);
  meter.add(start + 60s + 1ms, 20);
  CHECK(meter.rate() > 0);
}

TEST_CASE("progress: elsewhere than on a terminal plain lines come every few seconds") {
  int fds[2];
  REQUIRE(::pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
  const ipc::UniqueFd reader(fds[0]);
  const ipc::UniqueFd writer(fds[1]);
  const auto now = std::chrono::steady_clock::now();
  ProgressPrinter printer(ProgressKind::kProgress, writer.get());
  CHECK(printer.until_due(now) > 0s);
  printer.update(some_progress(), now);
  printer.update(some_progress(), now + 6s);
  CHECK(printer.until_due(now + 6s) == 5s);
  printer.update(some_progress(), now + 7s);
  printer.clear();
  char text[1000];
  const ssize_t size = ::read(reader.get(), text, sizeof(text));
  REQUIRE(size > 0);
  CHECK(std::string(text, static_cast<std::size_t>(size)) == "2 running  50/200 done  2.0/s\n");
}

TEST_CASE("progress: a pipe that is full is not waited for") {
  int fds[2];
  REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
  const ipc::UniqueFd reader(fds[0]);
  const ipc::UniqueFd writer(fds[1]);
  const std::string filling(static_cast<std::size_t>(::fcntl(fds[1], F_GETPIPE_SZ)), 'x');
  REQUIRE(::write(writer.get(), filling.data(), filling.size()) ==
          static_cast<ssize_t>(filling.size()));
  ProgressPrinter printer(ProgressKind::kBar, writer.get());
  printer.update(some_progress(), std::chrono::steady_clock::now() + 10s);
  printer.finish(some_progress(), std::chrono::steady_clock::now() + 20s);
}

TEST_CASE("progress: a line that a job left unfinished on the terminal is not drawn over") {
  ::setenv("TERM", "xterm", 1);  // with "dumb" nothing is drawn
  const ipc::UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  REQUIRE(::grantpt(terminal.get()) == 0);
  REQUIRE(::unlockpt(terminal.get()) == 0);
  const winsize size{.ws_row = 24, .ws_col = 60, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(::ioctl(terminal.get(), TIOCSWINSZ, &size) == 0);
  const ipc::UniqueFd ours(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ProgressPrinter printer(ProgressKind::kProgress, ours.get());
  printer.update(some_progress(), std::chrono::steady_clock::now());
  printer.clear();
  // Blanks as far as the line below; then the status, and the cursor back to where it begins. What
  // takes it away takes nothing before it.
  const std::string expected =
      std::string(60, ' ') + "\r2 running  50/200 done  2.0/s\033[K\033[J\r\033[J";
  std::string shown;
  while (shown.size() < expected.size()) {  // a terminal may hand it over in pieces
    pollfd readable{.fd = terminal.get(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, -1) == 1);
    char text[1000];
    const ssize_t got = ::read(terminal.get(), text, sizeof text);
    REQUIRE(got > 0);
    shown.append(text, static_cast<std::size_t>(got));
  }
  CHECK(shown == expected);
}
