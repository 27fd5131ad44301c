#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "worker/shell_quote.h"
#include "worker/shell_words.h"

namespace enjoin {
namespace {

using Strings = std::vector<std::string>;

bool may(const std::vector<const char*>& words, std::string_view shell = "bash",
         const ShellEnvironment& environment = {.twins_are_first = true}) {
  return may_exec_directly(words, shell, environment);
}

}  // namespace

TEST_CASE("shell quote: only the plainest values stay bare") {
  CHECK(shell_quoted("az_AZ-09./+") == "az_AZ-09./+");
  CHECK(shell_quoted("-a") == "-a");
  for (const char* value : {"a b", "a:b", "a=b", "~", "a,b", "%", "@", "\xc3\xa9", "a\nb", "{}"}) {
    CHECK(shell_quoted(value) == "'" + std::string(value) + "'");
  }
  CHECK(shell_quoted("") == "''");
}

TEST_CASE("shell quote: single quotes go into double ones") {
  CHECK(shell_quoted("it's") == R"('it'"'"'s')");
  CHECK(shell_quoted("'") == R"("'")");
  CHECK(shell_quoted("''") == R"("'"''"'")");
  CHECK(shell_quoted("'b") == R"("'"'b')");
  CHECK(shell_quoted("a'") == R"('a'"'")");
  CHECK(shell_quoted("it''s") == R"('it'"'"''"'"'s')");
}

TEST_CASE("shell quote: every byte comes back, and the length is told before") {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  Strings values = {all, "", "'", "''", "'a", "a'", "a''b", "'''"};
  for (int c = 1; c < 256; ++c) values.push_back({static_cast<char>(c)});
  for (const std::string& value : values) {
    const std::string quoted = shell_quoted(value);
    CHECK(shell_quoted_length(value) == quoted.size());
    CHECK(split_simple_line("x " + quoted) == Strings{"x", value});
  }
}

TEST_CASE("shell words: blanks part words, quotes and backslashes keep them") {
  CHECK(split_simple_line("") == Strings{});
  CHECK(split_simple_line(" \t ") == Strings{});
  CHECK(split_simple_line(" gzip \t -k  a ") == Strings{"gzip", "-k", "a"});
  CHECK(split_simple_line("x 'a b'c\"d e\" '' \"\"") == Strings{"x", "a bcd e", "", ""});
  CHECK(split_simple_line(R"(x a\ b \$ \' \\ "\$\"\\\a'" '\')") ==
        Strings{"x", "a b", "$", "'", "\\", "$\"\\\\a'", "\\"});
}

TEST_CASE("shell words: what a shell gives a meaning is refused") {
  for (const char* line :
       {"a;b",      "a|b",       "a&",     "a>b",        "a<b",     "(a)",     "a $b",  "a `b`",
        "a \"$b\"", "a \"`b`\"", "a *",    "a b?",       "a [b]",   "a {b,c}", "a {b",  "a b}",
        "a #b",     "a\nb",      "a\\\nb", "a \"\\\n\"", "a\\",     "a 'b",    "a \"b", "a \"b\\",
        "a=b",      "a=b c",     "a ~",    "a b=~",      "a b=c:~", "a =b",    "! a",   "a !",
        "%1",       "{} a",      "a ^",    "a \x01",     "a \x7f",  "a \r"}) {
    CAPTURE(line);
    CHECK(split_simple_line(line) == std::nullopt);
  }
}

TEST_CASE("shell words: characters without meaning in their place are kept") {
  CHECK(split_simple_line("dd if=a:b of=c,d") == Strings{"dd", "if=a:b", "of=c,d"});
  CHECK(split_simple_line("cp a~ b#c d%e f!g") == Strings{"cp", "a~", "b#c", "d%e", "f!g"});
  CHECK(split_simple_line("[ -f x ]") == Strings{"[", "-f", "x", "]"});
  CHECK(split_simple_line("ls {} x{}y \xc3\xa9") == Strings{"ls", "{}", "x{}y", "\xc3\xa9"});
  CHECK(split_simple_line("grep ^a") == Strings{"grep", "^a"});
}

TEST_CASE("shell words: a line is split in its own storage") {
  std::string line = "a 'b c' d";
  std::vector<const char*> words;
  REQUIRE(split_simple_line(&line, &words));
  REQUIRE(words.size() == 3);
  CHECK(std::string(words[1]) == "b c");
  CHECK(words[0] == line.data());
}

TEST_CASE("shell words: programs may be exec'd, what the shell keeps may not") {
  CHECK(may({"gzip", "-k"}));
  CHECK(may({"/bin/echo", "-n"}));
  for (const char* name : {"cd", "time", "if", "kill", "pwd", "exec", "[[", "{", "{}", "a=b", "%1",
                           "", "coproc", "print", "which"}) {
    CAPTURE(name);
    CHECK_FALSE(may({name, "x"}));
  }
}

TEST_CASE("shell words: every shell keeps its own") {
  CHECK(may({"cat"}, "bash"));
  CHECK(may({"cat"}, "zsh"));
  CHECK_FALSE(may({"cat"}, "mksh"));
  for (const char* shell : {"fish", "csh", "tcsh", "ash", "rbash", "python3", ""}) {
    CAPTURE(shell);
    CHECK_FALSE(may({"gzip"}, shell));
    CHECK_FALSE(may({":"}, shell));
  }
}

TEST_CASE("shell words: echo is exec'd where its program does the same") {
  CHECK(may({"echo"}));
  CHECK(may({"echo", "a", "-n", "\\n"}));
  CHECK_FALSE(may({"echo", "-n"}));
  CHECK_FALSE(may({"echo", "--version"}));
  CHECK(may({"echo", "a", "b"}, "dash"));
  CHECK_FALSE(may({"echo", "a", "\\n"}, "dash"));
  CHECK_FALSE(may({"echo", "\\n"}, "zsh"));
  CHECK_FALSE(may({"echo", "a"}, "bash", {.echo_may_differ = true, .twins_are_first = true}));
  CHECK_FALSE(may({"echo", "a"}, "bash", {.twins_are_first = false}));
}

TEST_CASE("shell words: true, test and printf are exec'd where proven") {
  CHECK(may({"true"}));
  CHECK(may({"false", "x"}));
  CHECK_FALSE(may({"true", "--help"}));
  CHECK(may({"test", "-f", "x"}));
  CHECK(may({"[", "-f", "x", "]"}));
  CHECK_FALSE(may({"[", "-f", "x"}));
  CHECK_FALSE(may({"test", "a", "==", "b"}));
  CHECK_FALSE(may({"test", "-v", "x"}));
  CHECK(may({"printf", "[%s]\\n", "-x"}));
  CHECK_FALSE(may({"printf", "%d", "1"}));
  CHECK_FALSE(may({"printf", "x", "left over"}));
  CHECK_FALSE(may({"printf", "\\x41"}));
  CHECK_FALSE(may({"printf", "--version"}));
  CHECK_FALSE(may({"printf", "%"}));
}

TEST_CASE("shell words: exported functions are the shell's own") {
  const std::array<const char*, 3> environ = {"BASH_FUNC_gzip%%=() { :; }", "PATH=/usr/bin:/bin",
                                              nullptr};
  const ShellEnvironment environment = ShellEnvironment::read(environ.data());
  CHECK_FALSE(may({"gzip"}, "bash", environment));
  CHECK(may({"bzip2"}, "bash", environment));
}

TEST_CASE("shell words: an environment that changes the shell forbids all") {
  const std::array<const char*, 4> start_file = {"BASH_ENV=/x", "PATH=/bin", "HOME=/nowhere",
                                                 nullptr};
  const ShellEnvironment environment = ShellEnvironment::read(start_file.data());
  CHECK_FALSE(may({"gzip"}, "bash", environment));
  CHECK(may({"gzip"}, "zsh", environment));
  const std::array<const char*, 3> options = {"BASHOPTS=xpg_echo", "PATH=/bin", nullptr};
  CHECK_FALSE(may({"echo", "a"}, "bash", ShellEnvironment::read(options.data())));
  CHECK(may({"gzip"}, "bash", ShellEnvironment::read(options.data())));
}

TEST_CASE("shell words: another echo that is found first is not taken for the builtin") {
  const std::array<const char*, 2> relative = {"PATH=:/bin", nullptr};
  CHECK_FALSE(ShellEnvironment::read(relative.data()).twins_are_first);
  const std::array<const char*, 2> none = {"PATH=", nullptr};
  CHECK_FALSE(ShellEnvironment::read(none.data()).twins_are_first);
}

TEST_CASE("shell words: the colon and the empty line do nothing") {
  CHECK(is_no_op(std::vector<const char*>{":", "a", nullptr}));
  CHECK(is_no_op(std::vector<const char*>{nullptr}));
  CHECK(is_no_op({}));
  CHECK_FALSE(is_no_op(std::vector<const char*>{"::"}));
  CHECK_FALSE(is_no_op(std::vector<const char*>{""}));
  CHECK(may({":"}));
  CHECK(may({}));
  CHECK_FALSE(may({":"}, "bash", {.functions = {":"}}));
}

}  // namespace enjoin
