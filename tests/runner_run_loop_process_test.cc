#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "runner/run/run_loop.h"
#include "support/stdout_file.h"
#include "support/team_run.h"
#include "support/tiny_source.h"

using namespace enjoin;
using namespace enjoin::test;
using Tiny = TinySource;

namespace {

/// A folder for the files of a test's jobs.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/run_loop_XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string read(const std::string& name) const {
    std::ifstream stream(file(name));
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::string path_;
};

/// Writes down what it is told.
class Diary : public RunObserver {
 public:
  explicit Diary(const TinySource& source) : source_(source) {}

  void stage_opened(StageIndex stage) override { add("open " + std::to_string(at(stage))); }
  void stage_ended(StageIndex stage) override { add("end " + std::to_string(at(stage))); }
  void queued(JobIndex job) override { add("queued " + name(job)); }
  void started(JobIndex job, std::uint32_t attempt) override {
    add("started " + name(job) + " " + std::to_string(attempt));
  }
  void up_to_date(JobIndex job) override { add("done before " + name(job)); }
  void ended(const AttemptEnd& end) override {
    const char* const ends[] = {"succeeded ", "failed ", "canceled "};
    add(ends[static_cast<int>(end.end)] + name(end.job) + (end.is_final ? "" : ", again"));
    if (!end.reason.empty()) reasons.emplace_back(end.reason);
    written += end.output.text[0];
  }
  void dropped(JobIndex job) override { add("dropped " + name(job)); }
  void run_ended(int status) override { add("run " + std::to_string(status)); }

  std::size_t count(const std::string& line) const {
    return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), line));
  }
  /// Whether both are there, `first` before `second`.
  bool comes_before(const std::string& first, const std::string& second) const {
    const auto found = std::find(lines.begin(), lines.end(), first);
    return found != lines.end() && std::find(found, lines.end(), second) != lines.end();
  }

  std::vector<std::string> lines, reasons;
  std::string written;

 private:
  void add(std::string line) { lines.push_back(std::move(line)); }
  std::string name(JobIndex job) const { return source_.text(job).name; }

  const TinySource& source_;
};

struct Ran {
  int status = 0;
  std::string out, err;
};

struct Setup {
  GraphPlanSpec plan = {.cpus = 2};
  std::function<bool(JobIndex)> is_up_to_date = {};
  bool keep_order = false;
};

Ran run(TinySource& source, Diary& diary, const Setup& setup = {}) {
  StdoutFile files;
  Ran ran;
  {
    SignalEvents signals;
    MessageWriter messages(STDERR_FILENO);
    GraphPlan plan(setup.plan);
    TeamSpec spec = line_spec(setup.plan.cpus);
    spec.worker.recipes = true;
    spec.ordered = spec.worker.keep_order = setup.keep_order;
    spec.keeps_output = true;
    LocalTeam team(std::move(spec));
    RunParts parts{.program = "test",
                   .source = source,
                   .plan = plan,
                   .team = team,
                   .signals = signals,
                   .messages = messages};
    parts.observers = {&diary};
    parts.is_up_to_date = setup.is_up_to_date;
    parts.keep_order = setup.keep_order;
    parts.keeps_output = true;
    ran.status = RunLoop(std::move(parts)).run();
  }
  ran.out = files.text(0);
  ran.err = files.text(1);
  return ran;
}

}  // namespace

TEST_CASE("run loop: a stage is joined before the one that needs it") {
  TinySource source({{.spec = {.name = "a"}, .jobs = {{"echo one"}, {"echo two"}}},
                     {.spec = {.name = "b", .needs = {StageIndex{0}}}, .jobs = {{"echo three"}}}});
  Diary diary(source);
  const Ran ran = run(source, diary);
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out.ends_with("three\n"));
  CHECK(diary.written.size() == ran.out.size());
  CHECK(diary.comes_before("succeeded a[0]", "started b[0] 1"));
  CHECK(diary.comes_before("succeeded a[1]", "started b[0] 1"));
  CHECK(diary.comes_before("end 0", "open 1"));
  CHECK(diary.comes_before("queued b[0]", "started b[0] 1"));
  CHECK(diary.comes_before("end 1", "run 0"));
}

