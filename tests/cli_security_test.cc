// The security list of docs/reliability.md, as far as it is seen from outside: what jobs are given
// and what they can reach, what names and values from the input can do, what lies about meanwhile.
// Rows that hostile jobs show are in cli_adversarial_*_test.cc.

#include <algorithm>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

// What a shell adds by itself.
const char* const kEnvironment = "env | grep -vE \"^(_|PWD|OLDPWD|SHLVL)=\" | sort #";

// Whether a script can be run as a user that is nobody.
bool can_be_nobody(const Sandbox& box) {
  // The worker lies beside the program, in a folder that nobody may not reach maybe (/root/...).
  const Ran ran = box.shell(
      "chmod 711 .. . ../bin; setpriv --reuid=65534 --regid=65534 --clear-groups enjoin -j1 echo "
      "::: x");
  if (ran.status != 0) MESSAGE("SKIPPED: nobody cannot be had: " << ran.err);
  return ran.status == 0;
}

// A script under a terminal; what the terminal shows.
std::string on_terminal(const Sandbox& box, const std::string& script) {
  box.write("script", script);
  return box.shell("TERM=xterm script -qec 'bash ./script' /dev/null </dev/null").out;
}

}  // namespace

TEST_CASE("security: a job's environment is our caller's, and what is documented") {
  const Sandbox box;
  const Ran ran = box.shell("exec env -i PATH=\"$PATH\" HOME=\"$HOME\" GIVEN='a b' enjoin -j1 '" +
                            std::string(kEnvironment) + "' ::: x");
  std::vector<std::string> names;
  for (const std::string& line : lines_of(ran.out)) names.push_back(line.substr(0, line.find('=')));
  CHECK(names == std::vector<std::string>{"GIVEN", "HOME", "PARALLEL_JOBSLOT", "PARALLEL_PID",
                                          "PARALLEL_SEQ", "PARALLEL_SSHHOST", "PARALLEL_SSHLOGIN",
                                          "PATH"});
  CHECK(ran.out.find("GIVEN=a b\n") != std::string::npos);
}

TEST_CASE("security: what steers us is the caller's to give: jobs get it only as it was given") {
  const Sandbox box;
  const Ran ran = box.shell(
      "MAKEFLAGS=--jobserver-auth=3,4 enjoin -j1 'echo $MAKEFLAGS $ENJOIN_X' "
      "::: x");
  CHECK(ran.out == "--jobserver-auth=3,4 x\n");
}

TEST_CASE("security: values are data, whatever shell syntax they hold") {
  const Sandbox box;
  const std::vector<std::string> values{"$(touch pwn)",
                                        "`touch pwn`",
                                        "; touch pwn",
                                        "a\tb",
                                        "'; touch pwn; '",
                                        "\"$(touch pwn)\"",
                                        "-n",
                                        "--help",
                                        "a && touch pwn",
                                        "${IFS}touch",
                                        "*",
                                        "~",
                                        "!!",
                                        "x#y"};
  std::string expected;
  for (const std::string& value : values) expected += "<" + value + ">\n";
  for (const std::string command : {"printf '<%s>\\n' {}", "printf '<%s>\\n' {} | cat"}) {
    std::vector<std::string> words{"-k", command, ":::"};
    words.insert(words.end(), values.begin(), values.end());
    const Ran ran = box.enjoin(words);
    CHECK(ran.out == expected);
    CHECK(ran.err.empty());
  }
  CHECK_FALSE(box.has("pwn"));
}

TEST_CASE("security: a value with a newline stays one value") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-0", "-k", "printf '<%s>' {}"},
                             {.input = std::string("a\n; touch pwn\nb\0c\0", 18)});
  CHECK(ran.out == "<a\n; touch pwn\nb><c>");
  CHECK_FALSE(box.has("pwn"));
}

TEST_CASE("security: a NUL byte in a value is refused, not cut off") {
  const Sandbox box;
  const Ran ran = box.enjoin({"echo"}, {.input = std::string("rm -rf x\0y\n", 11)});
  CHECK(ran.status == 255);
  CHECK(ran.says("NUL"));
  CHECK(ran.out.empty());
}

