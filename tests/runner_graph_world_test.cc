// The plan in made-up worlds: random graphs whose jobs come out as was settled beforehand, held
// against a simple oracle, and every rule watched at every start.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/graph/graph_plan.h"

namespace enjoin {
namespace {

using std::chrono::seconds;
using End = GraphPlan::End;

enum class Fate : std::uint8_t { kOpen, kGood, kAllowed, kFailed, kDropped };

struct WorldJob {
  std::size_t stage = 0;
  std::size_t requirement = 0;
  std::vector<std::size_t> needs;
  std::uint32_t good_attempt = 1;  // the first one that succeeds
  seconds takes{1};
  bool is_done_before = false;
};

struct World {
  GraphPlanSpec spec;
  std::vector<PoolSpec> pools;
  std::vector<Requirement> requirements;
  std::vector<StageSpec> stages;
  std::vector<bool> late;  // by stage: its jobs are added when it is opened
  std::vector<WorldJob> jobs;
};

class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(engine_() % end); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

 private:
  std::mt19937 engine_;
};

World make_world(Dice& dice) {
  World world;
  world.spec = {.cpus = 1 + dice.below(5), .memory = 100, .keep_going = !dice.one_in(3)};
  world.pools = {{.name = "two", .limit = 2}, {.name = "gpu", .values = {"a", "b", "c"}}};
  world.requirements.resize(6);
  for (Requirement& one : world.requirements) {
    if (dice.one_in(3)) one.cpus = 1 + dice.below(6);
    if (dice.one_in(3)) one.memory = {dice.below(130), dice.below(130)};
    if (dice.one_in(4)) one.pools = {PoolIndex{dice.below(2)}};
    if (dice.one_in(6)) one.pools = {PoolIndex{1}, PoolIndex{0}};
    one.attempts = 1 + dice.below(3);
    if (dice.one_in(2)) one.retry_delay = seconds(dice.below(9));
  }
  const std::uint32_t stages = 1 + dice.below(7);
  const std::uint32_t failing = 2 + dice.below(30);
  for (std::uint32_t s = 0; s < stages; ++s) {
    StageSpec& stage = world.stages.emplace_back();
    for (std::uint32_t on = 0; on < s; ++on) {
      if (dice.one_in(3)) stage.needs.push_back(StageIndex{on});
    }
    if (dice.one_in(5)) stage.when = dice.one_in(2) ? When::kFailure : When::kAlways;
    if (dice.one_in(4)) stage.most_running = 1 + dice.below(3);
    stage.allow_failure = dice.one_in(6);
    world.late.push_back(dice.one_in(4));
    for (std::uint32_t count = dice.below(12); count > 0; --count) {
      WorldJob job;
      job.stage = s;
      job.requirement = dice.below(6);
      job.takes = seconds(1 + dice.below(20));
      if (dice.one_in(failing)) job.good_attempt = 1 + dice.below(5);
      job.is_done_before = job.good_attempt == 1 && dice.one_in(5);
      for (std::uint32_t needs = dice.one_in(2) ? dice.below(4) : 0; needs > 0; --needs) {
        if (world.jobs.empty()) break;
        const std::size_t on = dice.below(static_cast<std::uint32_t>(world.jobs.size()));
        // A job of a stage that is opened later than ours cannot be named.
        if (!world.late[world.jobs[on].stage] || world.jobs[on].stage == s) job.needs.push_back(on);
      }
      world.jobs.push_back(std::move(job));
    }
  }
  return world;
}

/// How each job comes out where all that can goes on: stages and jobs only need earlier ones.
std::vector<Fate> foresee(const World& world) {
  enum class StageEnd : std::uint8_t { kGood, kBad, kNotNeeded };
  std::vector<StageEnd> ends;
  std::vector<Fate> fates(world.jobs.size(), Fate::kDropped);
  for (std::size_t s = 0; s < world.stages.size(); ++s) {
    const StageSpec& stage = world.stages[s];
    bool bad = false, idle = false;
    for (const StageIndex need : stage.needs) {
      bad = bad || ends[at(need)] == StageEnd::kBad;
      idle = idle || ends[at(need)] == StageEnd::kNotNeeded;
    }
    const bool waits_in_vain = stage.when == When::kFailure && !stage.needs.empty() && !bad;
    if (stage.when == When::kSuccess ? bad || idle : waits_in_vain) {
      ends.push_back(stage.when == When::kSuccess && bad ? StageEnd::kBad : StageEnd::kNotNeeded);
      continue;
    }
    StageEnd end = StageEnd::kGood;
    for (std::size_t j = 0; j < world.jobs.size(); ++j) {
      const WorldJob& job = world.jobs[j];
      if (job.stage != s) continue;
      const bool failed = std::any_of(job.needs.begin(), job.needs.end(), [&](std::size_t on) {
        return fates[on] == Fate::kFailed || fates[on] == Fate::kDropped;
      });
      const bool starts = stage.when == When::kAlways ||
                          (stage.when == When::kSuccess ? !failed : failed || job.needs.empty());
      if (starts) {
        const bool good = job.good_attempt <= world.requirements[job.requirement].attempts;
        fates[j] = good ? Fate::kGood : stage.allow_failure ? Fate::kAllowed : Fate::kFailed;
      }
      if (fates[j] == Fate::kFailed || fates[j] == Fate::kDropped) end = StageEnd::kBad;
    }
    ends.push_back(end);
  }
  return fates;
}

/// Runs a world through a plan, and watches.
class Run {
 public:
  explicit Run(const World& world) : world_(world), plan_(world.spec) {
    for (const PoolSpec& pool : world.pools) plan_.add_pool(pool);
    for (const Requirement& one : world.requirements) {
      requirements_.push_back(plan_.add_requirement(one));
    }
    for (const StageSpec& stage : world.stages) plan_.add_stage(stage);
    index_.resize(world.jobs.size());
    for (std::size_t s = 0; s < world.stages.size(); ++s) {
      if (!world.late[s]) add_jobs(s);
    }
    plan_.close();
    fates_.resize(world.jobs.size(), Fate::kOpen);
  }

