// Each rule of the plan by itself. Whole worlds of jobs: runner_graph_world_test.cc.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "runner/graph/graph_plan.h"

namespace enjoin {
namespace {

using std::chrono::seconds;
using End = GraphPlan::End;
using Verdict = GraphPlan::Verdict;

const GraphPlan::TimePoint kNow{seconds(1000)};

struct Fixture {
  explicit Fixture(GraphPlanSpec spec = {.cpus = 2}) : plan(spec) {}

  StageIndex stage(StageSpec spec = {}) { return plan.add_stage(std::move(spec)); }
  JobIndex job(StageIndex stage, Requirement requirement = {}, seconds expected = {}) {
    return plan.add_job(stage, plan.add_requirement(requirement), expected);
  }
  std::optional<JobIndex> start(GraphPlan::TimePoint now = kNow) {
    const std::optional<GraphPlan::Start> start = plan.next(now);
    return start ? std::optional(start->job) : std::nullopt;
  }
  std::vector<JobIndex> start_all() {
    std::vector<JobIndex> started;
    while (const std::optional<JobIndex> job = start()) started.push_back(*job);
    return started;
  }
  Verdict end(JobIndex job, End end = End::kSuccess, GraphPlan::TimePoint now = kNow) {
    return plan.on_end(job, end, seconds(1), now);
  }
  std::vector<JobIndex> dropped() {
    std::vector<JobIndex> jobs;
    while (const std::optional<JobIndex> job = plan.take_dropped()) jobs.push_back(*job);
    return jobs;
  }
  std::vector<StageIndex> opened() {
    std::vector<StageIndex> stages;
    while (const std::optional<StageIndex> stage = plan.take_opened()) stages.push_back(*stage);
    return stages;
  }
  void close() {
    for (std::size_t i = 0; i < plan.stages(); ++i) {
      plan.close_stage(StageIndex{static_cast<std::uint32_t>(i)});
    }
    plan.close();
  }

  GraphPlan plan;
};

using Jobs = std::vector<JobIndex>;

}  // namespace

TEST_CASE("graph plan: jobs start in the order in which they came, as many as there are CPUs") {
  Fixture f;
  const StageIndex stage = f.stage();
  const Jobs jobs{f.job(stage), f.job(stage), f.job(stage)};
  f.close();
  CHECK(f.start_all() == Jobs{jobs[0], jobs[1]});
  f.end(jobs[1]);
  CHECK(f.start_all() == Jobs{jobs[2]});
  f.end(jobs[0]);
  CHECK_FALSE(f.plan.finished());
  f.end(jobs[2]);
  CHECK(f.opened() == std::vector{stage});
  CHECK(f.plan.finished());
  CHECK(f.plan.counts().succeeded == 3);
}

TEST_CASE("graph plan: a job waits for those that it needs") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex first = f.job(stage);
  const JobIndex second = f.job(stage);
  f.plan.add_need(second, first);
  CHECK(f.start_all() == Jobs{first});
  f.end(first);
  CHECK(f.start_all() == Jobs{second});
  const JobIndex third = f.job(stage);
  f.plan.add_need(third, first);
  CHECK(f.start_all() == Jobs{third});
}

TEST_CASE("graph plan: a need that is added to a job that is ready already counts") {
  Fixture f({.cpus = 1});
  const StageIndex stage = f.stage();
  const JobIndex first = f.job(stage);
  const JobIndex second = f.job(stage);
  CHECK(f.start() == first);
  f.plan.add_need(second, first);
  CHECK_FALSE(f.start());
  f.end(first);
  CHECK(f.start() == second);
}

TEST_CASE("graph plan: a stage is entered when all that it needs has ended, and told of once") {
  Fixture f;
  const StageIndex one = f.stage();
  const StageIndex two = f.stage({.needs = {one}});
  CHECK(f.opened() == std::vector{one});
  const JobIndex job = f.job(one);
  const JobIndex later = f.job(two);
  CHECK(f.start_all() == Jobs{job});
  f.end(job);
  CHECK(f.start_all().empty());
  f.plan.close_stage(one);
  CHECK(f.opened() == std::vector{two});
  CHECK(f.opened().empty());
  CHECK(f.start_all() == Jobs{later});
}

