#include <csignal>
#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("results: a tree with a folder for each input, and nothing on stdout") {
  const Sandbox box;
  const Ran ran = box.enjoin(
      {"--results", "out", "echo o{1}; echo e{2} >&2; exit {1}", ":::", "0", "3", ":::", "a"});
  CHECK(ran.status == 1);
  CHECK(ran.out.empty());
  CHECK(box.read("out/1/3/2/a/stdout") == "o3\n");
  CHECK(box.read("out/1/3/2/a/stderr") == "ea\n");
  CHECK(box.read("out/1/3/2/a/seq") == "2");
}

TEST_CASE("results: no input leads out of the tree") {
  const Sandbox box;
  CHECK(box.enjoin({"--results", "out", "echo", ":::", "..", ".", "a/b"}).status == 0);
  CHECK(box.read("out/1/\\../stdout") == "..\n");
  CHECK(box.read("out/1/\\./stdout") == ".\n");
  CHECK(box.read("out/1/a\\_b/stdout") == "a/b\n");
}

TEST_CASE("results: a name with replacement strings names the files, or the folder") {
  const Sandbox box;
  CHECK(box.enjoin({"--results", "res_{}.txt", "echo {}; echo e >&2", ":::", "a"}).status == 0);
  CHECK(box.read("res_a.txt") == "a\n");
  CHECK(box.read("res_a.txt.err") == "e\n");
  CHECK(box.read("res_a.txt.seq") == "1");
  CHECK(box.enjoin({"--results", "dir/{}/", "echo", ":::", "a"}).status == 0);
  CHECK(box.read("dir/a/stdout") == "a\n");
}

TEST_CASE("results: a job that ran before is replaced, not added to") {
  const Sandbox box;
  CHECK(box.enjoin({"--results", "out", "seq", ":::", "5"}).status == 0);
  CHECK(box.enjoin({"--results", "out", "echo", ":::", "5"}).status == 0);
  CHECK(box.read("out/1/5/stdout") == "5\n");
}

TEST_CASE("results: a folder that cannot be made is named before anything runs") {
  const Sandbox box;
  box.write("file", "");
  for (const char* const where : {"file/out", "/proc/out", "file/{}", "file/out.csv"}) {
    CAPTURE(where);
    const Ran ran = box.enjoin({"--results", where, "touch ran", ":::", "a"});
    CHECK(ran.status == 255);
    CHECK(ran.says("results"));
    CHECK_FALSE(box.has("ran"));
  }
}

TEST_CASE("results: an interrupted job keeps what it wrote, and nothing else is left behind") {
  const Sandbox box;
  Fifo here = box.fifo("here");
  Fifo go = box.fifo("go");
  Running running =
      box.start({"--results", "out", "echo begun; echo x >here; read x <go", ":::", "a"});
  here.wait_line();
  running.signal(SIGINT);
  CHECK(running.wait().status == 255);
  CHECK(box.read("out/1/a/stdout") == "begun\n");
  CHECK(box.left_in_tmp().empty());
}

TEST_CASE("results: a table has a heading and a row for each job, in order with -k") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "--results", "t.csv", "echo {}; exit {#}", ":::", "a b", "c"});
  CHECK(ran.out.empty());
  const auto lines = lines_of(box.read("t.csv"));
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] ==
        "Seq,Host,Starttime,JobRuntime,Send,Receive,Exitval,Signal,Command,V1,Stdout,Stderr");
  CHECK(lines[1].starts_with("1,:,"));
  CHECK(lines[1].find(",0,4,1,0,\"echo 'a b'; exit 1\",\"a b\",\"a b") != std::string::npos);
  CHECK(lines[3].find(",0,2,2,0,\"echo c; exit 2\",c,\"c") != std::string::npos);
}

TEST_CASE("results: a table without jobs is empty, and one on stdout is stdout") {
  const Sandbox box;
  CHECK(box.shell("enjoin --results t.json echo </dev/null").status == 0);
  CHECK(box.has("t.json"));
  CHECK(box.read("t.json").empty());
  const Ran ran = box.enjoin({"--results", "-.json", "echo", ":::", "a"});
  CHECK(ran.out.starts_with("{ \"Seq\": 1, \"Host\": \":\", "));
  CHECK(ran.out.ends_with("\"V\": [ \"a\" ], \"Stdout\": \"a\\u000a\", \"Stderr\": \"\" }\n"));
}

TEST_CASE("results: a table needs the output, so -u is refused with it") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-u", "--results", "t.csv", "echo", ":::", "a"});
  CHECK(ran.status == 255);
  CHECK(ran.says("--ungroup"));
  CHECK(ran.says("t.csv"));
}

TEST_CASE("files: the names are printed, the files stay, stderr is printed as ever") {
  const Sandbox box;
  const Ran ran = box.enjoin({"-k", "--files", "echo {}; echo e{} >&2", ":::", "a", "b"});
  const auto names = lines_of(ran.out);
  REQUIRE(names.size() == 2);
  CHECK(ran.err == "ea\neb\n");
  CHECK(box.left_in_tmp().size() == 2);
  CHECK(box.shell("cat " + names[0] + ' ' + names[1]).out == "a\nb\n");
}

TEST_CASE("files: a failed attempt leaves no file, and --tmpdir says where they are") {
  const Sandbox box;
  const Ran ran = box.shell(
      "mkdir t; enjoin --tmpdir t --retries 3 --files 'echo x; exit 1' ::: a;"
      "ls t | wc -l");
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("t/par"));
  CHECK(lines[1] == "1");
}

TEST_CASE("files: --compress-program packs what stays") {
  const Sandbox box;
  const Ran ran = box.shell(
      "enjoin --compress-program gzip --files 'seq {}' ::: 3 | xargs gzip -dc;"
      "enjoin --compress-program gzip --results out 'seq {}' ::: 3; gzip -dc <out/1/3/stdout");
  CHECK(ran.out == "1\n2\n3\n1\n2\n3\n");
}

TEST_CASE("files: a compressor that fails is no reason to lose a job's output unseen") {
  const Sandbox box;
  const Ran ran = box.enjoin({"--compress-program", "false", "echo", ":::", "a"});
  CHECK(ran.status == 1);
  CHECK(ran.says("output could not be kept"));
}

TEST_CASE("results: jobs of --pipe without inputs have a folder each, by their numbers") {
  const Sandbox box;
  CHECK(box.shell("seq 3 | enjoin --pipe -N1 --results out cat; cat out/1/3/stdout out/1/1/stdout")
            .out == "3\n1\n");
  CHECK(box.shell("seq 3 | enjoin --pipe -N1 --results named 'cat; : {}' ::: a b c; "
                  "cat named/1/b/stdout")
            .out == "2\n");
}
