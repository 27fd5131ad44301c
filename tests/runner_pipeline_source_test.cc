#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/pipeline/pipeline_source.h"
#include "support/folder.h"

using namespace enjoin;
using namespace std::chrono_literals;

namespace {

/// A run without processes: what starts has ended at once, well or not.
class Play {
 public:
  explicit Play(const std::string& text, const StageSelection& selection = {},
                const GraphPlanSpec& spec = {})
      : source_(read_pipeline(text, "p.toml", {}), selection), plan_(spec) {
    source_.begin(plan_);
    CHECK(source_.pull(plan_) == Pull::kEnd);
    plan_.close();
    open();
  }

  /// The names of what starts, until nothing does; `at_end` is called for each before its end.
  template <typename AtEnd>
  std::string run(AtEnd at_end) {
    std::string names;
    while (const auto start = plan_.next(now_)) {
      const std::string name = source_.text(start->job).name;
      names += name + ' ';
      last_ = source_.recipe(*start);
      const GraphPlan::End end = at_end(name);
      now_ += 1s;
      static_cast<void>(plan_.on_end(start->job, end, 1s, now_));
      open();
    }
    return names;
  }
  std::string run() {
    return run([](const std::string&) { return GraphPlan::End::kSuccess; });
  }
  std::string run_failing(const std::string& wrong) {
    return run([&wrong](const std::string& name) {
      return name == wrong ? GraphPlan::End::kFailure : GraphPlan::End::kSuccess;
    });
  }

  const JobRecipe& last() const { return last_; }
  PipelineSource& source() { return source_; }
  GraphPlan& plan() { return plan_; }

 private:
  void open() {
    while (const auto stage = plan_.take_opened()) source_.open(plan_, *stage);
    while (plan_.take_dropped()) {
    }
  }

  PipelineSource source_;
  GraphPlan plan_;
  GraphPlan::TimePoint now_{};
  JobRecipe last_;
};

std::string stage(const std::string& name, const std::string& keys, const std::string& run = ":") {
  return "[[stage]]\nname = '" + name + "'\n" + keys + "\nrun = '''" + run + "'''\n";
}

}  // namespace

TEST_CASE("pipeline source: item by item, without a join between the stages") {
  Play play(stage("b", "needs_each = 'a'", "b {item}") + stage("a", "foreach = ['1', '2']"), {},
            {.cpus = 1});
  const std::string names = play.run();
  CHECK(names.find("a[1]") < names.find("b[1]"));
  CHECK(names.find("a[2]") < names.find("b[2]"));
  CHECK(play.plan().finished());
  CHECK(play.plan().counts().succeeded == 4);
}

TEST_CASE("pipeline source: what needs a stage starts when all its jobs are joined") {
  Play play(stage("join", "needs = ['a']") + stage("a", "foreach = ['1', '2', '3']"));
  CHECK(play.run() == "a[1] a[2] a[3] join ");
}

TEST_CASE("pipeline source: names, numbers and places of jobs") {
  Play play(stage("b", "needs_each = 'a'\noutputs = ['{item}.b']\ntimeout = '7s'") +
            stage("a", "foreach = ['1', '2']\nisolate = 'pid'"));
  CHECK(play.source().text(JobIndex{0}).name == "a[1]");
  CHECK(play.source().text(JobIndex{3}).name == "b[2]");
  CHECK(play.source().text(JobIndex{3}).stage == "b");
  CHECK(play.source().text(JobIndex{3}).seq == 4);
  CHECK(play.source().outputs(JobIndex{3}) == std::vector<std::string>{"2.b"});
  CHECK(play.source().timeout(JobIndex{3}) == 7s);
  CHECK(play.source().timeout(JobIndex{0}) == 0s);
  CHECK(play.source().isolate() == Isolate::kPid);
}

TEST_CASE("pipeline source: globs are expanded when the needs are met, and who goes by them then") {
  const test::Folder folder;
  Play play(stage("split", "") +
            stage("count", "needs = ['split']\nforeach = '" + folder.path() +
                               "/*.part'\noutputs = ['{item}.n']") +
            stage("check", "needs_each = 'count'") + stage("sum", "needs = ['check']", "sum") +
            stage("all", "needs = ['count']", "cat {count.outputs}"));
  CHECK(play.plan().counts().added == 3);
  const std::string names = play.run([&](const std::string& name) {
    if (name == "split") {
      folder.write("1.part", "");
      folder.write("2.part", "");
    }
    return GraphPlan::End::kSuccess;
  });
  const std::string one = '[' + folder.at("1.part") + ']';
  CHECK(names.starts_with("split count" + one));
  CHECK(names.find("check" + one) < names.find("sum"));
  CHECK(play.plan().counts().succeeded == 7);
  CHECK(play.plan().finished());
}