TEST_CASE("graph plan: a chain of a hundred thousand empty stages ends at once") {
  Fixture f;
  StageIndex last = f.stage();
  for (int i = 1; i < 100'000; ++i) {
    last = f.stage({.needs = {last}});
    f.plan.close_stage(last);
  }
  f.plan.close();
  CHECK_FALSE(f.plan.finished());
  f.plan.close_stage(StageIndex{0});
  CHECK(f.opened().size() == 100'000);
  CHECK(f.plan.finished());
}

TEST_CASE("graph plan: the head of the longest chain of work goes first") {
  Fixture f({.cpus = 1});
  const StageIndex stage = f.stage();
  const JobIndex shorter = f.job(stage, {}, seconds(3));
  const JobIndex head = f.job(stage, {}, seconds(1));
  const JobIndex middle = f.job(stage, {}, seconds(1));
  const JobIndex tail = f.job(stage, {}, seconds(2));
  f.plan.add_need(middle, head);
  f.plan.add_need(tail, middle);
  CHECK(f.start() == head);
  CHECK(f.plan.level(head) == doctest::Approx(4));
  f.end(head);
  CHECK(f.start() == shorter);
}

TEST_CASE("graph plan: what a stage holds up counts for the chains of its jobs") {
  Fixture f({.cpus = 1});
  const StageIndex other = f.stage();
  const StageIndex one = f.stage();
  const StageIndex two = f.stage({.needs = {one}});
  f.stage({.needs = {two}});
  const JobIndex idle = f.job(other);
  const JobIndex head = f.job(one);
  f.job(two);
  CHECK(f.start() == head);
  CHECK(f.plan.level(head) == doctest::Approx(3));
  CHECK(f.plan.level(idle) == doctest::Approx(1));
}

TEST_CASE("graph plan: a stage whose jobs have been slow goes before one whose jobs were fast") {
  Fixture f({.cpus = 1});
  const StageIndex fast = f.stage();
  const StageIndex slow = f.stage();
  const StageIndex last = f.stage({.needs = {fast, slow}});
  f.job(last);
  for (int i = 0; i < 40; ++i) {
    f.job(fast);
    f.job(slow);
  }
  const auto run_one = [&] {
    const JobIndex job = f.start().value();
    const bool is_slow = f.plan.stage_of(job) == slow;
    static_cast<void>(f.plan.on_end(job, End::kSuccess, seconds(is_slow ? 9 : 1), kNow));
    return is_slow;
  };
  int slow_ones = 0;
  for (int i = 0; i < 32; ++i) slow_ones += run_one() ? 1 : 0;
  CHECK(slow_ones == 16);
  for (int i = 0; i < 24; ++i) CHECK(run_one());
  CHECK_FALSE(run_one());
}

TEST_CASE("graph plan: CPUs that run at once stay within the budget") {
  Fixture f({.cpus = 4});
  const StageIndex stage = f.stage();
  const JobIndex three = f.job(stage, {.cpus = 3});
  const JobIndex two = f.job(stage, {.cpus = 2});
  const JobIndex one = f.job(stage);
  CHECK(f.start_all() == Jobs{three, one});
  f.end(three);
  CHECK(f.start_all() == Jobs{two});
}

TEST_CASE("graph plan: a job that asks for more than there is runs alone") {
  Fixture f({.cpus = 2, .memory = 100});
  const StageIndex stage = f.stage();
  const JobIndex small = f.job(stage, {.memory = {60}});
  const JobIndex big = f.job(stage, {.memory = {500}});
  const JobIndex wide = f.job(stage, {.cpus = 9});
  CHECK(f.start_all() == Jobs{small});
  f.end(small);
  CHECK(f.start_all() == Jobs{big});
  f.end(big);
  CHECK(f.start_all() == Jobs{wide});
}

TEST_CASE("graph plan: a big job is not passed over for ever") {
  Fixture f({.cpus = 4});
  const StageIndex stage = f.stage();
  for (int i = 0; i < 4; ++i) f.job(stage);
  const JobIndex big = f.job(stage, {.cpus = 4});
  Jobs running = f.start_all();
  for (int i = 0; i < 100; ++i) f.job(stage);
  unsigned passed = 0;
  while (running != Jobs{big} && passed < 50) {
    f.end(running.front());
    running.erase(running.begin());
    for (const JobIndex job : f.start_all()) {
      running.push_back(job);
      ++passed;
    }
  }
  CHECK(running == Jobs{big});
  CHECK(passed <= 5);
}

TEST_CASE("graph plan: memory grows by attempt") {
  Fixture f({.cpus = 2, .memory = 100});
  const StageIndex stage = f.stage();
  const JobIndex job = f.job(stage, {.memory = {40, 80}, .attempts = 4});
  const JobIndex other = f.job(stage, {.memory = {40}});
  CHECK(f.plan.next(kNow)->memory == 40);
  CHECK(f.start() == other);
  CHECK(f.end(job, End::kFailure) == Verdict::kRetry);
  CHECK_FALSE(f.start());
  f.end(other);
  const std::optional<GraphPlan::Start> second = f.plan.next(kNow);
  REQUIRE(second);
  CHECK(second->attempt == 2);
  CHECK(second->memory == 80);
  CHECK(f.end(job, End::kFailure) == Verdict::kRetry);
  CHECK(f.plan.next(kNow)->memory == 80);
}

TEST_CASE("graph plan: a pool lets in as many as it holds, of all stages together") {
  Fixture f({.cpus = 9});
  const PoolIndex pool = f.plan.add_pool({.name = "net", .limit = 2});
  const StageIndex one = f.stage();
  const StageIndex two = f.stage();
  const Jobs jobs{f.job(one, {.pools = {pool}}), f.job(two, {.pools = {pool}}),
                  f.job(two, {.pools = {pool}}), f.job(two)};
  CHECK(f.start_all() == Jobs{jobs[0], jobs[1], jobs[3]});
  f.end(jobs[0]);
  CHECK(f.start_all() == Jobs{jobs[2]});
}

TEST_CASE("graph plan: each value of a pool is with one job at a time") {
  Fixture f({.cpus = 9});
  const PoolIndex plain = f.plan.add_pool({.name = "disk", .limit = 5});
  const PoolIndex gpu = f.plan.add_pool({.name = "gpu", .values = {"0", "1"}});
  const StageIndex stage = f.stage();
  for (int i = 0; i < 3; ++i) f.job(stage, {.pools = {plain, gpu}});
  const GraphPlan::Start first = *f.plan.next(kNow);
  const GraphPlan::Start second = *f.plan.next(kNow);
  REQUIRE(first.pool_values.size() == 2);
  CHECK(first.pool_values[0] == nullptr);
  CHECK(*first.pool_values[1] == "0");
  CHECK(*second.pool_values[1] == "1");
  CHECK_FALSE(f.start());
  f.end(second.job);
  CHECK(*f.plan.next(kNow)->pool_values[1] == "1");
}

TEST_CASE("graph plan: a pool that a job names twice is refused") {
  Fixture f;
  const PoolIndex pool = f.plan.add_pool({.name = "net"});
  CHECK_THROWS_AS(f.plan.add_requirement({.pools = {pool, pool}}), Error);
  CHECK_THROWS_AS(f.plan.add_requirement({.pools = {pool, pool}}), Error);
}

TEST_CASE("graph plan: equal requirements are one") {
  Fixture f;
  CHECK(f.plan.add_requirement({.cpus = 2}) == f.plan.add_requirement({.cpus = 2}));
  CHECK(f.plan.add_requirement({.memory = {1, 2}}) != f.plan.add_requirement({.memory = {1}}));
}

TEST_CASE("graph plan: a stage's own limit leaves room for others") {
  Fixture f({.cpus = 9});
  const StageIndex one = f.stage({.most_running = 1});
  const StageIndex two = f.stage();
  const Jobs jobs{f.job(one), f.job(one), f.job(two)};
  CHECK(f.start_all() == Jobs{jobs[0], jobs[2]});
  f.end(jobs[0]);
  CHECK(f.start_all() == Jobs{jobs[1]});
}

TEST_CASE("graph plan: plain jobs may wait with the workers, others not") {
  Fixture f;
  f.plan.set_look_ahead(2);
  const StageIndex stage = f.stage();
  Jobs jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(f.job(stage));
  CHECK(f.start_all() == Jobs{jobs[0], jobs[1], jobs[2], jobs[3]});
  const StageIndex limited = f.stage({.most_running = 9});
  f.job(limited);
  f.end(jobs[0]);
  CHECK(f.start_all() == Jobs{jobs[4]});
  f.end(jobs[1]);
  CHECK(f.start_all().empty());
}

TEST_CASE("graph plan: a job that waits for room keeps plain ones from waiting with the workers") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex wide = f.job(stage, {.cpus = 2});
  const JobIndex one = f.job(stage);
  for (int i = 0; i < 9; ++i) f.job(stage);
  CHECK(f.start() == wide);
  f.plan.set_look_ahead(2);
  CHECK(f.start_all().size() == 2);
  const JobIndex better = f.job(stage, {.cpus = 2}, seconds(100));
  f.plan.add_need(f.job(stage), better);  // so that levels count
  f.end(wide);
  CHECK(f.start_all().empty());
  f.end(one);
  CHECK(f.start() != std::nullopt);
}

