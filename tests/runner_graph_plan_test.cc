// Each rule of the plan by itself. Whole worlds of jobs: runner_graph_world_test.cc.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "support/graph_fixture.h"

namespace enjoin {

using namespace graph_test;

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

}  // namespace enjoin