TEST_CASE("pipeline source: what can never be expanded holds nothing up") {
  for (const bool keep_going : {false, true}) {
    Play play(stage("split", "") + stage("count", "needs = ['split']\nforeach = '*.never'") +
                  stage("check", "needs_each = 'count'") + stage("last", "needs = ['check']"),
              {}, {.keep_going = keep_going});
    CHECK(play.run_failing("split") == "split ");
    CHECK(play.plan().finished());
    CHECK(play.plan().counts().failed == 1);
    CHECK(play.plan().counts().dropped == 1);
  }
}

TEST_CASE("pipeline source: no match after all is an error with its place") {
  Play play(stage("split", "") + stage("count", "needs = ['split']\nforeach = '/nowhere/*.never'"));
  CHECK_THROWS_WITH_AS(play.run(), "p.toml:8:11: there is no path that matches /nowhere/*.never",
                       Error);
}

TEST_CASE("pipeline source: a stage that wants failure joins what it goes by") {
  const std::string made = stage("a", "foreach = ['1', '2']");
  Play mended(made + stage("mend", "needs_each = 'a'\nwhen = 'failure'"), {}, {.keep_going = true});
  CHECK(mended.run_failing("a[1]") == "a[1] a[2] mend[1] mend[2] ");
  Play well(made + stage("mend", "needs_each = 'a'\nwhen = 'failure'"), {}, {.keep_going = true});
  CHECK(well.run() == "a[1] a[2] ");
  CHECK(well.plan().finished());
}

TEST_CASE("pipeline source: stages that are left out are taken as done") {
  const std::string text = stage("a", "foreach = ['1', '2']\noutputs = ['{item}.o']") +
                           stage("b", "needs_each = 'a'\noutputs = ['{item}.x']", "b {a.out}") +
                           stage("c", "needs = ['b']", "c {b.outputs}");
  Play only(text, {.only = {"c"}});
  CHECK(only.run() == "c ");
  CHECK(only.last().line == "c 1.x 2.x");
  CHECK(only.plan().finished());
  Play from(text, {.from = {"b"}});
  CHECK(from.run() == "b[1] b[2] c ");
  Play wanted(text, {.stages = {"b"}});
  CHECK(wanted.plan().counts().added == 4);
}

TEST_CASE("pipeline source: a pool's value, the memory and the number of the attempt") {
  Play play("[pools]\nlimit = 1\ngpu = ['x', 'y']\n" +
            stage("s", "pool = ['limit', 'gpu']\nmemory = ['1K', '2K']\nattempts = 2",
                  "f {gpu} {memory} {attempt}"));
  int runs = 0;
  play.run([&](const std::string&) {
    CHECK(play.last().line == (runs++ == 0 ? "f x 1024 1" : "f x 2048 2"));
    return runs == 1 ? GraphPlan::End::kFailure : GraphPlan::End::kSuccess;
  });
  CHECK(runs == 2);
}

TEST_CASE("pipeline source: a stage without items is passed through") {
  const test::Folder folder;
  folder.write("empty.tsv", "sample\n");
  Play play(stage("none", "foreach = { tsv = '" + folder.at("empty.tsv") + "' }") +
            stage("each", "needs_each = 'none'") + stage("last", "needs = ['each']"));
  CHECK(play.run() == "last ");
  CHECK(play.plan().finished());
}

TEST_CASE("pipeline source: what a pattern matched before a failed attempt is not removed") {
  const test::Folder folder;
  folder.write("mine.csv", "");
  folder.write("out", "");
  Play play(stage("s", "attempts = 2\ncwd = '" + folder.path() + "'\noutputs = ['*.csv', 'out']"));
  int runs = 0;
  play.run([&](const std::string&) {
    folder.write(std::to_string(++runs) + ".csv", "");
    const std::vector<std::string> removed = play.source().failed_outputs(JobIndex{0});
    CHECK(removed ==
          std::vector<std::string>{folder.at(std::to_string(runs) + ".csv"), folder.at("out")});
    std::filesystem::remove(folder.at("1.csv"));
    return runs == 1 ? GraphPlan::End::kFailure : GraphPlan::End::kSuccess;
  });
  CHECK(runs == 2);
}
