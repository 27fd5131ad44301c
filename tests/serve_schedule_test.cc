// What a host's frames make of the plan, without a team.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/serve/schedule.h"

namespace enjoin {
namespace {

using Kind = JobReport::Kind;
const Schedule::TimePoint kNow{std::chrono::seconds(1000)};

struct Fixture {
  explicit Fixture(std::uint32_t cpus = 2) : schedule({.cpus = cpus, .keep_going = true}, 0) {}

  void send(HostFrame kind, const std::string& body) {
    schedule.take({static_cast<std::uint16_t>(kind), body, {}});
  }
  JobId add(JobOptions options = {}) {
    AddJobMessage message;
    message.id = JobId{++last};
    message.command.argv = {"true"};
    message.options = std::move(options);
    send(HostFrame::kAddJob, pack(message));
    return message.id;
  }
  std::uint64_t start() {
    std::optional<Job> job = schedule.next(kNow);
    if (!job) return 0;
    last_started = std::move(*job);
    return last_started.id.seq;
  }
  std::optional<JobReport> end(JobId job, Outcome outcome = Exited{0}, std::uint32_t attempt = 1) {
    JobResult result;
    result.job.id = {static_cast<std::uint64_t>(job)};
    result.job.attempt = attempt;
    result.outcome = outcome;
    return schedule.on_end(result, kNow);
  }

  Schedule schedule;
  std::uint64_t last = 0;
  Job last_started;
};

}  // namespace

TEST_CASE("schedule: what was added starts in order, and its end is told once") {
  Fixture f;
  const JobId first = f.add();
  const JobId second = f.add({.needs = {first}});
  CHECK(f.start() == 1);
  CHECK(f.last_started.prompt);
  CHECK(f.start() == 0);
  const auto report = f.end(first);
  REQUIRE(report);
  CHECK(report->id == first);
  CHECK(report->kind == Kind::kRan);
  CHECK(report->success);
  CHECK_FALSE(f.end(first));
  CHECK(f.start() == 2);
  CHECK(f.end(second, Exited{3})->success == false);
  CHECK(f.schedule.unfinished() == 0);
}

TEST_CASE("schedule: attempts are tried again, and only the last is told") {
  Fixture f;
  const JobId job = f.add({.attempts = 2});
  CHECK(f.start() == 1);
  CHECK_FALSE(f.end(job, Exited{1}));
  CHECK(f.start() == 1);
  CHECK(f.last_started.attempt == 2);
  CHECK_FALSE(f.last_started.inputs.empty());
  CHECK(f.end(job, Exited{1}, 2)->attempt == 2);
}

TEST_CASE("schedule: a cancelled job is not tried again, however it ends") {
  Fixture f;
  const JobId job = f.add({.attempts = 0});
  CHECK(f.start() == 1);
  f.send(HostFrame::kCancel, pack(CancelMessage{job, Stop::kNow}));
  const auto cancels = f.schedule.take_cancels();
  REQUIRE(cancels.size() == 1);
  CHECK(cancels[0].how == Stop::kNow);
  const auto report = f.end(job, Exited{1});
  REQUIRE(report);
  CHECK_FALSE(report->success);
}

TEST_CASE("schedule: all are cancelled, those that have not started at once") {
  Fixture f(1);
  const JobId first = f.add();
  f.add();
  f.add({.needs = {first}});
  CHECK(f.start() == 1);
  f.send(HostFrame::kCancelAll, pack(CancelMessage{}));
  CHECK(f.schedule.take_cancels().size() == 1);
  CHECK(f.schedule.take_unrun().size() == 2);
  CHECK(f.end(first, Canceled{true, 15})->kind == Kind::kRan);
  const JobId later = f.add();
  CHECK(f.start() == static_cast<std::uint64_t>(later));
}

TEST_CASE("schedule: a job that cannot be described is refused, and what needs it dropped") {
  Fixture f;
  AddJobMessage bad;
  bad.id = JobId{++f.last};
  bad.command.shell_line = "true";
  bad.command.shell = {};
  f.send(HostFrame::kAddJob, pack(bad));
  const JobId after = f.add({.needs = {bad.id}});
  const auto refused = f.schedule.take_refused();
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].job == bad.id);
  CHECK(f.start() == 0);
  const auto unrun = f.schedule.take_unrun();
  REQUIRE(unrun.size() == 1);
  CHECK(unrun[0].id == after);
  CHECK(unrun[0].kind == Kind::kDropped);
}

