// Jobs and the terminal that enjoin runs on.

#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <termios.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/ioctl.h>

#include "support/isolated.h"
#include "support/neighbours.h"

using namespace enjoin::test;

namespace {

/// A pseudo terminal. Programs that are started with options() have it as their own.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(::grantpt(master_.get()) == 0);
    REQUIRE(::unlockpt(master_.get()) == 0);
    char name[64] = {};
    REQUIRE(::ptsname_r(master_.get(), name, sizeof name) == 0);
    name_ = name;
    slave_.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(slave_);
  }
  const std::string& name() const { return name_; }
  RunOptions options() const {
    return {.before_exec = [slave = slave_.get()] {
      ::ioctl(slave, TIOCSCTTY, 0);
      for (int fd = 0; fd < 3; ++fd) ::dup2(slave, fd);
    }};
  }
  void type(const std::string& text) const {
    REQUIRE(::write(master_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  /// All that was shown so far.
  std::string shown() const {
    std::string text;
    pollfd watched{master_.get(), POLLIN, 0};
    char chunk[4096];
    while (::poll(&watched, 1, 0) > 0 && (watched.revents & POLLIN) != 0) {
      const ssize_t got = ::read(master_.get(), chunk, sizeof chunk);
      if (got <= 0) break;
      text.append(chunk, static_cast<std::size_t>(got));
    }
    return text;
  }
  tcflag_t local_flags() const {
    termios now{};
    REQUIRE(::tcgetattr(slave_.get(), &now) == 0);
    return now.c_lflag;
  }
  int typed_ahead() const {
    int bytes = 0;
    REQUIRE(::ioctl(slave_.get(), FIONREAD, &bytes) == 0);
    return bytes;
  }

 private:
  enjoin::ipc::UniqueFd master_;
  enjoin::ipc::UniqueFd slave_;
  std::string name_;
};

std::string without(std::string text, const std::string& part) {
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos;) {
    text.erase(at, part.size());
  }
  return text;
}

}  // namespace

TEST_CASE("adversarial 13: bytes that are no text arrive as they are") {
  const Sandbox box;
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  box.write("all", all);
  const std::string osc = "\033]52;c;ZXZpbA==\a\r\033[2K\xff\xc3";
  for (const Street street : {Street::kPlain, Street::kOrdered, Street::kPiped}) {
    const NeighbourRun run = run_between_neighbours(
        box, {.hostile = {"cat all", "cat all >&2",
                          "printf '\\033]52;c;ZXZpbA==\\a\\r\\033[2K\\377\\303'"},
              .street = street});
    CHECK_MESSAGE(run.holds(), run.report());
    CHECK(run.hostile_out.find(all) != std::string::npos);
    CHECK(run.hostile_out.find(osc) != std::string::npos);
    CHECK(run.hostile_err.find(all) != std::string::npos);
  }
  CHECK(box.shell("enjoin --results res cat ::: all; cmp all res/1/all/stdout").status == 0);
}

TEST_CASE("adversarial 13: on the terminal, names in our own messages are escaped") {
  const Sandbox box;
  const Terminal terminal;
  const Ran ran = box.enjoin({"--timeout", "0.3", "-j1", "--delay", "0.01", "--bar",
                              "sleep 1000; : {}", ":::", "\033]52;c;ZXZpbA==\a",
                              "\x9b"
                              "31m\xc2\x9b"
                              "31m",
                              "a\rb\nc\x7f",
                              "\xe2\x80\xae"
                              "abc"},
                             terminal.options());
  CHECK(ran.status == 4);
  // The bar itself goes to the beginning of the line and colours it.
  const std::string shown = terminal.shown();
  CHECK(shown.find("timed out") != std::string::npos);
  CHECK(shown.find("\033]52") == std::string::npos);
  CHECK(shown.find('\a') == std::string::npos);
  CHECK(shown.find("\x9b") == std::string::npos);
  CHECK(shown.find('\x7f') == std::string::npos);
  CHECK(shown.find("\xe2\x80\xae") == std::string::npos);
  CHECK(shown.find("a\rb") == std::string::npos);
}

