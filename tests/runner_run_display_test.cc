#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "ipc/unique_fd.h"
#include "runner/display/run_display.h"
#include "runner/display/run_texts.h"

using namespace enjoin;
using namespace std::chrono_literals;

namespace {

using TimePoint = RunDisplay::TimePoint;

/// Jobs are called "j0", "j1" and so on.
class NamedJobs final : public JobSource {
 public:
  void begin(GraphPlan&) override {}
  void open(GraphPlan&, StageIndex) override {}
  Pull pull(GraphPlan&) override { return Pull::kEnd; }
  JobText text(JobIndex job) const override {
    return {.seq = at(job) + 1, .stage = "s", .name = "j" + std::to_string(at(job))};
  }
  std::string command(JobIndex) const override { return "true"; }
  JobRecipe recipe(const GraphPlan::Start&) override { return {}; }
  Identity identity(JobIndex) const override { return {}; }
};

/// A display of a plan of two stages, the second with three jobs, on a pipe and by a clock of ours.
class Shown {
 public:
  explicit Shown(DisplaySettings settings = {}) : plan_({.cpus = 2, .keep_going = true}) {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
    reader_.reset(fds[0]);
    writer_.reset(fds[1]);
    messages_ = std::make_unique<MessageWriter>(writer_.get());
    first_ = plan_.add_stage({.name = "first"});
    second_ = plan_.add_stage({.name = "second", .needs = {first_}});
    const RequirementIndex one = plan_.add_requirement({.attempts = 2});
    plan_.add_job(first_, one);
    for (int i = 0; i < 3; ++i) plan_.add_job(second_, one);
    plan_.close_stage(first_);
    plan_.close_stage(second_);
    plan_.close();
    settings.clock = [this] { return now_; };
    settings.size = [] { return ScreenSize{}; };
    display_ = std::make_unique<RunDisplay>(std::move(settings), source_, plan_, *messages_);
  }

  RunDisplay& display() { return *display_; }
  void pass(std::chrono::nanoseconds time) { now_ += time; }
  std::string turn() {
    display_->turn(now_);
    return said();
  }
  std::string said() {
    char text[10000];
    const ssize_t got = ::read(reader_.get(), text, sizeof text);
    return got > 0 ? std::string(text, static_cast<std::size_t>(got)) : "";
  }
  /// The next job that the plan gives.
  JobIndex start() {
    while (plan_.take_opened()) {
    }
    const auto next = plan_.next(now_);
    REQUIRE(next);
    attempt_ = next->attempt;
    display_->started(next->job, attempt_);
    return next->job;
  }
  void end(JobIndex job, Outcome outcome, std::chrono::nanoseconds wall = 1s) {
    JobResult result;
    result.outcome = outcome;
    result.use.wall = wall;
    result.use.bytes_err = output_.text[1].size();
    result.output_held_back = held_back_;
    const bool is_good = succeeded(outcome) && reason_.empty();
    const auto end = is_good ? GraphPlan::End::kSuccess : GraphPlan::End::kFailure;
    const bool is_final = plan_.on_end(job, end, wall, now_) == GraphPlan::Verdict::kFinal;
    display_->ended({.job = job,
                     .attempt = attempt_,
                     .end = end,
                     .is_final = is_final,
                     .result = result,
                     .output = output_,
                     .reason = reason_});
  }
  void drop_all() {
    plan_.stop();
    while (const auto job = plan_.take_dropped()) display_->dropped(*job);
  }

  CapturedOutput output_;
  std::string reason_;
  bool held_back_ = false;
  StageIndex first_{}, second_{};

