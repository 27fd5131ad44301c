#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("grammar: after the command's first word its options are its own") {
  const Sandbox box;
  CHECK(box.enjoin({"-j4", "echo", "-v", "hi", ":::", "a"}).out == "-v hi a\n");
  CHECK(box.enjoin({"-j4", "echo", "--tag", "-k", "--", ":::", "a"}).out == "--tag -k -- a\n");
  CHECK(box.enjoin({"-j4", "echo", "gcc", "-c", "x.c", "-j9", ":::", "a"}).out ==
        "gcc -c x.c -j9 a\n");
}

TEST_CASE("grammar: letters in a bundle, values in the same word or the next") {
  const Sandbox box;
  const char* const expected = "1\n1\n";
  CHECK(box.enjoin({"-kj1", "echo", "{%}", ":::", "a", "b"}).out == expected);
  CHECK(box.enjoin({"-kj", "1", "echo", "{%}", ":::", "a", "b"}).out == expected);
  CHECK(box.enjoin({"-k", "--jobs=1", "echo", "{%}", ":::", "a", "b"}).out == expected);
  CHECK(box.enjoin({"--keep-order", "--jobs", "1", "echo", "{%}", ":::", "a", "b"}).out ==
        expected);
}

TEST_CASE("grammar: long options may be shortened while they are clear") {
  const Sandbox box;
  CHECK(box.enjoin({"--tags", "X", "echo", ":::", "a"}).out == "X\ta\n");
  const Ran ran = box.enjoin({"--ta", "X", "echo", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK(ran.says("--ta"));
}

TEST_CASE("grammar: -- ends the options") {
  const Sandbox box;
  box.write("-k", "#!/bin/sh\necho own \"$@\"\n");
  CHECK(box.shell("chmod +x ./-k; PATH=.:$PATH enjoin -- -k ::: a").out == "own a\n");
  CHECK(box.enjoin({"-j2", "--", "echo", ":::", "a"}).out == "a\n");
}

TEST_CASE("grammar: words that are to come are reserved as the very first word") {
  const Sandbox box;
  for (const char* word : {"run", "resume", "report", "stress", "top"}) {
    const Ran ran = box.enjoin({word, ":::", "a"});
    CHECK(ran.status == 255);
    CHECK(ran.says(std::string("enjoin -- ") + word));
    CHECK(ran.says(std::string("./") + word));
    box.write(word, "#!/bin/sh\necho $0 \"$@\"\n");
    box.shell(std::string("chmod +x ") + word);
    const std::string own = std::string("./") + word + " a\n";
    CHECK(box.enjoin({std::string("./") + word, ":::", "a"}).out == own);
    CHECK(box.shell(std::string("PATH=.:$PATH enjoin -- ") + word + " ::: a").out == own);
    CHECK(box.shell(std::string("PATH=.:$PATH enjoin -k ") + word + " ::: a").out == own);
    CHECK(box.shell(std::string("PATH=.:$PATH parallel ") + word + " ::: a").out == own);
  }
}

TEST_CASE("grammar: called as parallel it calls itself so") {
  const Sandbox box;
  const Ran ran = box.shell("parallel --no-such-option echo ::: a");
  CHECK(ran.err.starts_with("parallel: "));
  CHECK(ran.status == 255);
  CHECK(box.shell("parallel -k --will-cite echo ::: a b").out == "a\nb\n");
}

TEST_CASE("grammar: help fits a screen, and --help=all has every option") {
  const Sandbox box;
  const Ran help = box.enjoin({"--help"});
  CHECK(help.status == 0);
  CHECK(lines_of(help.out).size() <= 24);
  for (const std::string& line : lines_of(help.out)) CHECK(line.size() <= 80);
  const Ran all = box.enjoin({"--help=all"});
  for (const char* option :
       {"--worker-loss", "--leftovers", "--isolate", "--max-output", "--halt", "--rlimit"}) {
    CHECK(all.out.find(option) != std::string::npos);
  }
}

TEST_CASE("grammar: --version, and --version=all with the mechanisms in force") {
  const Sandbox box;
  CHECK(box.enjoin({"--version"}).out.starts_with("enjoin "));
  const Ran all = box.enjoin({"--version=all"});
  CHECK(all.out.find("pidfd") != std::string::npos);
  CHECK(all.out.find("kernel") != std::string::npos);
}
