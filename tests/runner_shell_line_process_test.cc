#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/pipeline/command_output.h"
#include "runner/pipeline/shell_line.h"

using namespace enjoin;

namespace {

// Everything that a shell might take for its own.
const std::string kNasty = "a  b'c\"d$HOME`id`\\e\\\\*?[x]~#!{a,b};&|<>()\\";

/// What bash writes for a line in which `{}` stands for the value.
std::string written(const std::string& text, const std::string& value) {
  ShellLine line;
  std::size_t at = 0;
  for (std::size_t mark; (mark = text.find("{}", at)) != text.npos; at = mark + 2) {
    line.add_literal(std::string_view(text).substr(at, mark - at));
    line.add_value(value);
  }
  line.add_literal(std::string_view(text).substr(at));
  return run_for_output({"bash", "-uc", line.take()});
}

}  // namespace

TEST_CASE("shell line: a value comes out as it is, whatever quotes it stands in") {
  for (const std::string& value : {kNasty, std::string("x"), std::string("two\nlines")}) {
    CAPTURE(value);
    CHECK(written("printf %s {}", value) == value);
    CHECK(written("printf %s p{}q", value) == 'p' + value + 'q');
    CHECK(written("printf %s \"p{}q\"", value) == 'p' + value + 'q');
    CHECK(written("printf %s 'p{}q'", value) == 'p' + value + 'q');
    CHECK(written("printf %s $'p\\'{}\\\\q'", value) == "p'" + value + "\\q");
    CHECK(written("printf %s \"p$(printf %s {})q\"", value) == 'p' + value + 'q');
    CHECK(written("printf %s \"p$(printf %s \"{}\" | cat; (:))$(printf %s '{}')q\"", value) ==
          'p' + value + value + 'q');
    CHECK(written("printf %s \"\\\"{}\\$\"'\"'{}", value) == '"' + value + "$\"" + value);
    CHECK(written("printf %s \\{}", value) == value);
    CHECK(written("printf %s \"\\{}\"", value) == '\\' + value);
  }
}

TEST_CASE("shell line: comments and here-documents are no quotes") {
  CHECK(written("# don't mind {}\nprintf %s {}", kNasty) == kNasty);
  CHECK(written(": # {}\nprintf %s {}", "two\nlines") == "two\nlines");
  CHECK(written("printf %s x#'{}'", kNasty) == "x#" + kNasty);
  CHECK(written("cat <<END\nit's {}\nEND\nprintf %s {}", kNasty) ==
        "it's " + kNasty + '\n' + kNasty);
  CHECK(written("cat <<'E D'\nit's {}\nE D\nprintf %s {}", kNasty) ==
        "it's " + kNasty + '\n' + kNasty);
  CHECK(written("cat <<-\\END\n\tit's {}\n\tEND\nprintf %s {}", kNasty) ==
        "it's " + kNasty + '\n' + kNasty);
  CHECK(written("cat <<A - <<B\n$(echo '1 {}')\nA\n2 {}\nB\nprintf %s {}", "v\"v") ==
        "2 v\"v\nv\"v");
  CHECK(written("cat <<<{} && printf %s \"{}\"", kNasty) == kNasty + '\n' + kNasty);
}

TEST_CASE("shell line: a shift in arithmetic begins no here-document") {
  CHECK(written("echo $((1 << 2))\nprintf %s \"{}\"", kNasty) == "4\n" + kNasty);
  CHECK(written("(( 1 << 2 ))\nprintf %s \"{}\"", kNasty) == kNasty);
  CHECK(written("echo \"$((1 << 2))\"\nprintf %s \"{}\"", kNasty) == "4\n" + kNasty);
}

TEST_CASE("shell line: several values are words, in quotes one word") {
  ShellLine line;
  line.add_literal("printf '<%s>' ");
  line.add_values({"a b", "", "c"});
  line.add_literal(" \"");
  line.add_values({"d", "e"});
  line.add_literal("\"");
  CHECK(run_for_output({"bash", "-c", line.take()}) == "<a b><><c><d e>");
}