TEST_CASE("graph plan: the budget of CPUs may change while jobs run") {
  Fixture f({.cpus = 1});
  const StageIndex stage = f.stage();
  const Jobs jobs{f.job(stage), f.job(stage), f.job(stage), f.job(stage)};
  CHECK(f.start_all().size() == 1);
  f.plan.set_cpus(3);
  CHECK(f.start_all().size() == 2);
  f.plan.set_cpus(1);
  f.end(jobs[0]);
  f.end(jobs[1]);
  CHECK(f.start_all().empty());
  f.end(jobs[2]);
  CHECK(f.start_all() == Jobs{jobs[3]});
}

TEST_CASE("graph plan: further attempts wait, each longer than the one before") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex job =
      f.job(stage, {.attempts = 3, .retry_delay = seconds(10), .retry_backoff = 3});
  CHECK(f.start() == job);
  CHECK(f.plan.may_retry(job, 2));
  CHECK_FALSE(f.plan.may_retry(job, 3));
  CHECK(f.end(job, End::kFailure) == Verdict::kRetry);
  CHECK(f.plan.counts().waiting_for_retry == 1);
  CHECK_FALSE(f.start());
  CHECK(f.plan.next_start(kNow) == kNow + seconds(10));
  CHECK(f.start(kNow + seconds(10)) == job);
  CHECK(f.plan.counts().waiting_for_retry == 0);
  CHECK_FALSE(f.plan.next_start(kNow));
  CHECK(f.end(job, End::kFailure) == Verdict::kRetry);
  CHECK(f.plan.next_start(kNow) == kNow + seconds(30));
  CHECK(f.start(kNow + seconds(30)) == job);
  CHECK(f.end(job, End::kFailure) == Verdict::kFinal);
  CHECK(f.plan.counts().failed == 1);
}