TEST_CASE("schedule: a job with fewer descriptors than numbers for them is refused") {
  Fixture f;
  AddJobMessage bad;
  bad.id = JobId{++f.last};
  bad.command.argv = {"true"};
  bad.targets = {5};
  f.send(HostFrame::kAddJob, pack(bad));
  CHECK(f.schedule.take_refused().size() == 1);
}

TEST_CASE("schedule: limits and stages of the host are the plan's") {
  Fixture f(8);
  f.send(HostFrame::kAddLimit, pack(AddLimitMessage{LimitId{1}, {.name = "link", .slots = 1}}));
  f.send(HostFrame::kAddStage, pack(AddStageMessage{StageId{1}, {.name = "build"}}));
  AddStageMessage second{StageId{2}, {.name = "test", .needs = {StageId{1}}}};
  f.send(HostFrame::kAddStage, pack(second));
  const JobId first = f.add({.stage = StageId{1}, .limits = {LimitId{1}, LimitId{1}}});
  const JobId other = f.add({.stage = StageId{1}, .limits = {LimitId{1}}});
  f.add({.stage = StageId{2}});
  f.send(HostFrame::kCloseStage, pack(StageId{1}));
  CHECK(f.start() == 1);
  CHECK(f.start() == 0);
  f.end(first);
  CHECK(f.start() == 2);
  f.end(other);
  CHECK(f.start() == 3);
}

TEST_CASE("schedule: what cannot be from our own library is damage") {
  using Frames = std::vector<std::pair<HostFrame, std::string>>;
  const Frames frames = {
      {HostFrame::kCancel, pack(CancelMessage{JobId{1}, Stop::kNow})},
      {HostFrame::kSkip, pack(JobId{0})},
      {HostFrame::kAnswer, pack(AnswerMessage{JobId{9}, Answer::kGoOn})},
      {HostFrame::kAddNeed, pack(AddNeedMessage{JobId{1}, JobId{2}})},
      {HostFrame::kCloseStage, pack(StageId{0})},
      {HostFrame::kCloseStage, pack(StageId{1})},
      {HostFrame::kAddLimit, pack(AddLimitMessage{LimitId{2}, {}})},
      {HostFrame::kAddStage, pack(AddStageMessage{StageId{1}, {.needs = {StageId{1}}}})},
      {HostFrame::kAddStage, pack(AddStageMessage{StageId{1}, {.needs = {StageId{0}}}})},
      {HostFrame::kAddJob, pack(AddJobMessage{JobId{2}, {}, {}, {}})},
      {HostFrame::kAddJob, pack(AddJobMessage{JobId{1}, {}, {.needs = {JobId{1}}}, {}})},
      {HostFrame::kAddJob, pack(AddJobMessage{JobId{1}, {}, {.limits = {LimitId{1}}}, {}})},
      {HostFrame::kSetup, pack(SetupMessage{})},
      {HostFrame::kSetCpus, "x"},
      {HostFrame{77}, ""},
  };
  for (const auto& frame : frames) {
    Fixture f;
    CAPTURE(static_cast<int>(frame.first));
    CHECK_THROWS_AS(f.send(frame.first, frame.second), Error);
  }
}

TEST_CASE("schedule: a need that comes too late is no need") {
  Fixture f;
  const JobId first = f.add();
  const JobId second = f.add({.attempts = 2});
  CHECK(f.start() == 1);
  CHECK(f.start() == 2);
  f.send(HostFrame::kAddNeed, pack(AddNeedMessage{second, first}));
  CHECK_FALSE(f.end(second, Exited{1}));
  f.send(HostFrame::kAddNeed, pack(AddNeedMessage{second, first}));
  CHECK(f.start() == 2);
}

}  // namespace enjoin
