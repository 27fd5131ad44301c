// Supervisor, keeper and workers are killed by SIGKILL, alone and together, while jobs of many
// kinds run. Nothing is left, and the next run finishes exactly what was not recorded.
//
// ENJOIN_DEATHS=N: the resume proof kills at N moments instead of a few.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/death.h"

using namespace enjoin::test;

namespace {

using std::chrono::milliseconds;

constexpr Victims kSupervisor{.name = "supervisor", .supervisor = true};
constexpr Victims kGroup{.name = "process group", .group = true};
constexpr Victims kWithWorkers{.name = "supervisor, workers", .supervisor = true, .workers = true};
constexpr Victims kWithKeeper{.name = "supervisor, keeper", .supervisor = true, .keeper = true};
constexpr Victims kKeeper{.name = "keeper", .keeper = true};
constexpr Victims kWorkers{.name = "workers", .workers = true};
constexpr Victims kAll[] = {kSupervisor, kGroup, kWithWorkers, kWithKeeper, kKeeper, kWorkers};

// Two jobs run at once; each writes a line to the pipe $READY when all its processes are there.
struct Kind {
  const char* name;
  std::vector<std::string> options;
  std::string job;
  std::vector<std::string> inputs = {":::", "1", "2"};
};

constexpr const char* kTree = "setsid sleep 1000 & sleep 1000 & echo >$READY; wait; :";

std::vector<Kind> job_kinds() {
  return {
      {"plain", {}, "echo >$READY; exec sleep 1000"},
      {"shell with children", {}, "sleep 1000 & echo >$READY; sleep 1000; :"},
      {"sessions of their own", {}, kTree},
      {"daemons", {}, "(setsid sh -c 'sleep 1000 & echo >$READY; sleep 1000' &); sleep 1000; :"},
      {"stopped", {}, "setsid sleep 1000 & echo >$READY; kill -STOP $$; :"},
      {"ignore signals",
       {},
       "trap '' TERM INT HUP USR1; setsid sleep 1000 & echo >$READY; sleep 1000; sleep 1000"},
      {"idle worker", {}, "[ {} = 1 ] && echo >$READY || { echo >$READY; sleep 1000; }"},
  };
}

std::vector<Kind> option_kinds() {
  return {
      {"--results", {"--results", "kept"}, std::string("echo out; ") + kTree},
      {"-u", {"-u"}, kTree},
      {"--line-buffer", {"--line-buffer"}, std::string("echo out; ") + kTree},
      {"--pipe", {"--pipe", "-N1"}, kTree, {}},
      {"--cat", {"--pipe", "--cat", "-N1"}, std::string("cat {}; ") + kTree, {}},
      {"--fifo", {"--pipe", "--fifo", "-N1"}, std::string("cat {}; ") + kTree, {}},
      {"--workdir ...", {"--workdir", "..."}, std::string("echo x >file; ") + kTree},
  };
}

struct Figures {
  int kills = 0;
  milliseconds slowest{0};
  std::string which;

  void note(milliseconds after, const std::string& what) {
    ++kills;
    if (after < slowest) return;
    slowest = after;
    which = what;
  }
};

Running start(const Sandbox& box, const Traces& traces, const Kind& kind) {
  std::vector<std::string> words{"-j2"};
  words.insert(words.end(), kind.options.begin(), kind.options.end());
  words.push_back(kind.job);
  words.insert(words.end(), kind.inputs.begin(), kind.inputs.end());
  return box.start(
      words, {.input = "1\n2\n", .environment = {traces.mark(), "READY=" + box.path("ready")}});
}

// What is left in the folders that jobs get (--workdir ...).
std::string left_in_work_folders(const Sandbox& box) {
  return box.shell("ls -A $HOME/.parallel/tmp 2>/dev/null").out;
}

void kill_one(const Kind& kind, const Victims& victims, Figures* figures) {
  CAPTURE(std::string(kind.name));
  CAPTURE(std::string(victims.name));
  const Sandbox box;
  const Traces traces(box);
  Fifo ready = box.fifo("ready");
  {
    Running run = start(box, traces, kind);
    for (int job = 0; job < 2; ++job) ready.wait_line();
    const RunTree tree = RunTree::of(run.pid(), kind.name == std::string("idle worker") ? 1 : 2);
    victims.kill(tree);
    const Ran ran = run.wait();
    if (victims.ends_run()) {
      CHECK(ran.status == 128 + SIGKILL);
    } else {  // it lives, and says of each job what became of it
      CHECK(ran.status > 0);
      CHECK(ran.status <= 2);
      CHECK(ran.says("its worker died"));
    }
  }
  milliseconds after{0};
  const std::set<std::string> left = traces.wait_none(true, &after);
  for (const std::string& what : left) FAIL_CHECK(what);
  traces.kill_left();
  CHECK(left_in_work_folders(box) == "");
  figures->note(after, kind.name);
}

void kill_all(const std::vector<Kind>& kinds, const char* of) {
  for (const Victims& victims : kAll) {
    Figures figures;
    for (const Kind& kind : kinds) kill_one(kind, victims, &figures);
    MESSAGE("killed: " << std::string(victims.name) << ": " << figures.kills << " runs with "
                       << std::string(of) << ", all gone after " << figures.slowest.count()
                       << " ms at most (" << figures.which << ")");
  }
}

}  // namespace

TEST_CASE("adversarial 28: whoever of a run is killed, no process is left of any kind of job") {
  kill_all(job_kinds(), "jobs of all kinds");
}

TEST_CASE("supervisor death: whoever is killed, no process and no temporary file is left") {
  kill_all(option_kinds(), "options of all kinds");
}