TEST_CASE("graph plan: a delay that no clock could hold is cut") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex job = f.job(
      stage, {.attempts = 0, .retry_delay = std::chrono::hours(9000), .retry_backoff = 1e300});
  for (int i = 0; i < 3; ++i) {
    const GraphPlan::TimePoint now = f.plan.next_start(kNow).value_or(kNow);
    REQUIRE(f.start(now) == job);
    REQUIRE(f.end(job, End::kFailure) == Verdict::kRetry);
  }
  CHECK(*f.plan.next_start(kNow) <= kNow + std::chrono::hours(24 * 366));
}

TEST_CASE("graph plan: after a failure nothing new starts, and what runs ends") {
  Fixture f;
  const StageIndex stage = f.stage();
  const Jobs jobs{f.job(stage, {.attempts = 2}), f.job(stage), f.job(stage)};
  const StageIndex next = f.stage({.needs = {stage}});
  const JobIndex late = f.job(next);
  f.close();
  CHECK(f.start_all().size() == 2);
  f.end(jobs[1], End::kFailure);
  CHECK(f.plan.stopped());
  CHECK(f.start_all().empty());
  CHECK(f.dropped().size() == 2);
  CHECK_FALSE(f.plan.finished());
  CHECK(f.end(jobs[0], End::kFailure) == Verdict::kFinal);
  f.opened();
  CHECK(f.plan.finished());
  CHECK(f.plan.counts().failed == 2);
  CHECK(f.plan.counts(next).dropped == 1);
  CHECK(f.plan.stage_of(late) == next);
}

TEST_CASE("graph plan: what comes after a failure is dropped, and nobody waits for close()") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex job = f.job(stage);
  const JobIndex promised = f.plan.promise_job();
  CHECK(f.start() == job);
  f.end(job, End::kFailure);
  f.plan.stop();
  const JobIndex later = f.job(stage);
  CHECK(f.dropped() == Jobs{later});
  f.opened();
  CHECK(f.plan.finished());
  f.plan.define_job(promised, stage, f.plan.add_requirement({}));
  CHECK(f.dropped() == Jobs{promised});
  CHECK(f.plan.finished());
  CHECK(f.plan.counts().dropped == 2);
}