TEST_CASE("security: a name cannot become an option of ours") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "echo", ":::", "--joblog", "-j0", ":::+", "a", "b"}).out ==
        "--joblog a\n-j0 b\n");
  CHECK_FALSE(box.has("a"));
}

TEST_CASE("security: names in messages cannot speak to the terminal") {
  const Sandbox box;
  const std::string evil =
      "\033]52;c;QQ==\a\xc2\x9b"
      "31m\x9b"
      "2J\xe2\x80\xae";
  const std::vector<std::vector<std::string>> wrongs{
      {"--" + evil},
      {"--joblog", "no/" + evil, "echo", ":::", "1"},
      {"-a", evil, "echo"},
      {"--colsep", "(" + evil, "echo", ":::", "1"},
      {"--halt", evil, "echo", ":::", "1"},
      {"--timeout", evil, "echo", ":::", "1"},
      {"--leftovers", "report", "--timeout", "0.1", "sleep 100 #", ":::", evil},
  };
  for (const std::vector<std::string>& words : wrongs) {
    const Ran ran = box.enjoin(words);
    CAPTURE(words.front());
    CHECK(ran.status != 0);
    CHECK_FALSE(ran.err.empty());
    const auto speaks = [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\n') || byte >= 0x7f;
    };
    CHECK_MESSAGE(std::none_of(ran.err.begin(), ran.err.end(), speaks), ran.err);
  }
}

TEST_CASE("security: a command that is only shown is shown safely on a terminal, raw elsewhere") {
  const Sandbox box;
  if (box.shell("script -qec true /dev/null </dev/null").status != 0) {
    MESSAGE("SKIPPED: script(1) makes no terminal here");
    return;
  }
  box.write("names", "\033]0;evil\a\n");
  for (const char* const way : {"--dry-run", "-v", "-t"}) {
    const std::string shown =
        on_terminal(box, std::string("enjoin ") + way + " true {} <names 2>&1");
    CHECK(shown.find("\\x1B]0;evil\\x07") != std::string::npos);
    CHECK(shown.find('\033') == std::string::npos);
    CHECK(box.shell(std::string("enjoin ") + way + " true {} <names 2>&1").out.find('\033') !=
          std::string::npos);
  }
}

TEST_CASE("security: status lines with names in them are safe on a terminal") {
  const Sandbox box;
  if (box.shell("script -qec true /dev/null </dev/null").status != 0) {
    MESSAGE("SKIPPED: script(1) makes no terminal here");
    return;
  }
  box.write("names",
            "\033]0;evil\a\n\xc2\x9b"
            "5mevil\n");
  for (const char* const way : {"--bar", "--progress", "--eta", "--latest-line --tag"}) {
    const std::string shown =
        on_terminal(box, std::string("enjoin ") + way + " 'echo {}; true' <names");
    // What the jobs themselves write is theirs; a line that is drawn in place is ours.
    if (std::string(way) != "--latest-line --tag") continue;
    CHECK(shown.find("evil") != std::string::npos);
    CHECK(shown.find("\033]0") == std::string::npos);
    CHECK(shown.find("\xc2\x9b") == std::string::npos);
  }
}

