#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/record/run_recorder.h"
#include "support/cli.h"

using namespace enjoin;
using enjoin::test::Sandbox;

namespace {

struct FakeJob {
  std::string name;
  std::string command = "make it";
  std::string environment = {};
  std::vector<std::string> inputs = {};
  std::vector<std::string> outputs = {};
};

/// Jobs of one stage.
class FakeSource : public JobSource {
 public:
  explicit FakeSource(std::vector<FakeJob> jobs) : jobs_(std::move(jobs)) {}

  void begin(GraphPlan& plan) override {
    const StageIndex stage = plan.add_stage({.name = "stage"});
    const RequirementIndex requirement = plan.add_requirement({});
    for (std::size_t job = 0; job < jobs_.size(); ++job) plan.add_job(stage, requirement);
    plan.close_stage(stage);
    plan.close();
  }
  void open(GraphPlan&, StageIndex) override {}
  Pull pull(GraphPlan&) override { return Pull::kEnd; }
  JobText text(JobIndex job) const override { return {at(job) + 1, "stage", jobs_[at(job)].name}; }
  std::string command(JobIndex job) const override { return jobs_[at(job)].command; }
  JobRecipe recipe(const GraphPlan::Start&) override { return {}; }
  std::vector<std::string> inputs(JobIndex job) const override { return jobs_[at(job)].inputs; }
  std::vector<std::string> outputs(JobIndex job) const override { return jobs_[at(job)].outputs; }
  Identity identity(JobIndex job) const override {
    const FakeJob& fake = jobs_[at(job)];
    return {.key = IdentityHash().add(fake.name).value128(),
            .command = IdentityHash().add(fake.command).value64(),
            .environment = IdentityHash().add(fake.environment).value64()};
  }

 private:
  std::vector<FakeJob> jobs_;
};

/// One run over some jobs, recorded into "r.db".
class FakeRun {
 public:
  FakeRun(const Sandbox& box, std::vector<FakeJob> jobs, RerunOn rerun_on = {},
          bool accepts_changes = false)
      : source_(std::move(jobs)), plan_({}) {
    source_.begin(plan_);
    recorder_ = std::make_unique<RunRecorder>(RecordSpec{.path = box.path("r.db"),
                                                         .rerun_on = rerun_on,
                                                         .accepts_changes = accepts_changes,
                                                         .run = {}},
                                              plan_, source_);
  }

  RunRecorder& recorder() { return *recorder_; }
  bool is_up_to_date(std::uint32_t job) { return recorder_->is_up_to_date(JobIndex{job}); }
  void end(std::uint32_t job, int status, std::uint32_t attempt = 1, bool is_final = true) {
    JobResult result;
    result.outcome = Exited{status};
    recorder_->ended({.job = JobIndex{job},
                      .attempt = attempt,
                      .end = status == 0 ? GraphPlan::End::kSuccess : GraphPlan::End::kFailure,
                      .is_final = is_final,
                      .result = result,
                      .output = CapturedOutput{},
                      .reason = {}});
  }
  /// Runs a job, if it has to run. Tells whether it had.
  bool run(std::uint32_t job, int status = 0) {
    if (is_up_to_date(job)) return false;
    end(job, status);
    return true;
  }
  std::string survey() {
    for (std::uint32_t job = 0; job < plan_.counts().added; ++job) recorder_->survey(JobIndex{job});
    return recorder_->survey_text();
  }

 private:
  FakeSource source_;
  GraphPlan plan_;
  std::unique_ptr<RunRecorder> recorder_;
};

bool runs(const Sandbox& box, const FakeJob& job, RerunOn rerun_on = {}) {
  return FakeRun(box, {job}, rerun_on).run(0);
}

}  // namespace

TEST_CASE("run recorder: what succeeded is up to date in the next run, what failed is not") {
  const Sandbox box;
  {
    FakeRun first(box, {{"good"}, {"bad"}, {"not run"}});
    CHECK(first.run(0));
    CHECK(first.run(1, 3));
  }
  FakeRun second(box, {{"good"}, {"bad"}, {"not run"}});
  CHECK(second.survey().empty());
  CHECK(second.recorder().freshness(JobIndex{0}) == Freshness::kUpToDate);
  CHECK(second.recorder().freshness(JobIndex{1}) == Freshness::kNotDone);
  CHECK(second.recorder().freshness(JobIndex{2}) == Freshness::kNew);
  CHECK(!second.run(0));
  CHECK(second.run(1));
  CHECK(second.run(2));
}

TEST_CASE("run recorder: a changed command, environment or input makes a job run again") {
  const Sandbox box;
  box.write("in", "1");
  const FakeJob job{.name = "j", .inputs = {box.path("in")}};
  CHECK(runs(box, job));
  CHECK(!runs(box, job));
  FakeJob changed = job;
  changed.command = "make it otherwise";
  CHECK(runs(box, changed));
  CHECK(!runs(box, changed));
  changed.environment = "A=1";
  CHECK(runs(box, changed));
  CHECK(!runs(box, changed));
  box.write("in", "2");
  CHECK(runs(box, changed));
  CHECK(!runs(box, changed));
  std::filesystem::last_write_time(box.path("in"), std::filesystem::file_time_type::clock::now());
  CHECK(!runs(box, changed));  // content counts, not times
}

