#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "runner/jsonl/job_line_reader.h"
#include "runner/jsonl/job_paths.h"

namespace enjoin {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

JobLine read(std::string_view text) {
  JobLineReader reader;
  JobLine line;
  REQUIRE(reader.read(text, &line) == JobLineReader::Kind::kJob);
  return line;
}

/// "OFFSET what", or "" where the line is right.
std::string problem(std::string_view text) {
  JobLineReader reader;
  JobLine line;
  try {
    static_cast<void>(reader.read(text, &line));
  } catch (const LineError& error) {
    return std::to_string(error.offset()) + " " + error.what();
  }
  return "";
}

TEST_CASE("job line: every key is read") {
  const JobLine line = read(
      R"({"id":"a","stage":"s","argv":["x","",""],"needs":["b","c"],"cwd":"d","env":{"A":"1","B":null},)"
      R"("stdin":"i","stdout":"o","stderr":"e","inputs":["1"],"outputs":["2","3"],"pool":["p","q"],)"
      R"("cpus":3,"memory":["8K",16384],"attempts":0,"retry_delay":"1m","retry_backoff":1.5,)"
      R"("timeout":2.5,"expected":10,"leftovers":"fail","isolate":"pid","allow_failure":true})");
  CHECK(line.id == "a");
  CHECK(line.stage == "s");
  CHECK(line.argv == Words{"x", "", ""});
  CHECK(line.needs == Words{"b", "c"});
  CHECK(line.folder == "d");
  CHECK(line.environment == Words{"A=1", "B"});
  CHECK(line.stdin_path == "i");
  CHECK(line.stdout_path == "o");
  CHECK(line.stderr_path == "e");
  CHECK(line.inputs == Words{"1"});
  CHECK(line.outputs == Words{"2", "3"});
  CHECK(line.pools == Words{"p", "q"});
  CHECK(line.cpus == 3);
  CHECK(line.memory == std::vector<std::uint64_t>{8192, 16384});
  CHECK(line.attempts == 0);
  CHECK(line.retry_delay == 60s);
  CHECK(line.retry_backoff == 1.5);
  CHECK(line.timeout == 2500ms);
  CHECK(line.expected == 10s);
  CHECK(line.leftovers == Leftovers::kFail);
  CHECK(line.isolate == Isolate::kPid);
  CHECK(line.allow_failure);
}

TEST_CASE("job line: one text stands for an array of one") {
  const JobLine line = read(
      R"({"sh":"x | y","shell":"zsh -e","needs":"b","pool":"p","inputs":"1","outputs":"2","memory":"1M"})");
  CHECK(line.line == "x | y");
  CHECK(line.shell == Words{"zsh", "-e"});
  CHECK(line.needs == Words{"b"});
  CHECK(line.pools == Words{"p"});
  CHECK(line.inputs == Words{"1"});
  CHECK(line.outputs == Words{"2"});
  CHECK(line.memory == std::vector<std::uint64_t>{1 << 20});
}

TEST_CASE("job line: an id may be a number, as it is written") {
  CHECK(read(R"({"id":12,"argv":["x"]})").id == "12");
  CHECK(problem(R"({"id":1.5,"argv":["x"]})").find("\"id\" needs a text or a whole number") !=
        std::string::npos);
}

TEST_CASE("job line: needs may be numbers, as ids may") {
  CHECK(read(R"({"id":1,"argv":["x"],"needs":[2,"3"]})").needs ==
        std::vector<std::string>{"2", "3"});
  CHECK(read(R"({"id":1,"argv":["x"],"needs":2})").needs == std::vector<std::string>{"2"});
  CHECK(problem(R"({"id":1,"argv":["x"],"needs":[2.5]})").find("a number, where \"needs\"") !=
        std::string::npos);
}

TEST_CASE("job line: escapes are resolved, bytes that are no UTF-8 stay") {
  CHECK(read(R"({"argv":["\u00e9\n\"\\\/\ud83d\ude00"]})").argv ==
        Words{"\xC3\xA9\n\"\\/\xF0\x9F\x98\x80"});
  CHECK(read("{\"argv\":[\"\xFF\"]}").argv == Words{"\xFF"});
}

