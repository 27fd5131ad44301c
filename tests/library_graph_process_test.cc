// What an Executor makes of needs, stages, limits, answers and cancellations, as a host sees it.

#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "doctest/doctest.h"
#include "enjoin/error.h"
#include "enjoin/executor.h"
#include "support/executor.h"
#include "support/folder.h"

namespace enjoin {
namespace {

using test::command;
using test::executor_options;
using test::shell;
using Kind = JobReport::Kind;

/// A job that appends its name to a file of the folder when it runs.
Command note(const test::Folder& folder, const std::string& name) {
  Command job = shell("echo " + name + " >>ran");
  job.folder = folder.path();
  return job;
}

JobOptions needing(std::vector<JobId> needs) {
  JobOptions options;
  options.needs = std::move(needs);
  return options;
}

std::vector<JobReport> all_reports(Executor& executor) {
  std::vector<JobReport> reports;
  executor.wait_all();
  while (auto report = executor.try_take()) reports.push_back(std::move(*report));
  return reports;
}

Kind kind_of(const std::vector<JobReport>& reports, JobId job) {
  for (const JobReport& report : reports) {
    if (report.id == job) return report.kind;
  }
  FAIL("the job has no report");
  return Kind::kRan;
}

}  // namespace

TEST_CASE("graph: a job starts when what it needs has succeeded, wherever it was added") {
  const test::Folder folder;
  Executor executor(executor_options());
  const JobId first = executor.add(note(folder, "first"));
  const JobId second = executor.add(note(folder, "second"), needing({first}));
  executor.add(note(folder, "third"), needing({first, second}));
  CHECK(executor.wait_all());
  CHECK(folder.read("ran") == "first\nsecond\nthird\n");
  executor.add(note(folder, "fourth"), needing({first}));
  CHECK(executor.wait_all());
  CHECK(folder.read("ran") == "first\nsecond\nthird\nfourth\n");
}

TEST_CASE("graph: what needs a failed job is dropped, the rest goes on") {
  Executor executor(executor_options());
  const JobId failed = executor.add(command({"false"}));
  const JobId dropped = executor.add(command({"true"}), needing({failed}));
  const JobId next = executor.add(command({"true"}), needing({dropped}));
  const JobId other = executor.add(command({"true"}));
  const std::vector<JobReport> reports = all_reports(executor);
  CHECK(reports.size() == 4);
  CHECK(kind_of(reports, failed) == Kind::kRan);
  CHECK(kind_of(reports, dropped) == Kind::kDropped);
  CHECK(kind_of(reports, next) == Kind::kDropped);
  CHECK(kind_of(reports, other) == Kind::kRan);
  const JobId late = executor.add(command({"true"}), needing({failed}));
  CHECK(kind_of(all_reports(executor), late) == Kind::kDropped);
}

TEST_CASE("graph: jobs may be added by the handler of another's end") {
  Executor executor(executor_options());
  int left = 5;
  JobOptions options;
  options.handlers.on_end = [&](const JobReport& report) {
    CHECK(report.success);
    if (--left > 0) executor.add(command({"true"}), options);
  };
  executor.add(command({"true"}), options);
  CHECK(executor.wait_all());
  CHECK(left == 0);
}

TEST_CASE("graph: a need may be added before its job starts; a ring of them is refused") {
  const test::Folder folder;
  Executor executor(executor_options(1));
  const JobId gate = executor.add(shell("sleep 0.1"));
  const JobId last = executor.add(note(folder, "last"), needing({gate}));
  const JobId before = executor.add(note(folder, "before"), needing({gate}));
  executor.add_need(last, before);
  CHECK_THROWS_AS(executor.add_need(before, last), Error);
  CHECK_THROWS_AS(executor.add_need(gate, JobId{99}), Error);
  CHECK_THROWS_AS(executor.add(command({"true"}), needing({JobId{99}})), Error);
  CHECK(executor.wait_all());
  CHECK(folder.read("ran") == "before\nlast\n");
}

TEST_CASE("graph: a stage is joined before what needs it starts") {
  const test::Folder folder;
  Executor executor(executor_options());
  const StageId make = executor.add_stage({"make", {}, 0, false});
  const StageId test = executor.add_stage({"test", {make}, 0, false});
  JobOptions in_test;
  in_test.stage = test;
  executor.add(note(folder, "test"), in_test);
  JobOptions in_make;
  in_make.stage = make;
  for (int job = 0; job < 3; ++job) executor.add(note(folder, "make"), in_make);
  executor.close_stage(make);
  executor.close_stage(test);
  CHECK(executor.wait_all());
  CHECK(folder.read("ran") == "make\nmake\nmake\ntest\n");
  CHECK_THROWS_AS(executor.add(command({"true"}), in_make), Error);
}

TEST_CASE("graph: failures of a stage that may fail hold nothing up") {
  Executor executor(executor_options());
  const StageId lint = executor.add_stage({"lint", {}, 0, true});
  const StageId next = executor.add_stage({"next", {lint}, 0, false});
  JobOptions in_lint;
  in_lint.stage = lint;
  executor.add(command({"false"}), in_lint);
  executor.close_stage(lint);
  JobOptions in_next;
  in_next.stage = next;
  const JobId job = executor.add(command({"true"}), in_next);
  CHECK(executor.wait_all());
  CHECK(kind_of(all_reports(executor), job) == Kind::kRan);
}

TEST_CASE("graph: a limit is shared by jobs of any kind") {
  const test::Folder folder;
  Executor executor(executor_options(4));
  const LimitId one = executor.add_limit({"one", 1});
  JobOptions options;
  options.limits = {one};
  for (int job = 0; job < 6; ++job) {
    Command alone = shell("mkdir lock && sleep 0.01 && rmdir lock");  // fails where one is there
    alone.folder = folder.path();
    executor.add(alone, options);
  }
  CHECK(executor.wait_all());
  CHECK_THROWS_AS(executor.add_limit({"none", 0}), Error);
}

TEST_CASE("graph: higher priorities start first") {
  const test::Folder folder;
  Executor executor(executor_options(1));
  const JobId gate = executor.add(shell("sleep 0.1"));
  for (const int priority : {1, 3, 2}) {
    JobOptions options = needing({gate});
    options.priority = priority;
    executor.add(note(folder, std::to_string(priority)), options);
  }
  CHECK(executor.wait_all());
  CHECK(folder.read("ran") == "3\n2\n1\n");
}

TEST_CASE("graph: a skipped job counts as done") {
  Executor executor(executor_options(1));
  const JobId gate = executor.add(shell("sleep 0.1"));
  const JobId skipped = executor.add(command({"false"}), needing({gate}));
  const JobId after = executor.add(command({"true"}), needing({skipped}));
  executor.skip(skipped);
  const std::vector<JobReport> reports = all_reports(executor);
  CHECK(kind_of(reports, skipped) == Kind::kSkipped);
  CHECK(kind_of(reports, after) == Kind::kRan);
}

TEST_CASE("graph: what needs an asking job waits for the answer, which may be: nothing changed") {
  Executor executor(executor_options());
  std::vector<JobReport> reports;
  JobOptions keep;
  keep.handlers.on_end = [&](const JobReport& report) { reports.push_back(report); };
  JobOptions asks = keep;
  asks.asks = true;
  const JobId same = executor.add(command({"true"}), asks);
  const JobId changed = executor.add(command({"true"}), asks);
  JobOptions of_same = keep;
  of_same.needs = {same};
  const JobId skipped = executor.add(command({"false"}), of_same);
  JobOptions of_skipped = keep;
  of_skipped.needs = {skipped};
  const JobId skipped_too = executor.add(command({"false"}), of_skipped);
  JobOptions of_both = keep;
  of_both.needs = {same, changed};
  const JobId run = executor.add(command({"true"}), of_both);
  CHECK_THROWS_AS(executor.answer(skipped, Answer::kGoOn), Error);
  while (reports.size() < 2) executor.wait();
  CHECK(executor.unfinished() == 3);
  executor.answer(same, Answer::kUnchanged);
  executor.answer(changed, Answer::kGoOn);
  CHECK(executor.wait_all());
  CHECK(kind_of(reports, skipped) == Kind::kSkipped);
  CHECK(kind_of(reports, skipped_too) == Kind::kSkipped);
  CHECK(kind_of(reports, run) == Kind::kRan);
}

TEST_CASE("graph: one job is cancelled, running or waiting, and the others are not") {
  Executor executor(executor_options(2));
  JobId running{};
  JobOptions options;
  bool begun = false;
  options.handlers.on_line = [&](JobId, int, std::string_view) { begun = true; };
  Command slow = shell("echo begun; sleep 1000");
  slow.output = Output::kLines;
  running = executor.add(slow, options);
  const JobId waiting = executor.add(command({"true"}), needing({running}));
  const JobId other = executor.add(command({"true"}));
  while (!begun) executor.wait();
  executor.cancel(waiting);
  executor.cancel(running);
  const std::vector<JobReport> reports = all_reports(executor);
  CHECK(kind_of(reports, running) == Kind::kRan);
  CHECK(kind_of(reports, waiting) == Kind::kDropped);
  CHECK(kind_of(reports, other) == Kind::kRan);
  for (const JobReport& report : reports) {
    if (report.id == running) CHECK(std::holds_alternative<Canceled>(report.outcome));
    CHECK(report.success == (report.id == other));
  }
  executor.cancel(running);  // has ended: nothing happens
}

TEST_CASE("graph: all jobs are cancelled together, and others may be added afterwards") {
  Executor executor(executor_options(2));
  for (int job = 0; job < 10; ++job) executor.add(command({"sleep", "1000"}));
  executor.cancel_all(Stop::kNow);
  CHECK_FALSE(executor.wait_all());
  CHECK(executor.unfinished() == 0);
  while (executor.try_take()) {
  }
  executor.add(command({"true"}));
  CHECK(executor.wait_all());
}

TEST_CASE("graph: a failing job has its attempts, and only the last one is told") {
  const test::Folder folder;
  Executor executor(executor_options());
  JobOptions options;
  options.attempts = 3;
  options.retry_delay = std::chrono::milliseconds(10);
  Command job = shell("echo x >>tries; echo $(wc -l <tries); test $(wc -l <tries) = 3");
  job.folder = folder.path();
  executor.add(job, options);
  CHECK(executor.wait_all());
  const JobReport report = *executor.try_take();
  CHECK(report.attempt == 3);
  CHECK(report.out == "3\n");
  CHECK_FALSE(executor.try_take().has_value());
}

TEST_CASE("graph: with keep_going off a failure is the last thing that is started") {
  ExecutorOptions options = executor_options(1);
  options.keep_going = false;
  Executor executor(options);
  executor.add(command({"false"}));
  for (int job = 0; job < 5; ++job) executor.add(command({"true"}));
  int ran = 0;
  for (const JobReport& report : all_reports(executor)) ran += report.kind == Kind::kRan ? 1 : 0;
  CHECK(ran <= 2);  // one may have been under way
}

}  // namespace enjoin
