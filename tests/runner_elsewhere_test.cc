#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/cli/options.h"
#include "support/cli.h"
#include "support/options.h"

using enjoin::Elsewhere;
using enjoin::Options;
using enjoin::OutputMode;
using enjoin::parse_command_line;
using enjoin::Verbose;
using namespace enjoin::test;

namespace {

Options options_with(const Words& args, const Elsewhere& elsewhere) {
  return parse_command_line("parallel", args, elsewhere).options;
}

Options options_with(const Words& args, const std::string& variable) {
  Elsewhere elsewhere;
  elsewhere.variable = variable;
  return options_with(args, elsewhere);
}

}  // namespace

TEST_CASE("elsewhere: $PARALLEL holds options, cut as by a shell") {
  const Options options = options_with({"echo"}, "-k --tagstring 'a b' -I\\ @ --joblog \"x\\\"y\"");
  CHECK(options.keep_order);
  CHECK(options.tag_string == "a b");
  CHECK(options.command.replace_string == " @");
  CHECK(options.joblog_path == "x\"y");
}

TEST_CASE("elsewhere: the command line's options win") {
  CHECK(options_with({"-j2", "echo"}, "-j7").jobs_text == "2");
  CHECK(options_with({"--group", "echo"}, "-u").output == OutputMode::kGroup);
  CHECK(options_with({"--no-keep-order", "echo"}, "-k").keep_order == false);
  CHECK(options_with({"-k", "echo"}, "--no-keep-order").keep_order);
  CHECK(options_with({"-v", "echo"}, "--silent").verbose == Verbose::kToStdout);
}

TEST_CASE("elsewhere: words that are no options go before the command") {
  CHECK(options_with({"echo", "x"}, "-k nice -n 5").command.words ==
        Words{"nice", "-n", "5", "echo", "x"});
}

TEST_CASE("elsewhere: an open quote and a wrong option are refused") {
  Elsewhere elsewhere;
  elsewhere.variable = "-k 'x";
  CHECK(
      has(refusal([&] { parse_command_line("enjoin", {"x"}, elsewhere); }), "$PARALLEL: a quote"));
  elsewhere.variable = "--frob";
  CHECK(has(refusal([&] { parse_command_line("enjoin", {"x"}, elsewhere); }), "--frob"));
}

TEST_CASE("elsewhere: --plain turns all of it off") {
  CHECK_FALSE(options_with({"--plain", "echo"}, "-k").keep_order);
}

TEST_CASE("elsewhere: default files count below $PARALLEL, and -J replaces them") {
  const Sandbox box;
  box.write("config", "# not this: --tag\n-j5\n-k\n");
  box.write("mine", "--tagstring x\n-j6");
  Elsewhere elsewhere;
  elsewhere.profile_folder = box.path("");
  elsewhere.defaults = {box.path("none"), box.path("config")};
  const Options by_default = options_with({"echo"}, elsewhere);
  CHECK(by_default.jobs_text == "5");
  CHECK(by_default.keep_order);
  CHECK_FALSE(by_default.tag);
  const Options named = options_with({"-J", "mine", "echo"}, elsewhere);
  CHECK(named.jobs_text == "6");
  CHECK_FALSE(named.keep_order);
  CHECK(named.tag_string == "x");
  elsewhere.variable = "-j9";
  CHECK(options_with({"-J", "mine", "echo"}, elsewhere).jobs_text == "9");
}

TEST_CASE("elsewhere: default files are read when called as parallel") {
  CHECK(Elsewhere::of_process("enjoin").defaults.empty());
  const Elsewhere found = Elsewhere::of_process("parallel");
  REQUIRE_FALSE(found.defaults.empty());
  CHECK(found.defaults[0] == "/etc/parallel/config");
}

TEST_CASE("elsewhere: a profile that is not there is named") {
  Elsewhere elsewhere;
  elsewhere.profile_folder = "/nowhere";
  CHECK(refusal([&] {
          parse_command_line("enjoin", {"-Jx", "echo"}, elsewhere);
        }) == "-J x: cannot read /nowhere/x");
  CHECK(has(refusal([&] {
              parse_command_line("enjoin", {"-J./x", "echo"}, elsewhere);
            }),
            "cannot read ./x"));
}

TEST_CASE("elsewhere: a script's first line gives options, the script the inputs") {
  const Options options = options_with({"--shebang -k wget", "/bin/script"}, "");
  CHECK(options.keep_order);
  CHECK(options.input.skip_first_line);
  CHECK(options.command.words == Words{"wget"});
  REQUIRE(options.input.sources.size() == 1);
  CHECK(options.input.sources[0].path == "/bin/script");
  const Options cut = options_with({"--hashbang", "-k", "wget", "/bin/script"}, "");
  CHECK(cut.keep_order);
  CHECK(cut.input.sources[0].path == "/bin/script");
}

TEST_CASE("elsewhere: a wrapped script runs once for each of its arguments") {
  const Options options = options_with({"--shebang-wrap -k /bin/sh -e", "/s", "a", "b"}, "");
  CHECK(options.keep_order);
  CHECK(options.command.words == Words{"/bin/sh", "-e", "/s"});
  REQUIRE(options.input.sources.size() == 1);
  CHECK(options.input.sources[0].arguments == Words{"a", "b"});
  CHECK(options_with({"--shebang-wrap /bin/sh", "/s"}, "").input.sources.empty());
  CHECK(options_with({"--shebang-wrap /bin/sh", "/a b/s"}, "").command.words ==
        Words{"/bin/sh", "'/a b/s'"});
}