TEST_CASE("job line: keys that begin with _ are passed over, whatever they hold") {
  const JobLine line = read(
      R"({"_a":{"id":"no","b":[{}]},"_b":[[1,"x"],null],"_c":null,"id":"a","_d":1,"argv":["x"]})");
  CHECK(line.id == "a");
  CHECK(line.argv == Words{"x"});
  CHECK(problem(R"({"_a":)" + std::string(100'000, '[')).find("nested more than 256 deep") !=
        std::string::npos);
}

TEST_CASE("job line: what is wrong is told with its place") {
  const std::initializer_list<std::pair<std::string_view, std::string_view>> cases{
      {R"({"id":"a"})", "0 a job without \"argv\""},
      {R"({"argv":["x"],"sh":"x"})", "0 both \"argv\" and \"sh\""},
      {R"({"argv":[]})", "9 \"argv\" is empty"},
      {R"({"argv":[""]})", "9 an empty text in \"argv\""},
      {R"({"argv":"x"})", "8 a text, where \"argv\" needs an array of texts"},
      {R"({"argv":[1]})", "9 a number, where \"argv\" needs"},
      {R"({"argv":["x"], "xneeds":["a"]})", "15 unknown key \"xneeds\""},
      {R"({"argv":["x"],"outptus":["a"]})", "did you mean \"outputs\"?"},
      {R"({"id":"a","id":"b"})", "10 \"id\" stands here twice"},
      {R"({"id":""})", "6 \"id\" is empty"},
      {R"({"id":null})", "6 null, where \"id\" needs"},
      {R"({"id":["a"]})", "an array, where \"id\" needs"},
      {R"({"id":{}})", "an object, where \"id\" needs"},
      {R"({"cpus":0,"argv":["x"]})", "8 \"cpus\" of 0: a whole number from 1"},
      {R"({"cpus":1.5,"argv":["x"]})", "\"cpus\" of 1.5"},
      {R"({"cpus":"2","argv":["x"]})", "a text, where \"cpus\" needs a number"},
      {R"({"attempts":-1})", "\"attempts\" of -1"},
      {R"({"retry_backoff":0.5})", "\"retry_backoff\" of 0.5: a number from 1"},
      {R"({"retry_backoff":1e999})", "17 not JSON: number too big"},
      {R"({"timeout":"soon"})", "11 timeout"},
      {R"({"timeout":-1})", "timeout"},
      {R"({"memory":"lots"})", "memory"},
      {R"({"memory":true})", "a truth value, where \"memory\" needs a size"},
      {R"({"leftovers":"eat"})", "\"leftovers\" is \"keep\", \"report\""},
      {R"({"isolate":"all"})", "\"isolate\" is \"none\" or \"pid\""},
      {R"({"allow_failure":1})", "a number, where \"allow_failure\" needs true or false"},
      {R"({"env":{"A":1}})", "12 a number, where variable \"A\" needs a text or null"},
      {R"({"env":{"A=B":"1"}})", "no variable can have this name"},
      {R"({"env":["A"]})", "an array, where \"env\" needs an object"},
      {R"({"argv":["a\u0000b"]})", "9 a NUL byte"},
      {R"(["a"])", "0 an array, where a line is an object"},
      {R"("a")", "0 a text, where a line is an object"},
      {R"({"argv":["x"],"enjoin":1})", "belongs to the first key of the first line"},
      {R"({"argv":["x"]} {})", "15 not JSON"},
      {R"({"argv":["x"])", "13 not JSON: missing a comma or '}'"},
      {R"({'argv':["x"]})", "1 not JSON: missing a name"},
      {R"({"argv":["\ud800"]})", "not JSON"},
      {R"({"argv":["x)", "not JSON: missing a closing quotation mark"},
  };
  for (const auto& [line, expected] : cases) {
    const std::string text(line);  // clang 14 captures no structured binding
    CAPTURE(text);
    const std::string told = problem(text);
    CAPTURE(told);
    CHECK(told.find(expected) != std::string::npos);
  }
}

TEST_CASE("job line: a header makes pools and gives defaults to the lines after it") {
  JobLineReader reader;
  JobLine line;
  REQUIRE(
      reader.read(
          R"({"enjoin":1,"pools":{"db":2,"gpu":["0","1"]},"defaults":{"cwd":"d","env":{"A":"1"},)"
          R"("pool":["db"],"timeout":5},"_x":1})",
          &line) == JobLineReader::Kind::kHeader);
  REQUIRE(reader.header().pools.size() == 2);
  CHECK(reader.header().pools[0].limit == 2);
  CHECK(reader.header().pools[1].values == Words{"0", "1"});
  CHECK(reader.header().pools[1].limit == 2);
  REQUIRE(reader.read(R"({"argv":["x"],"env":{"B":"2"}})", &line) == JobLineReader::Kind::kJob);
  CHECK(line.folder == "d");
  CHECK(line.environment == Words{"A=1", "B=2"});
  CHECK(line.pools == Words{"db"});
  CHECK(line.timeout == 5s);
  static_cast<void>(reader.read(R"({"argv":["x"],"pool":["gpu"],"cwd":"e"})", &line));
  CHECK(line.folder == "e");
  CHECK(line.pools == Words{"gpu"});
}

TEST_CASE("job line: what is wrong with a header is told") {
  const std::initializer_list<std::pair<std::string_view, std::string_view>> cases{
      {R"({"enjoin":2})", "10 version 2 of the format"},
      {R"({"enjoin":"1"})", "a text, where \"enjoin\" needs the number 1"},
      {R"({"enjoin":1,"pool":{}})", "did you mean \"pools\"?"},
      {R"({"enjoin":1,"pools":[]})", "an array, where \"pools\" needs an object"},
      {R"({"enjoin":1,"pools":{"a b":1}})", "a pool cannot be called \"a b\""},
      {R"({"enjoin":1,"pools":{"a":0}})", "pool \"a\" of 0"},
      {R"({"enjoin":1,"pools":{"a":[]}})", "pool \"a\" has nothing to hand out"},
      {R"({"enjoin":1,"pools":{"a":[1]}})", "a number, where pool \"a\" needs"},
      {R"({"enjoin":1,"pools":{"a":1,"a":2}})", "pool \"a\" stands here twice"},
      {R"({"enjoin":1,"defaults":{"id":"x"}})", "\"id\" is of each job's own"},
      {R"({"enjoin":1,"defaults":{"cwd":1}})", "a number, where \"cwd\" needs a text"},
  };
  for (const auto& [line, expected] : cases) {
    const std::string text(line);  // clang 14 captures no structured binding
    CAPTURE(text);
    const std::string told = problem(text);
    CAPTURE(told);
    CHECK(told.find(expected) != std::string::npos);
  }
  JobLineReader reader;
  JobLine line;
  static_cast<void>(reader.read(R"({"argv":["x"]})", &line));
  CHECK_THROWS_WITH(static_cast<void>(reader.read(R"({"enjoin":1})", &line)),
                    "\"enjoin\" belongs to the first line only");
}

TEST_CASE("job line: paths are told from our own folder, devices are no files of a job") {
  const JobLine line = read(
      R"({"argv":["x"],"cwd":"d","inputs":["a","/b"],"outputs":["c"],"stdin":"i","stdout":"c"})");
  CHECK(input_paths(line) == Words{"d/a", "/b", "d/i"});
  CHECK(output_paths(line) == Words{"d/c"});
  CHECK(output_paths(read(R"({"argv":["x"],"stdout":"/dev/null"})")).empty());
}

TEST_CASE("job line: the identity's command is what is run, not how often or with what") {
  IdentityHash hash;
  const auto command = [&](std::string_view text) { return hash_command(read(text), hash); };
  const std::uint64_t plain = command(R"({"argv":["x","y"]})");
  CHECK(plain == command(R"({"id":"other","argv":["x","y"],"timeout":5,"attempts":3,"cpus":2})"));
  CHECK(plain != command(R"({"argv":["x","yz"]})"));
  CHECK(plain != command(R"({"argv":["xy"]})"));
  CHECK(plain != command(R"({"sh":"x y"})"));
  CHECK(plain != command(R"({"argv":["x","y"],"cwd":"d"})"));
  CHECK(plain != command(R"({"argv":["x","y"],"stdout":"d"})"));
  CHECK(command(R"({"sh":"x"})") != command(R"({"sh":"x","shell":"sh"})"));
}

}  // namespace
}  // namespace enjoin
