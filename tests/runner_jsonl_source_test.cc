#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/graph/graph_plan.h"
#include "runner/jsonl/jsonl_source.h"
#include "support/memory_file.h"

namespace enjoin {
namespace {

using test::MemoryFile;
using Words = std::vector<std::string>;
constexpr GraphPlan::TimePoint kNow{};

/// A graph that was read to its end.
struct Graph {
  explicit Graph(std::string_view text) : file(text), source(file.path()), plan({}) {
    source.begin(plan);
    while (source.pull(plan) != Pull::kEnd) {
    }
    plan.close();
    while (const auto stage = plan.take_opened()) source.open(plan, *stage);
  }
  /// Ids in the order in which they start, one at a time; each as it ends.
  Words run() {
    Words ids;
    while (const auto start = plan.next(kNow)) {
      ids.push_back(source.text(start->job).name);
      plan.mark_done(start->job);
    }
    return ids;
  }
  MemoryFile file;
  JsonlSource source;
  GraphPlan plan;
};

/// What is told of a wrong graph, without the file's name.
std::string problem(std::string_view text) {
  const MemoryFile file(text);
  try {
    JsonlSource source(file.path());
    GraphPlan plan({});
    source.begin(plan);
    while (source.pull(plan) != Pull::kEnd) {
    }
  } catch (const Error& error) {
    std::string told = error.what();
    for (std::size_t at; (at = told.find(file.path())) != std::string::npos;) {
      told.erase(at, file.path().size());
    }
    return told;
  }
  return "";
}

struct Stream {
  Stream() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(read_end.get()); }
  void write(std::string_view text) const {
    REQUIRE(::write(write_end.get(), text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
  }
  ipc::UniqueFd read_end, write_end;
};

/// Pulls what is there.
Pull pull_all(JsonlSource& source, GraphPlan& plan) {
  Pull pulled = Pull::kRecord;
  while (pulled == Pull::kRecord) pulled = source.pull(plan);
  return pulled;
}

TEST_CASE("jsonl: jobs run after what they need, wherever that stands") {
  Graph graph(R"({"id":"app","sh":"cc -o app *.o","needs":["a","b"]}
{"id":"a","argv":["cc","-c","a.c"]}

{"id":"b","argv":["cc","-c","b c.c"],"needs":["a"]}
)");
  CHECK(graph.run() == Words{"a", "b", "app"});
  CHECK(graph.plan.finished());
  CHECK(graph.source.command(JobIndex{0}) == "cc -o app *.o");
  CHECK(graph.source.text(JobIndex{0}).seq == 1);
  CHECK(graph.source.text(JobIndex{0}).stage == "jobs");
}

TEST_CASE("jsonl: what people see of a command would do the same in a shell") {
  const Graph graph(R"({"argv":["printf","%s","a b","it's"]})");
  CHECK(graph.source.command(JobIndex{0}) == "printf '%s' 'a b' 'it'\"'\"'s'");
  CHECK(graph.source.text(JobIndex{0}).name == "line 1");
}

TEST_CASE("jsonl: the last line needs no newline, blank lines and a byte order mark are no jobs") {
  CHECK(
      Graph("\xEF\xBB\xBF{\"id\":\"a\",\"argv\":[\"x\"]}\r\n \t\r\n{\"id\":\"b\",\"argv\":[\"x\"]}")
          .run() == Words{"a", "b"});
  CHECK(Graph("").run().empty());
  CHECK(Graph("\n\n").plan.finished());
}

TEST_CASE("jsonl: a recipe says all of how the job runs") {
  Graph graph(
      R"({"enjoin":1,"pools":{"gpu":["7"],"net":2},"defaults":{"env":{"A":"1"},"isolate":"pid"}}
{"id":"a","argv":["x"],"cwd":"d","stdin":"i","stdout":"o","stderr":"e","pool":["net","gpu"],"env":{"B":null}}
{"id":"b","sh":"x","needs":["a"],"isolate":"none","leftovers":"keep","timeout":3,"outputs":["p"]}
)");
  CHECK(graph.source.isolate() == Isolate::kPid);
  const auto first = graph.plan.next(kNow);
  REQUIRE(first.has_value());
  const JobRecipe recipe = graph.source.recipe(*first);
  CHECK(recipe.label == "a");
  CHECK(recipe.argv == Words{"x"});
  CHECK(recipe.line.empty());
  CHECK(recipe.folder == "d");
  CHECK(recipe.stdin_path == "i");
  CHECK(recipe.stdout_path == "o");
  CHECK(recipe.stderr_path == "e");
  CHECK(recipe.environment == Words{"A=1", "B", "ENJOIN_POOL_gpu=7"});
  CHECK(recipe.isolate == Isolate::kPid);
  CHECK(graph.source.inputs(first->job) == Words{"d/i"});
  CHECK(graph.source.outputs(first->job) == Words{"d/o"});
  graph.plan.mark_done(first->job);
  const auto second = graph.plan.next(kNow);
  REQUIRE(second.has_value());
  const JobRecipe other = graph.source.recipe(*second);
  CHECK(other.shell == Words{"bash", "-euo", "pipefail"});
  CHECK(other.line == "x");
  CHECK(other.isolate == Isolate::kNone);
  CHECK(other.leftovers == Leftovers::kKeep);
  CHECK(graph.source.timeout(second->job) == std::chrono::seconds(3));
}

TEST_CASE("jsonl: stages are names, and a failure that is allowed is a stage of its own") {
  Graph graph(R"({"id":"a","stage":"s","argv":["x"]}
{"id":"b","stage":"s","argv":["x"],"allow_failure":true}
{"id":"c","stage":"s","argv":["x"]}
{"id":"d","stage":"t","argv":["x"]}
)");
  CHECK(graph.plan.stages() == 3);
  CHECK(graph.source.text(JobIndex{1}).stage == "s");
  CHECK(graph.plan.stage(graph.plan.stage_of(JobIndex{1})).allow_failure);
  CHECK(graph.plan.stage_of(JobIndex{0}) == graph.plan.stage_of(JobIndex{2}));
}

TEST_CASE("jsonl: an identity follows id, command and environment, not the place") {
  const Graph graph(R"({"id":"b","argv":["x"],"needs":["a"]}
{"id":"a","argv":["x"],"env":{"A":"1"}}
)");
  const Graph other(R"({"id":"a","argv":["x"],"env":{"A":"1"},"timeout":9}
{"id":"b","argv":["y"]}
)");
  CHECK(graph.source.identity(JobIndex{1}) == other.source.identity(JobIndex{0}));
  CHECK(graph.source.identity(JobIndex{0}).key == other.source.identity(JobIndex{1}).key);
  CHECK(graph.source.identity(JobIndex{0}).command != other.source.identity(JobIndex{1}).command);
  CHECK(graph.source.identity(JobIndex{0}).environment ==
        other.source.identity(JobIndex{1}).environment);
}

TEST_CASE("jsonl: all errors of a file are told, each with its place") {
  CHECK(problem(R"({"id":"a","argv":["x"]}
{"id":"a","argv":["x"]}
{"id":"\u00e9é", "argv":[1]}
{"id":"b"}
{"id":"c","argv":["x"],"pool":"p"}
{"id":"d","argv":["x"],"needs":["d"]}
{"id":"e","argv":["x"],"isolate":"pid"}
)") ==
        R"(:2:7: "a" is the id of line 1 already
:3:26: a number, where "argv" needs an array of texts
:4:1: a job without "argv" and without "sh": nothing would be run
:5:31: no pool is called "p"; the first line makes pools: {"enjoin": 1, "pools": {"p": 1}}
:6:33: a job cannot need itself
:7:1: "isolate" must be said in the first line too, for the whole run is made so: {"enjoin": 1, "defaults": {"isolate": "pid"}}; others may say "none")");
}

TEST_CASE("jsonl: of very many errors the first twenty are told") {
  std::string text = "{\"id\":\"a\",\"argv\":[\"x\"]}\n";
  for (int i = 0; i < 50; ++i) text += "{}\n";
  const std::string told = problem(text);
  CHECK(told.find(":21:1: a job without") != std::string::npos);
  CHECK(told.find(":22:1:") == std::string::npos);
  CHECK(told.ends_with("\n: and 30 more"));
}

TEST_CASE("jsonl: needs that no line describes are told where they stand") {
  CHECK(problem(R"({"id":"a","argv":["x"],"needs":["b","nope","neither"]}
{"id":"b","argv":["x"],"needs":["nope"]}
)") == ":1:37: needs \"nope\", which no line describes\n"
       ":1:44: needs \"neither\", which no line describes");
}

TEST_CASE("jsonl: jobs that need each other in a ring are told") {
  const std::string told = problem(R"({"id":"x","argv":["x"],"needs":["a"]}
{"id":"a","argv":["x"],"needs":["b"]}
{"id":"b","argv":["x"],"needs":["c"]}
{"id":"c","argv":["x"],"needs":["a"]}
)");
  CAPTURE(told);
  const std::set<std::string> any{
      ":2:1: \"a\" needs \"b\" needs \"c\" needs \"a\": none of them can ever start",
      ":3:1: \"b\" needs \"c\" needs \"a\" needs \"b\": none of them can ever start",
      ":4:1: \"c\" needs \"a\" needs \"b\" needs \"c\": none of them can ever start"};
  CHECK(any.count(told) == 1);
}

TEST_CASE("jsonl: a wrong first line is told before anything else is done") {
  const MemoryFile file("{\"enjoin\":1,\"pool\":{}}\n");
  CHECK_THROWS_AS(JsonlSource(file.path()), Error);
  CHECK(problem("no json\n{}\n").starts_with(":1:2: not JSON"));
}

TEST_CASE("jsonl: in a stream, jobs run before others have come, and may need what has ended") {
  const Stream stream;
  stream.write("{\"id\":\"a\",\"argv\":[\"x\"]}\n{\"id\":\"half");
  JsonlSource source(stream.path());
  GraphPlan plan({});
  source.begin(plan);
  CHECK(source.wait_fd() >= 0);
  CHECK(pull_all(source, plan) == Pull::kWouldBlock);
  const auto first = plan.next(kNow);
  REQUIRE(first.has_value());
  CHECK(source.text(first->job).name == "a");
  plan.mark_done(first->job);
  CHECK(!plan.next(kNow));

  stream.write("\",\"argv\":[\"x\"],\"needs\":[\"a\",\"later\"]}\n");
  CHECK(pull_all(source, plan) == Pull::kWouldBlock);
  CHECK(!plan.next(kNow));
  CHECK(source.text(JobIndex{2}).name == "later");

  stream.write("{\"id\":\"later\",\"argv\":[\"y\"]}\n");
  CHECK(pull_all(source, plan) == Pull::kWouldBlock);
  const auto second = plan.next(kNow);
  REQUIRE(second.has_value());
  CHECK(source.text(second->job).name == "later");
  CHECK(source.command(second->job) == "y");
  plan.mark_done(second->job);
  const auto third = plan.next(kNow);
  REQUIRE(third.has_value());
  CHECK(source.text(third->job).name == "half");
  plan.mark_done(third->job);
  CHECK(!plan.finished());
}

TEST_CASE("jsonl: a stream's end ends the graph") {
  Stream stream;
  stream.write("{\"id\":\"a\",\"argv\":[\"x\"]}\n");
  stream.write_end.reset();
  JsonlSource source(stream.path());
  GraphPlan plan({});
  source.begin(plan);
  CHECK(pull_all(source, plan) == Pull::kEnd);
  plan.close();
  while (plan.take_opened()) {
  }
  plan.mark_done(plan.next(kNow)->job);
  CHECK(plan.finished());
}

TEST_CASE("jsonl: in a stream the first error is told at once") {
  const Stream stream;
  stream.write("{\"id\":\"a\",\"argv\":[\"x\"]}\n{}\n{}\n");
  JsonlSource source(stream.path());
  GraphPlan plan({});
  source.begin(plan);
  CHECK_THROWS_AS(pull_all(source, plan), Error);
}

TEST_CASE("jsonl: a random graph runs whole, each job after what it needs") {
  std::mt19937 random(7);
  constexpr int kJobs = 3000;
  std::vector<std::string> lines;
  std::map<std::string, Words> needs;
  for (int i = 0; i < kJobs; ++i) {
    std::string line = "{\"id\":\"job " + std::to_string(i) + "\",\"argv\":[\"x\"],\"needs\":[";
    for (unsigned left = random() % 4; left > 0 && i > 0; --left) {
      const std::string on = "job " + std::to_string(random() % static_cast<unsigned>(i));
      line += (line.ends_with('[') ? "\"" : ",\"") + on + "\"";
      needs["job " + std::to_string(i)].push_back(on);
    }
    lines.push_back(line + "]}\n");
  }
  std::shuffle(lines.begin(), lines.end(), random);
  std::string text;
  for (const std::string& line : lines) text += line;
  Graph graph(text);
  std::set<std::string> done;
  for (const std::string& id : graph.run()) {
    for (const std::string& on : needs[id]) REQUIRE(done.count(on) == 1);
    REQUIRE(done.insert(id).second);
  }
  CHECK(done.size() == kJobs);
  CHECK(graph.plan.finished());
}

TEST_CASE("id table: finds what was put in, also where hashes are alike") {
  std::vector<IdTable::Key> keys;
  IdTable table;
  const auto key_at = [&](std::uint32_t index) -> const IdTable::Key& { return keys[index]; };
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const IdTable::Key key{i % 7, (i << 33) | (i % 3)};
    const IdTable::Place place = table.find(key, key_at);
    REQUIRE(!place.index);
    keys.push_back(key);
    table.insert(place, key, static_cast<std::uint32_t>(i));
  }
  for (std::uint32_t i = 0; i < 5000; ++i) REQUIRE(table.find(keys[i], key_at).index == i);
}

}  // namespace
}  // namespace enjoin