// Nobody reads: the worker that prints is blocked in a write.
TEST_CASE("supervisor death: workers that are blocked in a write leave as well") {
  Figures figures;
  for (const Victims& victims : {kSupervisor, kKeeper}) {
    for (const char* option : {"--group", "--line-buffer", "-u"}) {
      CAPTURE(std::string(victims.name));
      CAPTURE(std::string(option));
      const Sandbox box;
      const Traces traces(box);
      Fifo sink = box.fifo("sink");
      {
        Running run = box.start_shell(std::string("exec enjoin -j2 ") + option +
                                          " 'head -c 1000000 /dev/zero; exit' ::: 1 2 >sink",
                                      {.environment = {traces.mark()}});
        const RunTree tree = RunTree::of(run.pid(), 2);
        sink.wait_full();
        victims.kill(tree);
        if (!victims.ends_run()) {  // it waits for its reader, like any run
          CHECK(RunTree::of(run.pid(), 0).supervisor == run.pid());
          run.signal(SIGKILL);
        }
        run.wait();
      }
      milliseconds after{0};
      for (const std::string& what : traces.wait_none(true, &after)) FAIL_CHECK(what);
      traces.kill_left();
      figures.note(after, option);
    }
  }
  MESSAGE("blocked in a write: " << figures.kills << " kills, all gone after "
                                 << figures.slowest.count() << " ms at most");
}

// ---- --joblog and --resume ---------------------------------------------------------------------

namespace {

constexpr int kJobs = 300;

std::multiset<int> numbers_in(const std::string& text) {
  std::istringstream words(text);
  std::multiset<int> numbers;
  for (int number = 0; words >> number;) numbers.insert(number);
  return numbers;
}

// The first column of a joblog's whole rows.
std::multiset<int> rows_in(const std::string& log) {
  std::multiset<int> rows;
  const std::size_t whole = log.rfind('\n');
  std::istringstream lines(log.substr(0, whole == std::string::npos ? 0 : whole + 1));
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) rows.insert(std::atoi(line.c_str()));
  return rows;
}

// Kills once `moment` jobs have begun; then goes on. Returns how many were recorded.
std::size_t kill_and_go_on(const Victims& victims, int moment, const std::string& option) {
  CAPTURE(std::string(victims.name));
  CAPTURE(moment);
  CAPTURE(option);
  const Sandbox box;
  const Traces traces(box);
  Fifo begun = box.fifo("begun");
  const auto words = [&](const std::string& list) {
    std::vector<std::string> all{"-j4", "--joblog", "log", "--resume"};
    if (!option.empty()) all.push_back(option);
    if (option == "--results") all.push_back("kept");
    // The last job of the first run does not end: the kill never comes too late.
    const bool is_first = list == box.path("first");
    all.push_back("echo {} >>" + list + "; echo {} >>" + box.path("begun") + "; echo out {}" +
                  (is_first ? "; [ {} != " + std::to_string(kJobs) + " ] || sleep 1000" : ""));
    return all;
  };
  std::string inputs;
  for (int job = 1; job <= kJobs; ++job) inputs += std::to_string(job) + '\n';
  {
    Running run =
        box.start(words(box.path("first")), {.input = inputs, .environment = {traces.mark()}});
    for (int job = 0; job < moment; ++job) begun.wait_line();
    const RunTree tree = RunTree::of(run.pid(), 0);
    victims.kill(tree);
    run.wait();
  }
  CHECK(traces.wait_none().empty());
  traces.kill_left();
  std::multiset<int> recorded = rows_in(box.read("log"));
  for (int job = 1; job <= kJobs; ++job) {  // the mark of a whole result counts as much
    if (recorded.count(job) == 0 && box.has("kept/1/" + std::to_string(job) + "/seq")) {
      recorded.insert(job);
    }
  }
  const std::multiset<int> first = numbers_in(box.read("first"));
  for (const int job : recorded) CHECK(first.count(job) == 1);
  const Ran second = box.enjoin(words(box.path("second")), {.input = inputs});
  CHECK(second.status == 0);
  std::multiset<int> wanted;
  for (int job = 1; job <= kJobs; ++job) {
    if (recorded.count(job) == 0) wanted.insert(job);
  }
  CHECK(numbers_in(box.read("second")) == wanted);
  const std::multiset<int> all = rows_in(box.read("log"));
  if (option != "--results") CHECK(all.size() == kJobs);
  CHECK(std::set<int>(all.begin(), all.end()).size() == all.size());
  return recorded.size();
}

}  // namespace

TEST_CASE("supervisor death: the next run with --resume runs exactly what was not recorded") {
  struct Case {
    Victims victims;
    int moment;
    const char* option;
  };
  std::vector<Case> cases{{kSupervisor, 1, ""},       {kSupervisor, 60, "-k"},
                          {kGroup, 130, "--results"}, {kWithWorkers, 200, "-u"},
                          {kWithKeeper, 250, ""},     {kSupervisor, 299, "--line-buffer"}};
  if (const char* more = std::getenv("ENJOIN_DEATHS"); more != nullptr) {
    cases.clear();
    const Victims victims[] = {kSupervisor, kGroup, kWithWorkers, kWithKeeper};
    const char* const options[] = {"", "-k", "-u", "--results", "--line-buffer"};
    for (int i = 0; i < std::atoi(more); ++i) {
      cases.push_back({victims[i % 4], 1 + (i * 37) % kJobs, options[i % 5]});
    }
  }
  std::size_t recorded = 0;
  for (const Case& one : cases) recorded += kill_and_go_on(one.victims, one.moment, one.option);
  MESSAGE("resumed: " << cases.size() << " kills in runs of " << kJobs << " jobs, " << recorded
                      << " jobs recorded before, none run again, none left out");
}
