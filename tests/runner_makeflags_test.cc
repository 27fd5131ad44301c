#include <doctest/doctest.h>

#include "runner/jobserver/makeflags.h"
#include "runner/jobserver/open_job_slots.h"

using namespace enjoin;

namespace {

std::string composed(std::string_view text) {
  JobserverSpec spec;
  compose_makeflags(text, 8, &spec);
  return spec.before + "3,4" + spec.behind;
}

}  // namespace

TEST_CASE("makeflags: the pipe of GNU make 4.2 and later is read") {
  const MakeFlags flags = parse_makeflags(" -j8 --jobserver-auth=3,4");
  CHECK(flags.style == JobserverStyle::kPipe);
  CHECK(flags.read_fd == 3);
  CHECK(flags.write_fd == 4);
  CHECK(flags.jobs == 8);
}

TEST_CASE("makeflags: the pipe of older ones is read") {
  const MakeFlags flags = parse_makeflags("k --jobserver-fds=5,6 -j");
  CHECK(flags.style == JobserverStyle::kPipe);
  CHECK(flags.read_fd == 5);
  CHECK(flags.jobs == 0);
}

TEST_CASE("makeflags: the fifo of GNU make 4.4 is read") {
  const MakeFlags flags = parse_makeflags("s -j12 --jobserver-auth=fifo:/tmp/GMfifo17 -- A=b");
  CHECK(flags.style == JobserverStyle::kFifo);
  CHECK(flags.path == "/tmp/GMfifo17");
  CHECK(flags.jobs == 12);
  CHECK(parse_makeflags("--jobserver-auth=fifo:/a\\ b").path == "/a b");
}

TEST_CASE("makeflags: the last jobserver counts") {
  CHECK(parse_makeflags("--jobserver-auth=3,4 --jobserver-auth=7,8").read_fd == 7);
}

TEST_CASE("makeflags: what is no jobserver is none") {
  for (const char* const text :
       {"", "k", "-j4", "--jobserver-auth=-2,-2", "--jobserver-auth=3", "--jobserver-auth=3,",
        "--jobserver-auth=3,4,5", "--jobserver-auth=a,b", "--jobserver-auth=fifo:",
        "--jobserver-auth=99999999999,4", "-- --jobserver-auth=3,4", "\\", "x\\"}) {
    CAPTURE(text);
    CHECK(parse_makeflags(text).style == JobserverStyle::kNone);
  }
}

TEST_CASE("makeflags: those of jobs keep what is not about jobs") {
  CHECK(composed("") == " -j8 --jobserver-auth=3,4");
  CHECK(composed("ks") == "ks -j8 --jobserver-auth=3,4");
  CHECK(composed("k -j2 --jobserver-auth=9,9") == "k -j8 --jobserver-auth=3,4");
  CHECK(composed("k --warn-undefined-variables -- CC=g\\ cc J=-j2") ==
        "k --warn-undefined-variables -j8 --jobserver-auth=3,4 -- CC=g\\ cc J=-j2");
}

TEST_CASE("makeflags: programs that know jobservers are known by their names") {
  CHECK(style_for("make -C {}") == JobserverStyle::kPipe);
  CHECK(style_for("/usr/bin/gmake") == JobserverStyle::kPipe);
  CHECK(style_for(" cargo") == JobserverStyle::kPipe);
  CHECK(style_for("enjoin") == JobserverStyle::kPipe);
  CHECK(style_for("ninja;") == JobserverStyle::kFifo);
  CHECK(style_for("makedepend") == JobserverStyle::kNone);
  CHECK(style_for("echo make") == JobserverStyle::kNone);
  CHECK(style_for("") == JobserverStyle::kNone);
}
