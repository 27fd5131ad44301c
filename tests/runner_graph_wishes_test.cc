// What becomes of single jobs by the wish of who added them: cancel, skip, answers, priority.

#include <vector>

#include <doctest/doctest.h>

#include "support/graph_fixture.h"

namespace enjoin {

using namespace graph_test;
using Effect = GraphPlan::Effect;

TEST_CASE("graph wishes: a cancelled job is dropped, with those that need it") {
  Fixture f({.cpus = 1});
  const StageIndex stage = f.stage();
  const JobIndex first = f.job(stage, {.priority = 1});
  const JobIndex second = f.job(stage);
  const JobIndex third = f.job(stage);
  const JobIndex fourth = f.job(stage);
  f.plan.add_need(third, second);
  CHECK(f.start() == first);
  CHECK_FALSE(f.plan.cancel(first));  // it runs
  CHECK(f.plan.cancel(second));
  CHECK_FALSE(f.plan.cancel(second));
  CHECK(f.dropped() == Jobs{second, third});
  f.end(first);
  CHECK(f.start() == fourth);
  f.end(fourth);
  f.close();
  f.opened();
  CHECK(f.plan.finished());
}

TEST_CASE("graph wishes: a job that waits for its next attempt can be cancelled") {
  Fixture f;
  const JobIndex job = f.job(f.stage(), {.attempts = 5, .retry_delay = seconds(10)});
  CHECK(f.start() == job);
  CHECK(f.end(job, End::kFailure) == Verdict::kRetry);
  CHECK_FALSE(f.plan.skip(job));  // it has started
  CHECK(f.plan.cancel(job));
  CHECK(f.plan.counts().waiting_for_retry == 0);
  CHECK_FALSE(f.start(kNow + seconds(10)));
  CHECK(f.dropped() == Jobs{job});
}

TEST_CASE("graph wishes: a skipped job counts as done") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex first = f.job(stage);
  const JobIndex second = f.job(stage);
  f.plan.add_need(second, first);
  const JobIndex after = f.job(f.stage({.needs = {stage}}));
  CHECK(f.plan.skip(first));
  CHECK(f.plan.take_skipped() == Jobs{first});
  CHECK(f.start() == second);  // a skip says nothing about change
  f.end(second);
  f.plan.close_stage(stage);
  CHECK(f.start() == after);
  CHECK(f.plan.take_skipped().empty());
}

TEST_CASE("graph wishes: what needs a job that asks waits for the answer") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex first = f.job(stage, {.asks = true});
  const JobIndex second = f.job(stage);
  f.plan.add_need(second, first);
  f.plan.close_stage(stage);
  const JobIndex after = f.job(f.stage({.needs = {stage}}));
  CHECK(f.start() == first);
  f.plan.answer(first, Effect::kUnchanged);  // nobody has asked
  CHECK(f.end(first) == Verdict::kFinal);
  CHECK_FALSE(f.start());
  f.plan.answer(first, Effect::kChanged);
  CHECK(f.start() == second);
  f.plan.answer(first, Effect::kUnchanged);  // it was answered
  f.end(second);
  CHECK(f.start() == after);
}

TEST_CASE("graph wishes: a stage is not joined before the answer, whatever else ends in it") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex asks = f.job(stage, {.asks = true});
  const JobIndex other = f.job(stage);
  f.plan.close_stage(stage);
  const JobIndex after = f.job(f.stage({.needs = {stage}}));
  CHECK(f.start_all() == Jobs{asks, other});
  f.end(asks);
  f.end(other);
  CHECK_FALSE(f.start());
  f.plan.answer(asks, Effect::kUnchanged);
  CHECK(f.start() == after);  // joins do not ask what has changed
}

TEST_CASE("graph wishes: those whose needs changed nothing are skipped, down the chain") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex asks = f.job(stage, {.asks = true});
  const JobIndex runs = f.job(stage);
  const JobIndex second = f.job(stage);
  const JobIndex third = f.job(stage);
  const JobIndex both = f.job(stage);
  const JobIndex passed = f.job(stage);
  f.plan.add_need(second, asks);
  f.plan.add_need(third, second);
  f.plan.add_need(third, passed);
  f.plan.add_need(both, asks);
  f.plan.add_need(both, runs);
  CHECK(f.plan.skip(passed));
  CHECK(f.plan.take_skipped() == Jobs{passed});
  CHECK(f.start_all() == Jobs{asks, runs});
  f.end(asks);
  f.plan.answer(asks, Effect::kUnchanged);
  CHECK(f.plan.take_skipped() == Jobs{second, third});
  f.end(runs);
  CHECK(f.start() == both);
  // One that is added when all has ended, too.
  const JobIndex late = f.job(stage);
  f.plan.add_need(late, third);
  CHECK_FALSE(f.start());
  CHECK(f.plan.take_skipped() == Jobs{late});
}

TEST_CASE("graph wishes: a failure ends the wait for no answer, and an answer comes after it") {
  Fixture f;
  const StageIndex stage = f.stage();
  const JobIndex asks = f.job(stage, {.asks = true});
  const JobIndex fails = f.job(stage);
  const JobIndex waits = f.job(stage);
  f.plan.add_need(waits, asks);
  CHECK(f.start_all() == Jobs{asks, fails});
  f.end(asks);
  f.end(fails, End::kFailure);  // keep_going is off
  CHECK(f.dropped() == Jobs{waits});
  f.opened();
  CHECK_FALSE(f.plan.finished());
  f.plan.answer(asks, Effect::kChanged);
  CHECK(f.plan.finished());
}

TEST_CASE("graph wishes: a higher priority goes first, then the longest chain") {
  Fixture f({.cpus = 1});
  const StageIndex stage = f.stage();
  const JobIndex low = f.job(stage, {.priority = -1});
  const JobIndex plain = f.job(stage);
  const JobIndex head = f.job(stage);
  const JobIndex tail = f.job(stage);
  const JobIndex high = f.job(stage, {.priority = 7});
  f.plan.add_need(tail, head);
  Jobs order;
  while (const auto job = f.start()) {
    order.push_back(*job);
    f.end(*job);
  }
  CHECK(order == Jobs{high, head, plain, tail, low});
}

}  // namespace enjoin
