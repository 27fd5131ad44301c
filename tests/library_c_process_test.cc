#include <cstring>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "enjoin/c.h"
#include "support/executor.h"

// The C header, used as C uses it: structs of zeros, pointers, no exceptions.

namespace {

class Handle {
 public:
  Handle() {
    const enjoin::ExecutorOptions with = enjoin::test::executor_options();
    enjoin_executor_options options{};
    options.cpus = 2;
    options.helpers = with.helpers.c_str();
    executor_ = enjoin_executor_new(&options);
    INFO(enjoin_error());
    REQUIRE(executor_ != nullptr);
  }
  ~Handle() { enjoin_executor_free(executor_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  enjoin_executor* get() const { return executor_; }

 private:
  enjoin_executor* executor_;
};

struct Heard {
  std::vector<std::string> lines;
  enjoin_job started = 0;
  enjoin_job ended = 0;
};

}  // namespace

TEST_CASE("c: a job's report has all that the C++ one has") {
  const Handle handle;
  const char* const argv[] = {"sh", "-c", "cat; echo $A >&2; exit 3", nullptr};
  const char* const environment[] = {"A=b", nullptr};
  enjoin_command command{};
  command.argv = argv;
  command.environment = environment;
  command.input = "in\0put";
  command.input_size = 6;
  const enjoin_job job = enjoin_add(handle.get(), &command, nullptr);
  REQUIRE(job != 0);
  CHECK(enjoin_unfinished(handle.get()) == 1);
  CHECK(enjoin_wait_all(handle.get()) == 0);
  const enjoin_report* report = enjoin_take(handle.get());
  REQUIRE(report != nullptr);
  CHECK(report->job == job);
  CHECK(report->kind == ENJOIN_RAN);
  CHECK(report->success == 0);
  CHECK(report->outcome == ENJOIN_EXITED);
  CHECK(report->code == 3);
  CHECK(std::strcmp(report->outcome_text, "exit status 3") == 0);
  CHECK(std::string(report->out, report->out_size) == std::string("in\0put", 6));
  CHECK(std::string(report->err) == "b\n");
  CHECK(report->attempt == 1);
  CHECK(report->wall_ns > 0);
  CHECK(enjoin_take(handle.get()) == nullptr);
}

TEST_CASE("c: handlers are called with their data") {
  const Handle handle;
  Heard heard;
  enjoin_command command{};
  command.shell_line = "echo one; echo two";
  command.output = ENJOIN_OUTPUT_LINES;
  enjoin_job_options options{};
  options.data = &heard;
  options.on_start = [](void* data, enjoin_job job) { static_cast<Heard*>(data)->started = job; };
  options.on_line = [](void* data, enjoin_job, int stream, const char* line, size_t size) {
    static_cast<Heard*>(data)->lines.push_back(std::to_string(stream) + std::string(line, size));
  };
  options.on_end = [](void* data, const enjoin_report* report) {
    static_cast<Heard*>(data)->ended = report->job;
  };
  const enjoin_job job = enjoin_add(handle.get(), &command, &options);
  CHECK(enjoin_fd(handle.get()) >= 0);
  while (enjoin_unfinished(handle.get()) > 0) CHECK(enjoin_wait(handle.get(), -1) >= 0);
  CHECK(heard.started == job);
  CHECK(heard.ended == job);
  CHECK(heard.lines == std::vector<std::string>{"1one", "1two"});
}

TEST_CASE("c: needs, stages and limits are joined") {
  const Handle handle;
  const enjoin_limit one = enjoin_add_limit(handle.get(), "one", 1);
  enjoin_stage_options first_stage{};
  first_stage.name = "first";
  const enjoin_stage first = enjoin_add_stage(handle.get(), &first_stage);
  enjoin_stage_options second_stage{};
  second_stage.name = "second";
  second_stage.needs = &first;
  second_stage.need_count = 1;
  const enjoin_stage second = enjoin_add_stage(handle.get(), &second_stage);
  enjoin_command command{};
  command.shell_line = "true";
  enjoin_job_options options{};
  options.stage = first;
  options.limits = &one;
  options.limit_count = 1;
  const enjoin_job before = enjoin_add(handle.get(), &command, &options);
  options.stage = second;
  options.needs = &before;
  options.need_count = 1;
  CHECK(enjoin_add(handle.get(), &command, &options) != 0);
  CHECK(enjoin_close_stage(handle.get(), first) == 0);
  CHECK(enjoin_close_stage(handle.get(), second) == 0);
  CHECK(enjoin_wait_all(handle.get()) == 1);
}

TEST_CASE("c: a call that fails says so, and why") {
  const Handle handle;
  const enjoin_command nothing{};
  CHECK(enjoin_add(handle.get(), &nothing, nullptr) == 0);
  CHECK(std::string(enjoin_error()) ==
        "cannot add the job without a command: one of argv and shell_line is needed, and only one");
  CHECK(enjoin_add_need(handle.get(), 1, 2) == -1);
  CHECK(std::string(enjoin_error()) == "the executor has no job 1");
  enjoin_command command{};
  command.shell_line = "true";
  command.output = 77;
  CHECK(enjoin_add(handle.get(), &command, nullptr) == 0);
  CHECK(std::string(enjoin_error()) == "there is no output of number 77");
  CHECK(enjoin_cancel(handle.get(), 5, 1) == -1);
  CHECK(enjoin_step(handle.get()) == 0);
  enjoin_executor_options options{};
  options.helpers = "/no/such/folder";
  CHECK(enjoin_executor_new(&options) == nullptr);
  enjoin_executor_free(nullptr);
}
