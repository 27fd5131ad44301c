// Row 47: jobs that put links where the output of others is to go. --results FOLDER may itself be a
// link, and lie below some: only what is named after inputs is guarded.

#include <string>

#include <doctest/doctest.h>

#include "support/neighbours.h"

using namespace enjoin::test;

TEST_CASE("adversarial 47: a link in place of another job's output file is replaced") {
  const Sandbox box;
  for (const char* where : {"res", "res/{}/", "res/{}"}) {
    CAPTURE(where);
    box.shell("rm -rf res; echo mine >victim");
    const bool flat = std::string(where) == "res/{}";
    const std::string base = flat ? "res/2" : std::string(where) == "res" ? "res/1/2/" : "res/2/";
    const std::string trap = "mkdir -p res/1/2 res/2.d; " +
                             std::string(flat ? "" : "mkdir -p " + base + "; ") + "for f in " +
                             (flat ? "'' .err .seq" : "stdout stderr seq") +
                             "; do ln -s \"$PWD/victim\" " + base + "$f; done";
    const Ran ran = box.enjoin({"-j1", "--results", where,
                                "if [ {} = 1 ]; then " + trap + "; else echo out; echo err >&2; fi",
                                ":::", "1", "2"});
    CHECK(ran.status == 0);
    CHECK(box.read("victim") == "mine\n");
    CHECK(box.read(base + (flat ? "" : "stdout")) == "out\n");
    CHECK(box.read(base + (flat ? ".err" : "stderr")) == "err\n");
    CHECK(box.read(base + (flat ? ".seq" : "seq")) == "2");
  }
}

TEST_CASE("adversarial 47: a link in place of another job's output folder is refused") {
  const Sandbox box;
  const Ran ran = box.shell(
      "mkdir victim; enjoin -j1 --results res --joblog log 'if [ {} = 1 ]; then ln -s $PWD/victim "
      "res/1/2; else echo out; fi' ::: 1 2 3; echo $?; ls victim; cat res/1/3/stdout; wc -l <log");
  CHECK(ran.out == "1\nout\n3\n");
  CHECK(ran.says("Too many levels of symbolic links"));
}

TEST_CASE("adversarial 47: a link made while the job runs does not get its number either") {
  const Sandbox box;
  const Ran ran = box.shell(
      "echo mine >victim; mkdir other; enjoin -j1 --results res 'mv res/1/{} aside; ln -s "
      "$PWD/other "
      "res/1/{}; ln -s $PWD/victim other/seq; echo out' ::: 1; ls other; cat victim aside/stdout "
      "aside/seq");
  CHECK(ran.out == "seq\nmine\nout\n1");
}

TEST_CASE("adversarial 47: --results below links of the person's own works as ever") {
  const Sandbox box;
  const Ran ran = box.shell(
      "mkdir -p real/deep; ln -s real link; ln -s real/deep results; "
      "enjoin --results results echo ::: a; enjoin --results link/deep/x echo ::: b; "
      "enjoin --results link/deep/{}/y echo ::: c; enjoin --results $PWD/link/{1}.txt echo ::: d; "
      "enjoin --results new/one/{}/ echo ::: e/f; enjoin --results {} echo ::: g; "
      "cat real/deep/1/a/stdout real/deep/x/1/b/stdout real/deep/c/y real/d.txt new/one/e/f/stdout "
      "g");
  CHECK(ran.out == "a\nb\nc\nd\ne/f\ng\n");
  CHECK(ran.err.empty());
}

TEST_CASE("adversarial 47: between neighbours, a job that swaps links without end harms nobody") {
  const Sandbox box;
  box.shell("echo mine >victim; mkdir trap");
  const std::string swap =
      "i=0; while [ $i -lt 20 ]; do for n in 9 10 11 12 13 14 15 16; do "
      "ln -sfn \"$PWD/trap\" res/$n 2>/dev/null; ln -sf \"$PWD/victim\" res/$n/stdout 2>/dev/null; "
      "rm -f res/$n 2>/dev/null; done; i=$((i+1)); done; rm -f trap/*; :";
  // Their output stays in files, so the neighbours have none to look at; their rows are looked at.
  const Ran ran =
      box.enjoin({"-j4",      "--results", "res/{#}/",
                  "--joblog", "log",       "if [ {} = 1 ]; then " + swap + "; else seq 100; fi",
                  ":::",      "1",         "2",
                  "3",        "4",         "5",
                  "6",        "7",         "8",
                  "9",        "10",        "11",
                  "12",       "13",        "14",
                  "15",       "16",        "17",
                  "18"});
  CHECK(box.read("victim") == "mine\n");
  CHECK(box.shell("cat trap/* 2>/dev/null").out.empty());
  for (const char* untouched : {"2", "3", "4", "17", "18"}) {
    CHECK(lines_of(box.read(std::string("res/") + untouched + "/stdout")).size() == 100);
  }
  // A job whose folder was a link when it was to start has failed, by name.
  std::size_t fates = lines_of(box.read("log")).size() - 1;
  for (const std::string& line : lines_of(ran.err)) {
    if (line.starts_with("enjoin: Error: if [")) ++fates;
  }
  CAPTURE(ran.err);
  CHECK(fates == 18);
}