TEST_CASE("adversarial 25: a terminal that a job leaves raw is as it was when the run is over") {
  const Sandbox box;
  const Terminal terminal;
  const tcflag_t before = terminal.local_flags();
  const Ran ran = box.enjoin({"-N0",
                              "trap '' TTOU; stty -F " + terminal.name() + " raw -echo; stty -F " +
                                  terminal.name() + " -a | grep -o -e -icanon; echo done",
                              ":::", "a"},
                             terminal.options());
  CHECK(ran.status == 0);
  CHECK(terminal.shown().find("-icanon") != std::string::npos);
  CHECK(terminal.local_flags() == before);
}

TEST_CASE("adversarial 25: a job that reads from the terminal gets nothing, and can be stopped") {
  const Sandbox box;
  const Terminal terminal;
  terminal.type("secret\n");
  const Ran ran = box.enjoin({"-k", "--timeout", "2",
                              "if [ {} = 1 ]; then trap '' TTIN TTOU; fi; cat; cat </dev/tty; tty; "
                              "echo end",
                              ":::", "1", "2"},
                             terminal.options());
  CHECK(ran.status == 1);  // the second was stopped by the kernel, and then by its timeout
  const std::string shown = terminal.shown();
  CHECK(shown.find("end") != std::string::npos);
  CHECK(shown.find("not a tty") != std::string::npos);
  CHECK(shown.find("timed out") != std::string::npos);
  // What was typed is echoed once, and is still there for who may read it.
  CHECK(without(shown, "secret").size() + 6 == shown.size());
  CHECK(terminal.typed_ahead() == 7);
}

TEST_CASE("adversarial 25: a foreground that a job took into its grave comes back to the shell") {
  const OutsideTmp outside;
  const Sandbox box;
  const std::string take = bring_job(box, "take_terminal");
  for (const char* isolate : {"none", "pid"}) {
    if (std::string(isolate) == "pid" && !can_isolate()) continue;
    CAPTURE(isolate);
    const Terminal terminal;
    terminal.type("line\n");
    const Ran ran = box.shell("enjoin --isolate=" + std::string(isolate) + " -N0 " + take +
                                  " ::: a; read x </dev/tty; echo \"got $x\"",
                              terminal.options());
    const std::string shown = terminal.shown();
    CHECK(shown.find("got line") != std::string::npos);
    // Isolated, it cannot even take it.
    CHECK((shown.find("TAKEN") == std::string::npos) == (std::string(isolate) == "pid"));
  }
}

TEST_CASE("adversarial 25: --tty gives the terminal to the job, and takes it back") {
  const Sandbox box;
  const Terminal terminal;
  const tcflag_t before = terminal.local_flags();
  terminal.type("line\n");
  const Ran ran = box.enjoin(
      {"-N0", "--tty", "read x; echo \"got $x\"; stty raw -echo; kill -9 $$", ":::", "a"},
      terminal.options());
  CHECK(ran.status == 1);
  CHECK(terminal.shown().find("got line") != std::string::npos);
  CHECK(terminal.local_flags() == before);
}

TEST_CASE("adversarial 26: an isolated job cannot type into the terminal") {
  if (!can_isolate()) return;
  const OutsideTmp outside;
  const Sandbox box;
  const std::string inject = bring_job(box, "inject_input");
  const Terminal terminal;
  // Also where its stdout is the terminal itself.
  for (const char* how : {"--group", "-u", "--line-buffer"}) {
    CAPTURE(how);
    const Ran ran =
        box.enjoin({"--isolate=pid", "-N0", how, inject + " " + terminal.name(), ":::", "a"},
                   terminal.options());
    CHECK(ran.status == 0);
    const std::string shown = terminal.shown();
    CHECK(shown.find("name: ") != std::string::npos);
    CHECK(shown.find("INJECTED") == std::string::npos);
    CHECK(shown.find("PASTED") == std::string::npos);
    CHECK(terminal.typed_ahead() == 0);
  }
}
