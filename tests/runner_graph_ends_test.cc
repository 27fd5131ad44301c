// What ends mean to the plan: attempts, failures, stages for failures, stops.

#include <chrono>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "support/graph_fixture.h"

namespace enjoin {

using namespace graph_test;

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
