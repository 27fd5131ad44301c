#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

std::string stage(const std::string& rest) {
  return "[[stage]]\nname = \"make\"\n" + rest + "\n";
}

}  // namespace

TEST_CASE("run: what is there of a job's outputs is removed before it starts") {
  const Sandbox box;
  box.write("out", "left by an attempt that was killed\n");
  box.write("pipeline.toml", stage("run = \"echo one >>{out}\"\noutputs = [\"out\"]"));
  CHECK(box.enjoin({"run"}).status == 0);
  CHECK(box.read("out") == "one\n");
  box.write("pipeline.toml", stage("run = \"echo two >>{out}\"\noutputs = [\"out\"]"));
  CHECK(box.enjoin({"run"}).status == 0);
  CHECK(box.read("out") == "two\n");
}

TEST_CASE("run: a file that a job reads and writes is there when it starts") {
  const Sandbox box;
  box.write("list", "one\n");
  box.write("pipeline.toml",
            stage("inputs = [\"list\"]\noutputs = [\"list\"]\nrun = \"echo two >>list\""));
  CHECK(box.enjoin({"run"}).status == 0);
  CHECK(box.read("list") == "one\ntwo\n");
}

TEST_CASE("run: an output that is no file, as /dev/null, is never removed") {
  const Sandbox box;
  box.shell("mkfifo pipe");
  box.write("pipeline.toml", stage("run = \"false\"\noutputs = [\"pipe\"]"));
  CHECK(box.enjoin({"run", "--quiet"}).status == 1);
  CHECK(box.shell("test -p pipe").status == 0);
}