 private:
  ipc::UniqueFd reader_, writer_;
  std::unique_ptr<MessageWriter> messages_;
  NamedJobs source_;
  GraphPlan plan_;
  TimePoint now_{1h};
  std::uint32_t attempt_ = 1;
  std::unique_ptr<RunDisplay> display_;
};

DisplaySettings on_terminal() {
  DisplaySettings settings;
  settings.redraws = true;
  settings.latest_line = [](JobIndex) { return "working\n"; };
  return settings;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("run display: a terminal is drawn on at once, then four times a second") {
  Shown shown(on_terminal());
  shown.start();
  const std::string text = shown.turn();
  INFO(text);
  CHECK(holds(text, "first   [....................] 0/1  1 running"));
  CHECK(holds(text, "second  [....................] 0/3"));
  CHECK(holds(text, "  j0         0s  working"));
  CHECK(holds(text, "0/4 done  1 running  in 0s"));
  CHECK(shown.turn().empty());
  CHECK(shown.display().until_due(TimePoint(1h)) == 250ms);
  shown.pass(250ms);
  CHECK(!shown.turn().empty());
}

TEST_CASE("run display: what a job printed over is drawn again soon") {
  Shown shown(on_terminal());
  const JobIndex job = shown.start();
  shown.turn();
  shown.pass(20ms);
  shown.output_.text[1] = "text";
  shown.end(job, Exited{0});
  CHECK(shown.turn().empty());
  shown.pass(30ms);
  CHECK(!shown.turn().empty());
}

TEST_CASE("run display: it is taken off before a failure is told") {
  Shown shown(on_terminal());
  JobIndex job = shown.start();
  shown.turn();
  shown.end(job, Exited{3});
  CHECK(shown.said() ==
        "\033[Jenjoin: j0 failed: exit status 3 (after 1s); attempt 1, it will be tried again\n");
  job = shown.start();
  shown.end(job, Signaled{.signal = 9}, 1ms);
  CHECK(shown.said() == "enjoin: j0 failed: signal 9 (SIGKILL); attempt 2, the last\n");
}

TEST_CASE("run display: what is not printed anyway comes with the failure") {
  Shown shown;
  shown.output_.text[1] = "1\n2\n3\n4\n5\n6\n7\033[2J\n\n";
  shown.reason_ = "the output x is missing";
  shown.held_back_ = true;
  shown.end(shown.start(), Exited{0}, 1ms);
  CHECK(shown.said() ==
        "enjoin: j0 failed: exit status 0, but the output x is missing; attempt 1, it will be "
        "tried again\n  | 3\n  | 4\n  | 5\n  | 6\n  | 7[2J\n");
}

TEST_CASE("run display: output amid which it would come is waited for") {
  DisplaySettings settings = on_terminal();
  bool is_printing = true;
  settings.between_output = [&](const std::function<void()>& draw) {
    if (!is_printing) draw();
    return !is_printing;
  };
  Shown shown(settings);
  CHECK(shown.turn().empty());
  CHECK(shown.display().until_due(TimePoint(1h)) == 50ms);
  is_printing = false;
  shown.pass(50ms);
  CHECK(!shown.turn().empty());
}

TEST_CASE("run display: elsewhere than on a terminal there is a line from time to time") {
  Shown shown;
  CHECK(shown.turn().empty());
  const JobIndex job = shown.start();
  shown.pass(10s);
  CHECK(shown.turn() == "enjoin: 0/4 done  1 running  in 10s\n");
  CHECK(shown.turn().empty());
  shown.pass(5s);
  shown.end(job, Exited{0}, 15s);
  shown.display().stage_ended(shown.first_);
  CHECK(shown.said() == "enjoin: stage first has ended; 1/4 done  0 running  in 15s  ETA 45s\n");
}

TEST_CASE("run display: the estimate counts what runs by what it has taken so far") {
  Shown shown;
  shown.pass(10s);
  shown.end(shown.start(), Exited{0}, 10s);
  shown.start();
  shown.start();
  shown.pass(5s);
  // 20 s of work were done in 15 s, and 20 of 30 s of the second stage are left.
  CHECK(holds(shown.turn(), "ETA 15s\n"));
}

TEST_CASE("run display: quiet is silent but for failures, and at the end only after one") {
  Shown shown({.quiet = true});
  CHECK(shown.display().until_due(TimePoint(1h)) < 0s);
  shown.pass(100s);
  CHECK(shown.turn().empty());
  shown.end(shown.start(), Exited{1});
  CHECK(shown.said().empty());
  shown.end(shown.start(), Exited{1});
  CHECK(holds(shown.said(), "j0 failed"));
  shown.display().run_ended(0);
  CHECK(shown.said().empty());
}

TEST_CASE("run display: at the end all is counted, and what was not started is named") {
  Shown shown;
  shown.end(shown.start(), Exited{0});
  for (int i = 0; i < 2; ++i) shown.end(shown.start(), Exited{1});
  shown.said();
  shown.drop_all();
  shown.pass(61s);
  shown.display().run_ended(1);
  CHECK(shown.said() ==
        "enjoin: not started: j2, j3\nenjoin: 4 jobs in 1m01s: 1 done, 1 failed, 2 not started\n");
}

TEST_CASE("run display: several failures are named again at the end") {
  Shown shown;
  shown.end(shown.start(), Exited{0});
  for (int i = 1; i <= 6; ++i) shown.end(shown.start(), Exited{i});
  shown.said();
  shown.display().run_ended(1);
  const std::string text = shown.said();
  INFO(text);
  CHECK(holds(text, "enjoin: failed: j1: exit status "));
  CHECK(holds(text, "enjoin: failed: j3: exit status "));
}

TEST_CASE("run display: the last lines of what was captured") {
  CapturedOutput output;
  CHECK(last_lines(output, 3).empty());
  output.text[0] = "one";
  CHECK(last_lines(output, 3) == "  | one\n");
  output.text[0] = "1\n2\n3\n4\n";
  CHECK(last_lines(output, 3) == "  | 2\n  | 3\n  | 4\n");
  CHECK(last_lines(output, 4) == "  | 1\n  | 2\n  | 3\n  | 4\n");
  output.text[0] = "\n\n";
  CHECK(last_lines(output, 3).empty());
  output.text[0] = " 1%\r 50%\r 100%\r\n";
  CHECK(last_lines(output, 3) == "  |  100%\n");
  output.text[1] = "from stderr";
  CHECK(last_lines(output, 3) == "  | from stderr\n");
}

TEST_CASE("run display: jobs that wait with the workers do not count as running") {
  DisplaySettings settings = on_terminal();
  settings.running = [] { return std::size_t{1}; };
  Shown shown(settings);
  shown.end(shown.start(), Exited{0});
  shown.start();
  shown.pass(1s);
  shown.start();
  const std::string text = shown.turn();
  INFO(text);
  CHECK(holds(text, "second  [....................] 0/3  1 running"));
  CHECK(holds(text, "1/4 done  1 running"));
  CHECK(holds(text, "  j1 "));
  CHECK_FALSE(holds(text, "  j2 "));
}
