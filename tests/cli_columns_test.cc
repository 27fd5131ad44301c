#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("columns: --csv reads fields with separators, quotes and newlines in them") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "--csv", "printf '(%s)' {1} {2}; echo"},
                             {.input = "a,\"b,c\"\n\"e\"\"f\",\"two\nlines\"\r\nlast,row"});
  CHECK(ran.out == "(a)(b,c)\n(e\"f)(two\nlines)\n(last)(row)\n");
}

TEST_CASE("columns: --csv takes another separator, \\t for a tab, and a header") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "--csv", "--colsep", ";", "echo", "{2}"}, {.input = "a;\"b;c\"\n"}).out ==
        "b;c\n");
  CHECK(box.enjoin({"-k", "--csv", "--colsep", "\\t", "echo", "{2}"}, {.input = "a\tb\n"}).out ==
        "b\n");
  CHECK(box.enjoin({"-k", "--csv", "--header", ":", "echo", "{who},{what}"},
                   {.input = "what,who\n\"a \"\"b\",c\n"})
            .out == "c,a \"b\n");
}

TEST_CASE("columns: a CSV quote that is never closed is named with file and line") {
  const Sandbox box;
  box.write("list.csv", "a,b\nc,\"d\ne,f\n");
  const Ran ran = box.enjoin({"-k", "--csv", "echo", "{2}", "::::", "list.csv"});
  CHECK(ran.status == 255);
  CHECK(ran.out == "b\n");
  CHECK(ran.says("list.csv:2: a quoted field"));
}

TEST_CASE("columns: a bad regular expression is named before anything runs") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--colsep", "a(b", "echo", ":::", "x"});
  CHECK(ran.status == 255);
  CHECK(ran.out.empty());
  CHECK(ran.says("'a(b' of --colsep is not valid"));
  CHECK(ran.says("offset 3"));
}

TEST_CASE("columns: the names of a header come from stdin too") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "--header", ":", "--colsep", ",", "echo", "{y}{x}"},
                   {.input = "x,y\n1,2\n"})
            .out == "21\n");
}

TEST_CASE("columns: --header 0 calls a file's values by its name, wherever it stands") {
  const Sandbox box;
  box.write("n", "1\n2\n");
  CHECK(box.enjoin({"-k", "--header", "0", "echo", "{n}{1}", ":::", "a", "::::", "n"}).out ==
        "1a\n2a\n");
}

TEST_CASE("columns: a header alone makes no job") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--header", ":", "echo", "{x}"}, {.input = "x\n"});
  CHECK(ran.out.empty());
  CHECK(ran.status == 0);
}

TEST_CASE("links: --link takes an empty source for one empty value") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "--link", "echo", "[{1}{2}]", ":::", ":::", "1", "2"}).out ==
        "[1]\n[2]\n");
}

TEST_CASE("links: a + before a file's name links it, where that is what is there") {
  const Sandbox box;
  box.write("n", "1\n2\n");
  box.write("m", "3\n4\n");
  CHECK(box.enjoin({"-k", "-a", "n", "-a", "+m", "echo", "{1}{2}"}).out == "13\n24\n");
  CHECK(box.enjoin({"-k", "-a", "n", "-a", "+-", "echo", "{1}{2}"}, {.input = "8\n9\n"}).out ==
        "18\n29\n");
  box.write("+m", "5\n");
  const Ran ran = box.enjoin({"-k", "-a", "n", "-a", "+m", "echo"});
  CHECK(ran.status == 255);
  CHECK(ran.says("./+m"));
  CHECK(box.enjoin({"-k", "-a", "n", "-a", "./+m", "echo", "{1}{2}"}).out == "15\n25\n");
}

TEST_CASE("lines: a carriage return at the end of a line continues nothing") {
  const Sandbox box;
  CHECK(box.enjoin({"-k", "-L1", "printf '[%s]'"}, {.input = "a\r\nb\r\n"}).out == "[a\r][b\r]");
}

TEST_CASE("shuffle: a seed makes the order the same again, and numbers follow it") {
  const Sandbox box;
  const std::string script = "seq 50 | enjoin -k --shuf --seed 7 echo {#} {}";
  const Ran first = box.shell(script);
  CHECK(first.out == box.shell(script).out);
  CHECK(first.out != box.shell("seq 50 | enjoin -k echo {#} {}").out);
  CHECK(first.out.find("1 ") == 0);
  CHECK(box.shell(script + " | cut -d' ' -f2 | sort -n | cmp - <(seq 50)").status == 0);
}

TEST_CASE("columns: a header that ends in CR LF gives names without the CR") {
  const Sandbox box;
  CHECK(box.enjoin({"--colsep", ",", "--header", ":", "echo {a}{b}"}, {.input = "a,b\r\n1,2\n"})
            .out == "12\n");
  CHECK(box.enjoin({"--header", ":", "echo {foo}"}, {.input = "foo\r\nbar\n"}).out == "bar\n");
}