  std::vector<Fate> run() {
    for (unsigned turns = 0; !plan_.finished(); ++turns) {
      REQUIRE(turns < 100'000);
      open();
      start();
      take_dropped();
      if (plan_.finished()) break;
      go_on();
    }
    check_counts();
    return fates_;
  }
  bool failed_fast() const { return failed_ && !world_.spec.keep_going; }

 private:
  struct Running {
    GraphPlan::Start start;
    GraphPlan::TimePoint end;
  };
  void add_jobs(std::size_t stage) {
    for (std::size_t j = 0; j < world_.jobs.size(); ++j) {
      const WorldJob& job = world_.jobs[j];
      if (job.stage != stage) continue;
      const StageIndex stage_index{static_cast<std::uint32_t>(stage)};
      index_[j] = plan_.add_job(stage_index, requirements_[job.requirement], job.takes);
      number_[index_[j]] = j;
      for (const std::size_t on : job.needs) plan_.add_need(index_[j], index_[on]);
    }
    plan_.close_stage(StageIndex{static_cast<std::uint32_t>(stage)});
  }
  void open() {
    while (const std::optional<StageIndex> stage = plan_.take_opened()) {
      if (world_.late[at(*stage)]) add_jobs(at(*stage));
    }
  }
  void take_dropped() {
    while (const std::optional<JobIndex> job = plan_.take_dropped()) {
      REQUIRE(fate(*job) == Fate::kOpen);
      fate(*job) = Fate::kDropped;
    }
  }
  void start() {
    while (std::optional<GraphPlan::Start> start = plan_.next(now_)) {
      const std::size_t j = number_.at(start->job);
      take_dropped();
      check_start(*start, j);
      if (start->attempt == 1 && world_.jobs[j].is_done_before) {
        plan_.mark_done(start->job);
        fates_[j] = Fate::kGood;
        ++up_to_date_;
        open();
        continue;
      }
      running_.push_back({*start, now_ + world_.jobs[j].takes});
      check_room();
    }
  }
  void check_start(const GraphPlan::Start& start, std::size_t j) {
    const WorldJob& job = world_.jobs[j];
    const StageSpec& stage = world_.stages[job.stage];
    CHECK(fates_[j] == Fate::kOpen);
    CHECK(start.attempt == ++attempts_[j]);
    CHECK(start.attempt <= world_.requirements[job.requirement].attempts);
    for (const std::size_t on : job.needs) {
      CHECK(fates_[on] != Fate::kOpen);
      if (stage.when == When::kSuccess) {
        CHECK((fates_[on] == Fate::kGood || fates_[on] == Fate::kAllowed));
      }
    }
    for (const StageIndex need : stage.needs) {
      for (std::size_t other = 0; other < world_.jobs.size(); ++other) {
        if (world_.jobs[other].stage == at(need) && was_added(other)) {
          CHECK(fates_[other] != Fate::kOpen);
        }
      }
    }
    if (failed_fast()) CHECK(is_in_wake(job.stage));
  }
  bool was_added(std::size_t j) const {
    const auto found = number_.find(index_[j]);
    return found != number_.end() && found->second == j;
  }
  bool is_in_wake(std::size_t s) const {
    const StageSpec& stage = world_.stages[s];
    return stage.when != When::kSuccess ||
           std::any_of(stage.needs.begin(), stage.needs.end(),
                       [&](StageIndex need) { return is_in_wake(at(need)); });
  }
  void check_room() {
    std::uint64_t cpus = 0, memory = 0, with_memory = 0;
    std::map<std::size_t, std::uint32_t> pools, stages;
    std::set<std::string> values;
    for (const Running& one : running_) {
      const WorldJob& job = world_.jobs[number_.at(one.start.job)];
      const Requirement& requirement = world_.requirements[job.requirement];
      cpus += std::min(requirement.cpus, world_.spec.cpus);
      memory += one.start.memory;
      if (one.start.memory > 0) ++with_memory;
      ++stages[job.stage];
      for (std::size_t i = 0; i < requirement.pools.size(); ++i) {
        ++pools[at(requirement.pools[i])];
        if (one.start.pool_values[i] == nullptr) continue;
        CHECK(values.insert(*one.start.pool_values[i]).second);
      }
    }
    CHECK(cpus <= world_.spec.cpus);
    CHECK((memory <= world_.spec.memory || with_memory == 1));
    CHECK(pools[0] <= 2);
    CHECK(pools[1] <= 3);
    for (const auto& [stage, count] : stages) {
      const std::uint32_t limit = world_.stages[stage].most_running;
      CHECK((limit == 0 || count <= limit));
    }
  }
  // To the next end of a job, or to the time of a further attempt.
  void go_on() {
    const std::optional<GraphPlan::TimePoint> again = plan_.next_start(now_);
    const auto first = std::min_element(
        running_.begin(), running_.end(),
        [](const Running& left, const Running& right) { return left.end < right.end; });
    REQUIRE((again || first != running_.end()));  // else nothing would ever happen
    if (first == running_.end() || (again && *again < first->end)) {
      now_ = *again;
      return;
    }
    now_ = first->end;
    const Running ended = *first;
    running_.erase(first);
    const std::size_t j = number_.at(ended.start.job);
    const bool is_good = ended.start.attempt >= world_.jobs[j].good_attempt;
    const GraphPlan::Verdict verdict = plan_.on_end(
        ended.start.job, is_good ? End::kSuccess : End::kFailure, world_.jobs[j].takes, now_);
    if (verdict == GraphPlan::Verdict::kRetry) return;
    const bool is_allowed = world_.stages[world_.jobs[j].stage].allow_failure;
    fates_[j] = is_good ? Fate::kGood : is_allowed ? Fate::kAllowed : Fate::kFailed;
    failed_ = failed_ || fates_[j] == Fate::kFailed;
  }
  void check_counts() {
    const auto count = [&](Fate fate) {
      return static_cast<std::uint64_t>(std::count(fates_.begin(), fates_.end(), fate));
    };
    const GraphPlan::Counts counts = plan_.counts();
    CHECK(running_.empty());
    CHECK(counts.running == 0);
    CHECK(counts.waiting_for_retry == 0);
    CHECK(counts.up_to_date == up_to_date_);
    CHECK(counts.succeeded + counts.up_to_date == count(Fate::kGood));
    CHECK(counts.failed == count(Fate::kFailed));
    CHECK(counts.allowed == count(Fate::kAllowed));
    CHECK(counts.dropped == count(Fate::kDropped));
    // Jobs of stages that were never opened were never added.
    for (std::size_t j = 0; j < fates_.size(); ++j) {
      if (fates_[j] == Fate::kOpen) {
        CHECK(world_.late[world_.jobs[j].stage]);
        fates_[j] = Fate::kDropped;
      }
    }
  }
  Fate& fate(JobIndex job) { return fates_[number_.at(job)]; }

  const World& world_;
  GraphPlan plan_;
  std::vector<RequirementIndex> requirements_;
  std::vector<JobIndex> index_;
  std::map<JobIndex, std::size_t> number_;
  std::vector<Fate> fates_;
  std::map<std::size_t, std::uint32_t> attempts_;
  std::vector<Running> running_;
  GraphPlan::TimePoint now_{seconds(1)};
  std::uint64_t up_to_date_ = 0;
  bool failed_ = false;
};

}  // namespace

TEST_CASE("graph world: random graphs come out as the oracle foresees") {
  for (std::uint32_t seed = 0; seed < 1500; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    const World world = make_world(dice);
    Run run(world);
    const std::vector<Fate> fates = run.run();
    if (!run.failed_fast()) CHECK(fates == foresee(world));
  }
}

TEST_CASE("graph world: a binary tree of two hundred thousand jobs") {
  constexpr std::uint32_t kJobs = 200'000;
  GraphPlan plan({.cpus = 64});
  const RequirementIndex plain = plan.add_requirement({});
  const StageIndex stage = plan.add_stage({});
  for (std::uint32_t job = 0; job < kJobs; ++job) plan.add_job(stage, plain);
  // The root is job 0, and needs both below it.
  for (std::uint32_t job = 1; job < kJobs; ++job) {
    plan.add_need(JobIndex{(job - 1) / 2}, JobIndex{job});
  }
  plan.close_stage(stage);
  plan.close();
  static_cast<void>(plan.take_opened());
  CHECK(plan.find_cycle().empty());
  std::vector<JobIndex> running;
  std::uint32_t last = kJobs;
  while (!plan.finished()) {
    while (const auto start = plan.next({})) running.push_back(start->job);
    REQUIRE_FALSE(running.empty());
    last = static_cast<std::uint32_t>(running.back());
    static_cast<void>(plan.on_end(running.back(), End::kSuccess, seconds(1), {}));
    running.pop_back();
  }
  CHECK(last == 0);
  CHECK(plan.counts().succeeded == kJobs);
  CHECK(plan.level(JobIndex{0}) > 0);
}

TEST_CASE("graph world: a hundred thousand requirements are no reason to be slow") {
  constexpr std::uint32_t kJobs = 100'000;
  GraphPlan plan({.cpus = 8, .memory = 1000});
  const StageIndex stage = plan.add_stage({});
  for (std::uint32_t job = 0; job < kJobs; ++job) {
    plan.add_job(stage, plan.add_requirement({.memory = {900 + job}}));
  }
  plan.close_stage(stage);
  plan.close();
  static_cast<void>(plan.take_opened());
  std::uint32_t ended = 0;
  while (const auto start = plan.next({})) {
    CHECK_FALSE(plan.next({}));
    static_cast<void>(plan.on_end(start->job, End::kSuccess, {}, {}));
    if (++ended == 2000) break;
  }
  CHECK(ended == 2000);
}

}  // namespace enjoin