TEST_CASE("run recorder: a job that went back to what it was runs again") {
  const Sandbox box;
  CHECK(runs(box, {.name = "j", .command = "a"}));
  CHECK(runs(box, {.name = "j", .command = "b"}));
  CHECK(runs(box, {.name = "j", .command = "a"}));
  CHECK(!runs(box, {.name = "j", .command = "a"}));
}

TEST_CASE("run recorder: a missing output makes a job run again") {
  const Sandbox box;
  const FakeJob job{.name = "j", .outputs = {box.path("out")}};
  box.write("out", "");
  CHECK(runs(box, job));
  CHECK(!runs(box, job));
  std::filesystem::remove(box.path("out"));
  FakeRun again(box, {job});
  CHECK(again.recorder().freshness(JobIndex{0}) == Freshness::kOutputMissing);
  CHECK(again.run(0));
}

TEST_CASE("run recorder: --rerun-on chooses what counts") {
  const Sandbox box;
  box.write("in", "1");
  FakeJob job{.name = "j", .inputs = {box.path("in")}};
  CHECK(runs(box, job));
  job.command = "other";
  CHECK(!runs(box, job, parse_rerun_on("input,env")));
  box.write("in", "2");
  CHECK(runs(box, job, parse_rerun_on("input,env")));
  box.write("in", "3");
  CHECK(!runs(box, job, parse_rerun_on("command,env")));
  CHECK(!runs(box, job, parse_rerun_on("none")));
}

TEST_CASE("run recorder: a job that was begun again and never ended has to run") {
  const Sandbox box;
  const FakeJob job{.name = "j", .outputs = {box.path("out")}};
  box.write("out", "");
  CHECK(runs(box, job));
  FakeJob changed = job;
  changed.command = "other";
  CHECK(!FakeRun(box, {changed}).is_up_to_date(0));  // and the run is killed here
  box.write("out", "half");
  CHECK(runs(box, job));
}

TEST_CASE("run recorder: a job that runs in any case is not done until it has ended") {
  const Sandbox box;
  CHECK(runs(box, {"j"}));
  FakeRun(box, {{"j"}}).recorder().will_run(JobIndex{0});
  CHECK(runs(box, {"j"}));
}

TEST_CASE("run recorder: the survey counts what changed, and why") {
  const Sandbox box;
  box.write("in", "1");
  std::vector<FakeJob> jobs(5);
  for (std::size_t job = 0; job < 5; ++job) jobs[job].name = std::to_string(job);
  jobs[3].inputs = {box.path("in")};
  jobs[4].inputs = {box.path("made by another job")};
  {
    FakeRun first(box, jobs);
    for (std::uint32_t job = 0; job < 5; ++job) first.run(job);
  }
  jobs[0].command = "x";
  jobs[1].command = "x";
  jobs[2].environment = "x";
  box.write("in", "2");
  CHECK(FakeRun(box, jobs).survey() ==
        "4 of 5 recorded jobs changed (2 command, 1 environment, 1 input) and run again; "
        "--accept-changes takes them as done");
  FakeRun accepting(box, jobs, {}, true);
  CHECK(accepting.survey() ==
        "4 of 5 recorded jobs changed (2 command, 1 environment, 1 input) and are taken as done");
  for (std::uint32_t job = 0; job < 5; ++job) CHECK(!accepting.run(job));
}

TEST_CASE("run recorder: accepted changes are no changes in the next run") {
  const Sandbox box;
  CHECK(runs(box, {"j"}));
  const FakeJob changed{.name = "j", .command = "other"};
  {
    FakeRun accepting(box, {changed}, {}, true);
    accepting.survey();
    CHECK(!accepting.run(0));
  }
  FakeRun next(box, {changed});
  CHECK(next.survey().empty());
  CHECK(!next.run(0));
}

TEST_CASE("run recorder: an input that this run changed is not accepted") {
  const Sandbox box;
  box.write("in", "1");
  const FakeJob job{.name = "j", .inputs = {box.path("in")}};
  CHECK(runs(box, job));
  FakeRun accepting(box, {job}, {}, true);
  CHECK(accepting.survey().empty());
  box.write("in", "2");
  CHECK(accepting.run(0));
}

TEST_CASE("run recorder: attempts are rows, the job is one") {
  const Sandbox box;
  {
    FakeRun run(box, {{"j"}});
    CHECK(!run.is_up_to_date(0));
    run.end(0, 1, 1, false);
    run.end(0, 0, 2, true);
    run.recorder().run_ended(0);
  }
  const auto record = open_record(box.path("r.db"));
  CHECK(record->text("SELECT group_concat(attempt || is_final || state) FROM attempts") ==
        "10failed,21succeeded");
  CHECK(record->text("SELECT count(*) || ' ' || max(done) FROM jobs") == "1 2");
  CHECK(record->text("SELECT stage || place FROM stages") == "stage0");
  CHECK(record->integer("SELECT jobs FROM runs") == 1);
}