TEST_CASE("graph plan: to keep going, a failure drops only what depends on it") {
  Fixture f({.cpus = 2, .keep_going = true});
  const StageIndex stage = f.stage();
  const Jobs jobs{f.job(stage), f.job(stage), f.job(stage), f.job(stage)};
  f.plan.add_need(jobs[2], jobs[0]);
  f.plan.add_need(jobs[3], jobs[2]);
  f.close();
  CHECK(f.start_all() == Jobs{jobs[0], jobs[1]});
  f.end(jobs[0], End::kFailure);
  CHECK(f.dropped() == Jobs{jobs[2], jobs[3]});
  CHECK_FALSE(f.plan.stopped());
  f.end(jobs[1]);
  f.opened();
  CHECK(f.plan.finished());
}

TEST_CASE("graph plan: a failure that is allowed holds nothing up") {
  Fixture f;
  const StageIndex one = f.stage({.allow_failure = true});
  const StageIndex two = f.stage({.needs = {one}});
  const JobIndex first = f.job(one);
  const JobIndex second = f.job(one);
  const JobIndex third = f.job(two);
  f.plan.add_need(second, first);
  f.close();
  CHECK(f.start_all() == Jobs{first});
  f.end(first, End::kFailure);
  CHECK(f.start_all() == Jobs{second});
  f.end(second);
  CHECK(f.start_all() == Jobs{third});
  CHECK(f.plan.counts().allowed == 1);
  CHECK(f.plan.counts().failed == 0);
}

TEST_CASE("graph plan: stages for failures and for always are entered after one") {
  for (const bool keep_going : {false, true}) {
    Fixture f({.cpus = 2, .keep_going = keep_going});
    const StageIndex one = f.stage();
    const StageIndex two = f.stage({.needs = {one}});
    const StageIndex mail = f.stage({.needs = {one}, .when = When::kFailure});
    const StageIndex tidy = f.stage({.needs = {two}, .when = When::kAlways});
    const StageIndex after = f.stage({.needs = {tidy}});
    const Jobs jobs{f.job(one), f.job(two), f.job(mail), f.job(tidy), f.job(after)};
    f.close();
    CHECK(f.start_all() == Jobs{jobs[0]});
    f.end(jobs[0], End::kFailure);
    CHECK(f.dropped() == Jobs{jobs[1]});
    CHECK(f.start_all().size() == 2);
    f.end(jobs[2]);
    f.end(jobs[3]);
    CHECK(f.start_all() == Jobs{jobs[4]});
    f.end(jobs[4]);
    f.opened();
    CHECK(f.plan.finished());
  }
}

TEST_CASE("graph plan: a stage for failures is not entered without one, nor what needs it") {
  Fixture f;
  const StageIndex one = f.stage();
  const StageIndex mail = f.stage({.needs = {one}, .when = When::kFailure});
  const StageIndex after = f.stage({.needs = {mail}});
  const StageIndex always = f.stage({.needs = {mail}, .when = When::kAlways});
  const Jobs jobs{f.job(one), f.job(mail), f.job(after), f.job(always)};
  f.close();
  CHECK(f.start_all() == Jobs{jobs[0]});
  f.end(jobs[0]);
  CHECK(f.dropped().size() == 2);
  CHECK(f.start_all() == Jobs{jobs[3]});
}

TEST_CASE("graph plan: a stage that was stopped before its jobs were known did not succeed") {
  Fixture f;
  const StageIndex bad = f.stage();
  const StageIndex unknown = f.stage();
  const StageIndex tidy = f.stage({.needs = {unknown}, .when = When::kFailure});
  const Jobs jobs{f.job(bad), f.job(tidy)};
  CHECK(f.start_all() == Jobs{jobs[0]});
  f.end(jobs[0], End::kFailure);
  CHECK(f.start_all() == Jobs{jobs[1]});
}

