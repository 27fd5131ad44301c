#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/pipeline/command_output.h"
#include "runner/pipeline/pipeline_jobs.h"
#include "runner/pipeline/pipeline_view.h"

using namespace enjoin;

namespace {

/// The commands that a stage gets from a command of `foreach`.
std::string commands(const std::string& command, const std::string& vars = "") {
  std::string all;
  show_pipeline(PipelineView::kCommands,
                read_pipeline(vars + "[[stage]]\nname = 's'\nforeach = { x = { command = '''" +
                                  command + "''' } }\nrun = 'f {x}'\n",
                              "p.toml", {}),
                {}, [&all](std::string_view part) { all += part; });
  return all;
}

std::string error_of(const std::string& command) {
  try {
    commands(command);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("foreach command: a job for each line that it writes") {
  CHECK(commands("printf '%s\\n' 'a b' '' c; printf d") ==
        "# s[a b]\nf 'a b'\n# s[c]\nf c\n# s[d]\nf d\n");
  CHECK(commands("true") == "");
}

TEST_CASE("foreach command: variables are quoted for its shell, which is the stage's") {
  CHECK(commands("echo {v}; echo $BASH_VERSION | wc -l", "vars.v = \"$HOME  'x'\"\n") ==
        "# s[$HOME  'x']\nf '$HOME  '\"'\"'x'\"'\"\n# s[1]\nf 1\n");
}

TEST_CASE("foreach command: a failure is an error with its place") {
  CHECK(error_of("echo x; exit 3") ==
        "p.toml:3:13: the command of foreach: it ended with exit status 3");
  CHECK(error_of("kill -9 $$") == "p.toml:3:13: the command of foreach: it was ended by signal 9");
  CHECK(error_of("false | true") != "");
}

TEST_CASE("foreach command: it is killed where we are told to stop") {
  sigset_t told;
  sigemptyset(&told);
  sigaddset(&told, SIGTERM);
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &told, &before);
  ::raise(SIGTERM);
  CHECK_THROWS_AS(run_for_output({"sleep", "1000"}), Error);
  int signal = 0;
  ::sigwait(&told, &signal);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}
