// Many jobs with needs, cancelled, skipped, answered and added at random while they run: each is
// told exactly once, and none was run before what it needs.

#include <csignal>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "enjoin/error.h"
#include "enjoin/executor.h"
#include "support/executor.h"

namespace enjoin {
namespace {

using Kind = JobReport::Kind;

class Storm {
 public:
  Storm(unsigned seed, int jobs) : random_(seed), left_(jobs), executor_(options()) {}

  void run() {
    while (left_ > 0 || executor_.unfinished() > 0) {
      if (left_ > 0) act();
      if (pick(3) == 0) {
        executor_.wait(std::chrono::milliseconds(pick(5)));
      } else {
        executor_.step();
      }
      if (left_ == 0) settle();
    }
  }
  void check() const {
    CHECK(reports_.size() == added_.size());
    CHECK(executor_.running() == 0);
    for (const auto& told : reports_) {
      const JobId id = told.first;
      CHECK(told_.at(id) == 1);
      if (told.second.kind != Kind::kRan) continue;
      for (const JobId need : needs_.at(id)) {
        INFO("job ", static_cast<std::uint64_t>(id), " needs ", static_cast<std::uint64_t>(need));
        CHECK(reports_.at(need).success);
      }
    }
  }

 private:
  static ExecutorOptions options() {
    ExecutorOptions options = test::executor_options(3);
    return options;
  }
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_()) % below; }
  JobId any() { return added_[pick(static_cast<unsigned>(added_.size()))]; }

  Command command() {
    switch (pick(8)) {
      case 0:
        return test::shell("exit 1");
      case 1:
        return test::shell("kill -9 $$");
      case 2:
        return test::shell("echo x; echo y >&2");
      case 3:
        return test::shell("head -c 100000 /dev/zero");
      default:
        return test::command({"true"});
    }
  }

  void add() {
    JobOptions options;
    for (unsigned count = added_.empty() ? 0 : pick(3); count > 0; --count) {
      options.needs.push_back(any());
    }
    options.priority = static_cast<int>(pick(5));
    options.asks = pick(6) == 0;
    options.attempts = 1 + pick(2);
    options.handlers.on_end = [this](const JobReport& report) { ended(report); };
    Command what = command();
    what.output = pick(2) == 0 ? Output::kLines : Output::kCapture;
    const std::vector<JobId> needs = options.needs;
    const bool asks = options.asks;
    const JobId id = executor_.add(std::move(what), std::move(options));
    added_.push_back(id);
    needs_[id] = needs;
    asks_[id] = asks;
    --left_;
  }

  void ended(const JobReport& report) {
    ++told_[report.id];
    reports_[report.id] = report;
    if (asks_[report.id]) unanswered_.push_back(report.id);
    if (left_ > 0 && pick(4) == 0) add();
  }

  void act() {
    switch (pick(12)) {
      case 0:
        if (!added_.empty()) executor_.cancel(any(), pick(2) == 0 ? Stop::kNow : Stop::kLadder);
        break;
      case 1:
        if (!added_.empty()) executor_.skip(any());
        break;
      case 2:
        settle();
        break;
      case 3:
        need();
        break;
      default:
        add();
    }
  }

  void need() {
    if (added_.size() < 2) return;
    try {
      executor_.add_need(any(), any());
    } catch (const Error&) {
      // A ring, or it has started.
    }
  }

  void settle() {
    for (const JobId job : unanswered_) {
      executor_.answer(job, pick(2) == 0 ? Answer::kUnchanged : Answer::kGoOn);
    }
    unanswered_.clear();
  }

  std::mt19937 random_;
  int left_;
  std::vector<JobId> added_;
  std::vector<JobId> unanswered_;
  std::map<JobId, std::vector<JobId>> needs_;
  std::map<JobId, bool> asks_;
  std::map<JobId, int> told_;
  std::map<JobId, JobReport> reports_;
  Executor executor_;
};

}  // namespace

TEST_CASE("storm: every job is told once, whatever is done to the graph") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    INFO("seed ", seed);
    Storm storm(seed, 150);
    storm.run();
    storm.check();
  }
}

}  // namespace enjoin