TEST_CASE("graph plan: jobs that need single jobs follow their stage's `when` too") {
  Fixture f({.cpus = 4, .keep_going = true});
  const StageIndex one = f.stage();
  const StageIndex mail = f.stage({.when = When::kFailure});
  const StageIndex tidy = f.stage({.when = When::kAlways});
  const Jobs jobs{f.job(one), f.job(one)};
  const Jobs mails{f.job(mail), f.job(mail)};
  const Jobs tidies{f.job(tidy), f.job(tidy)};
  for (std::size_t i = 0; i < 2; ++i) {
    f.plan.add_need(mails[i], jobs[i]);
    f.plan.add_need(tidies[i], jobs[i]);
  }
  f.close();
  CHECK(f.start_all() == jobs);
  f.end(jobs[0], End::kFailure);
  f.end(jobs[1]);
  CHECK(f.dropped() == Jobs{mails[1]});
  CHECK(f.start_all() == Jobs{mails[0], tidies[0], tidies[1]});
}

TEST_CASE("graph plan: stop() drops all, those for failures too") {
  Fixture f;
  const StageIndex one = f.stage();
  const StageIndex tidy = f.stage({.needs = {one}, .when = When::kAlways});
  const Jobs jobs{f.job(one), f.job(one, {.attempts = 0}), f.job(tidy)};
  CHECK(f.start_all().size() == 2);
  f.plan.stop();
  CHECK(f.dropped() == Jobs{jobs[2]});
  f.end(jobs[0], End::kCanceled);
  CHECK(f.end(jobs[1], End::kFailure) == Verdict::kFinal);
  f.opened();
  CHECK(f.plan.finished());
  CHECK(f.plan.counts().dropped == 2);
  CHECK(f.plan.counts().failed == 1);
}

TEST_CASE("graph plan: a job that waits for its next attempt is dropped by stop()") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex job = f.job(stage, {.attempts = 2, .retry_delay = seconds(5)});
  f.start();
  f.end(job, End::kFailure);
  f.plan.stop();
  CHECK(f.dropped() == Jobs{job});
  CHECK(f.plan.counts().waiting_for_retry == 0);
  CHECK_FALSE(f.plan.next_start(kNow));
}

TEST_CASE("graph plan: an up to date job counts as done, and lets others start") {
  Fixture f;
  const StageIndex one = f.stage();
  const StageIndex two = f.stage({.needs = {one}});
  const JobIndex job = f.job(one);
  const JobIndex next = f.job(two);
  f.close();
  CHECK(f.start() == job);
  f.plan.mark_done(job);
  CHECK(f.plan.counts().up_to_date == 1);
  CHECK(f.plan.counts().running == 0);
  CHECK(f.start() == next);
}

TEST_CASE("graph plan: jobs may be needed before they are described") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex job = f.job(stage);
  const JobIndex promised = f.plan.promise_job();
  f.plan.add_need(job, promised);
  CHECK(f.start_all().empty());
  CHECK(f.plan.undefined_jobs() == Jobs{promised});
  f.plan.define_job(promised, stage, f.plan.add_requirement({}));
  CHECK(f.plan.undefined_jobs().empty());
  CHECK(f.start_all() == Jobs{promised});
  f.end(promised);
  CHECK(f.start_all() == Jobs{job});
}

TEST_CASE("graph plan: a ring is found, and named in the order of needs") {
  Fixture f;
  const StageIndex stage = f.stage();
  const Jobs jobs{f.job(stage), f.job(stage), f.job(stage), f.job(stage)};
  f.plan.add_need(jobs[0], jobs[2]);
  f.plan.add_need(jobs[2], jobs[3]);
  CHECK(f.plan.find_cycle().empty());
  f.plan.add_need(jobs[3], jobs[0]);
  CHECK(f.plan.find_cycle() == Jobs{jobs[0], jobs[2], jobs[3]});
  f.plan.add_need(jobs[1], jobs[1]);
  CHECK_FALSE(f.plan.find_cycle().empty());
}

TEST_CASE("graph plan: the end of a job that others may wait for is told at once") {
  Fixture f;
  const StageIndex one = f.stage();
  const StageIndex two = f.stage({.needs = {one}});
  for (int i = 0; i < 6; ++i) f.job(one);
  const JobIndex last = f.job(two);
  f.close();
  std::vector<bool> prompt;
  for (int i = 0; i < 6; ++i) {
    const GraphPlan::Start start = *f.plan.next(kNow);
    prompt.push_back(start.prompt);
    f.end(start.job);
  }
  CHECK_FALSE(prompt.front());
  CHECK(prompt[4]);
  CHECK(prompt[5]);
  const GraphPlan::Start start = *f.plan.next(kNow);
  CHECK(start.job == last);
  CHECK_FALSE(start.prompt);
}

}  // namespace enjoin
