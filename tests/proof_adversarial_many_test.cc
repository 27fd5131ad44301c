// Rows 42 and 44: many jobs with terrible names, and many supervisors at once.
// ENJOIN_ADVERSARIAL_FULL=1 runs a job for each of 100,000 names; else for 10,000, and 100,000
// names by -X.

#include <cstdint>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "support/neighbours.h"

using namespace enjoin::test;

namespace {

bool is_full() {
  return std::getenv("ENJOIN_ADVERSARIAL_FULL") != nullptr;
}

// Ends with NUL each. The same ones in every run.
std::string terrible_names(std::size_t count) {
  constexpr const char* kPieces[] = {"'",           "\"",    "\n",      "$(touch pwn)",
                                     "`touch pwn`", "-",     "--",      " ",
                                     "\\",          "\t",    ";",       "&",
                                     "|",           "*",     "?",       "~",
                                     "#",           "!",     "{}",      "{1}",
                                     "$HOME",       "%s",    "\033",    "\xff",
                                     "\xc3\xa9",    "\r",    "{= 1 =}", ">pwn",
                                     "<",           "(",     ")",       "[a]",
                                     "a",           "\x01",  "\x7f",    "=",
                                     "\n\n",        "'\\''", "$'",      "${IFS}"};
  constexpr std::size_t kMany = std::size(kPieces);
  std::string names;
  std::uint64_t random = 42;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = names.size();
    for (std::size_t length = i % 7; length > 0; --length) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      names += kPieces[(random >> 33) % kMany];
    }
    if (names.size() == begin) names += "x" + std::to_string(i);
    names += '\0';
  }
  return names;
}

}  // namespace

TEST_CASE("adversarial 42: terrible names arrive as they are, byte for byte") {
  const Sandbox box;
  const std::string names = terrible_names(100'000);
  const std::string some = is_full() ? names : terrible_names(10'000);
  CHECK(box.enjoin({"-0", "-k", "-X", "printf", "%s\\\\0"}, {.input = names}).out == names);
  // Without a shell between, and with one.
  CHECK(box.enjoin({"-0", "-k", "printf", "%s\\\\0"}, {.input = some}).out == some);
  const std::string few = terrible_names(2'000);
  CHECK(box.enjoin({"-0", "-k", "printf '%s\\0' {}; :"}, {.input = few}).out == few);
  CHECK(box.enjoin({"-0", "-k", "-q", "printf", "%s\\0"}, {.input = few}).out == few);
  CHECK_FALSE(box.has("pwn"));
}

TEST_CASE("adversarial 42: terrible names keep rows and records whole") {
  const Sandbox box;
  const std::string names = terrible_names(300);
  const Ran ran = box.enjoin({"-0", "--joblog", "log", "--results", "res", "--tag", ": {}; :"},
                             {.input = names});
  CHECK(ran.status == 0);
  CHECK(lines_of(box.read("log")).size() == 301);
  const Ran again = box.enjoin({"-0", "--joblog", "log", "--resume", ": {}; :"}, {.input = names});
  CHECK(again.status == 0);
  CHECK(lines_of(box.read("log")).size() == 301);
}

TEST_CASE("adversarial 42: arguments and an environment as large as the kernel takes") {
  const Sandbox box;
  const std::string longest(131'000, 'y');
  CHECK(box.enjoin({"printf", "%s"}, {.input = longest + '\n'}).out == longest);
  std::vector<std::string> environment;
  for (int i = 0; i < 15; ++i) {
    environment.push_back("BIG" + std::to_string(i) + "=" + std::string(100'000, 'z'));
  }
  const Ran ran = box.enjoin({"-k", "-N0", "printf %s \"$BIG14\"", ":::", "a", "b"},
                             {.environment = environment});
  CHECK(ran.status == 0);
  CHECK(ran.out == std::string(200'000, 'z'));
}

TEST_CASE("adversarial 44: 200 supervisors in one folder do not hear of each other") {
  const Sandbox box;
  const Traces traces(box);
  // Each with its own inputs; all with one log, one TMPDIR, one stdout and one work folder's name.
  const Ran ran = box.shell(
      "for i in $(seq 200); do nice enjoin -j2 --joblog +log --workdir ... --results res/$i "
      "'echo {} >mine; seq 200 >/dev/null; echo '$i'-$(cat mine)' ::: 1 2 3 & "
      "nice enjoin -j2 -k 'echo begin-'$i'-{}; echo '$i'-{} >&2; echo end-'$i'-{}' ::: 1 2 3 & "
      "[ $((i % 25)) != 0 ] || wait; done; wait; cat res/*/1/*/stdout | sort -V >all; "
      "for i in $(seq 200); do for j in 1 2 3; do echo $i-$j; done; done | cmp - all && echo same",
      {.environment = {traces.mark()}});
  CHECK(ran.out.ends_with("same\n"));
  // What two hundred printed into one file lies there in whole pieces.
  const std::vector<std::string> lines = lines_of(ran.out);
  REQUIRE(lines.size() == 1201);
  for (std::size_t i = 0; i + 1 < lines.size(); i += 2) {
    CHECK(lines[i].substr(0, 6) == "begin-");
    CHECK(lines[i + 1] == "end-" + lines[i].substr(6));
  }
  CHECK(lines_of(ran.err).size() == 600);
  CHECK(lines_of(box.read("log")).size() >= 601);
  CHECK(traces.wait_none().empty());
}