TEST_CASE("run loop: jobs that a stage gets when it is opened are run") {
  TinySource source(
      {{.spec = {.name = "a"}, .jobs = {{"true"}}},
       {.spec = {.name = "b", .needs = {StageIndex{0}}}, .jobs = {{"echo late"}}, .late = true},
       {.spec = {.name = "empty", .needs = {StageIndex{1}}}, .jobs = {}, .late = true}});
  Diary diary(source);
  const Ran ran = run(source, diary);
  CHECK(ran.status == 0);
  CHECK(ran.out == "late\n");
  CHECK(diary.count("end 2") == 1);
}

TEST_CASE("run loop: a job whose output is missing has failed") {
  const Folder folder;
  TinySource source(
      {{.spec = {.name = "a"}, .jobs = {{"true", {folder.file("missing")}}, {"true", {}, {0}}}}});
  Diary diary(source);
  const Ran ran = run(source, diary);
  CHECK(ran.status == 1);
  CHECK(diary.count("failed a[0]") == 1);
  CHECK(diary.count("dropped a[1]") == 1);
  REQUIRE(diary.reasons.size() == 1);
  CHECK(diary.reasons[0] == "the output " + folder.file("missing") + " is missing");
}

TEST_CASE("run loop: folders of outputs are made, and a failed attempt's outputs are removed") {
  const Folder folder;
  const std::string output = folder.file("deep/er/out");
  const std::string line =
      "test -e " + output + " && exit 9; echo $ATTEMPT >" + output + "; test $ATTEMPT = 2";
  TinySource source(
      {{.spec = {.name = "a"}, .jobs = {{line, {output}}}, .requirement = {.attempts = 2}}});
  Diary diary(source);
  const Ran ran = run(source, diary);
  CHECK(ran.status == 0);
  CHECK(folder.read("deep/er/out") == "2\n");
  CHECK(diary.count("failed a[0], again") == 1);
}

TEST_CASE("run loop: after a failure nothing more is started") {
  TinySource source({{.spec = {.name = "a"}, .jobs = {{"exit 3"}}},
                     {.spec = {.name = "b", .needs = {StageIndex{0}}}, .jobs = {{"echo no"}}}});
  Diary diary(source);
  const Ran ran = run(source, diary);
  CHECK(ran.status == 1);
  CHECK(ran.out.empty());
  CHECK(diary.count("dropped b[0]") == 1);
}

TEST_CASE("run loop: with keep-going only what depends on a failure is left out") {
  TinySource source({{.spec = {.name = "a"}, .jobs = {{"exit 3"}, {"exit 4"}}},
                     {.spec = {.name = "b", .needs = {StageIndex{0}}}, .jobs = {{"echo no"}}},
                     {.spec = {.name = "c"}, .jobs = {{"echo yes"}}}});
  Diary diary(source);
  const Ran ran = run(source, diary, {.plan = {.cpus = 1, .keep_going = true}});
  CHECK(ran.status == 2);
  CHECK(ran.out == "yes\n");
}

TEST_CASE("run loop: what is up to date is not run, and what needs it is") {
  TinySource source({{.spec = {.name = "a"}, .jobs = {{"echo no"}, {"echo yes", {}, {0}}}}});
  Diary diary(source);
  const Ran ran = run(source, diary, {.is_up_to_date = [](JobIndex job) { return at(job) == 0; }});
  CHECK(ran.status == 0);
  CHECK(ran.out == "yes\n");
  CHECK(diary.count("done before a[0]") == 1);
}

TEST_CASE("run loop: jobs that wait for each other end the run with an error") {
  TinySource source({{.spec = {.name = "a"}, .jobs = {{"true", {}, {1}}, {"true", {}, {0}}}}});
  Diary diary(source);
  const Ran ran = run(source, diary);
  CHECK(ran.status == 255);
  CHECK(ran.err.find("in a ring: a[0] needs a[1] needs a[0]") != std::string::npos);
}

TEST_CASE("run loop: in order, output comes in the order of starts, and a retry keeps its place") {
  TinySource source({{.spec = {.name = "a"},
                      .jobs = {{"test $ATTEMPT = 2 && sleep 0.05; echo first; test $ATTEMPT = 2"},
                               {"echo second"},
                               {"echo third"}},
                      .requirement = {.attempts = 2}}});
  Diary diary(source);
  const Ran ran = run(source, diary, {.keep_order = true});
  CHECK(ran.status == 0);
  CHECK(ran.out == "first\nsecond\nthird\n");
}