TEST_CASE("security: no row of the job log can be forged by a value") {
  const Sandbox box;
  const std::string row = "9\t:\t1\t1\t0\t0\t0\t0\techo forged";
  CHECK(box.enjoin({"-0", "--joblog", "log", "true {}"},
                   {.input = "a\n" + row + "\nb" + std::string(1, '\0')})
            .status == 0);
  const std::string log = box.read("log");
  // The newline would end the row; GNU parallel writes a blank in its place, and so do we.
  CHECK(lines_of(log).size() == 2);
  const Ran again = box.enjoin({"--joblog", "log", "--resume", "-k", "echo"},
                               {.input = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"});
  CHECK(again.out == "2\n3\n4\n5\n6\n7\n8\n9\n");
}

TEST_CASE("security: files and fifos for jobs lie in a folder that is closed to others") {
  const Sandbox box;
  for (const char* const way : {"--cat", "--fifo"}) {
    const Ran ran =
        box.enjoin({"--pipe", way, "stat -c '%a %A' \"$(dirname {})\" {}; cat {} >/dev/null"},
                   {.input = "1\n"});
    const std::vector<std::string> lines = lines_of(ran.out);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "700 drwx------");
    CHECK(lines[1].substr(0, 4) == "600 ");
  }
  CHECK(box.left_in_tmp().empty());
}

// CVE-2015-4156 of GNU parallel, as far as a job can do it to another: it knows the names.
TEST_CASE("security: a link where a job's file or fifo is to be leads nowhere") {
  const Sandbox box;
  box.write("victim", "precious\n");
  const std::string swap =
      "d=$(dirname {}); for i in 2 3 4; do ln -sf \"$PWD/victim\" $d/par$i; done; "
      "cat {} >/dev/null";
  for (const char* const way : {"--cat", "--fifo"}) {
    const Ran ran =
        box.enjoin({"-j1", "-k", "--pipe", "-N1", way, swap}, {.input = "1\n2\n3\n4\n"});
    CHECK(ran.status == 0);
    CHECK(box.read("victim") == "precious\n");
  }
  // In the place of the running job's own fifo, before it is opened.
  static_cast<void>(box.enjoin({"--pipe", "--fifo", "ln -sf \"$PWD/victim\" {}; sleep 0.2"},
                               {.input = "overwritten\n"}));
  CHECK(box.read("victim") == "precious\n");
  CHECK(box.left_in_tmp().empty());
}

TEST_CASE("security: a folder of its own for a job is made anew, and no link is followed to it") {
  const Sandbox box;
  box.write("precious", "x");
  const Ran ran =
      box.enjoin({"-j1", "--workdir", "...",
                  "pwd; ln -s " + box.path("") + " \"${PWD%-*}-2\" 2>/dev/null; touch pwn; true",
                  ":::", "1", "2"});
  CHECK(ran.status == 1);  // the second could not start
  CHECK_FALSE(box.has("pwn"));
  CHECK(box.has("precious"));
}

TEST_CASE("security: nothing has a name while jobs run, in /dev/shm or in the temporary folder") {
  const Sandbox box;
  CHECK(box.enjoin({"-j2", "ls -A \"$TMPDIR\"; ls /dev/shm | grep enjoin #", ":::", "1"})
            .out.empty());
}

TEST_CASE("security: jobs of the same user cannot open our processes through /proc") {
  const Sandbox box;
  std::string as = "";
  if (::geteuid() == 0) {
    if (!can_be_nobody(box)) return;
    as = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
  }
  // The worker, what started it, and the supervisor.
  const Ran ran = box.shell("cd /; export TMPDIR=/tmp; " + as +
                            "enjoin -j1 'parent=$(cut -d\" \" -f4 /proc/$PPID/stat); "
                            "for p in $PPID $parent $PARALLEL_PID; do "
                            "ls /proc/$p/fd >/dev/null 2>&1 && echo open || echo closed; "
                            "cat /proc/$p/environ >/dev/null 2>&1 && echo open || echo closed; "
                            "done #' ::: x");
  CAPTURE(ran.status);
  CAPTURE(ran.err);
  CHECK(ran.out == "closed\nclosed\nclosed\nclosed\nclosed\nclosed\n");
}

TEST_CASE("security: with the rights of the program's file it does not start") {
  if (::geteuid() != 0) {
    MESSAGE("SKIPPED: only root can take another real user");
    return;
  }
  const Sandbox box;
  const Ran user = box.shell("exec setpriv --ruid=65534 enjoin echo ::: 1");
  CHECK(user.status == 255);
  CHECK(user.says("refusing to run set-uid"));
  CHECK(user.out.empty());
  const Ran group = box.shell("exec setpriv --rgid=65534 --keep-groups enjoin echo ::: 1");
  CHECK(group.status == 255);
  CHECK(group.says("refusing to run set-gid"));
}

TEST_CASE("security: jobs may be set-uid programs: sudo must work") {
  const Sandbox box;
  // A job has what its caller has (1 in some containers): no_new_privs comes with --isolate only.
  const std::string own = box.shell("grep NoNewPrivs /proc/self/status").out;
  REQUIRE(own.starts_with("NoNewPrivs:\t"));
  CHECK(box.enjoin({"grep NoNewPrivs /proc/self/status #", ":::", "x"}).out == own);
}
