#include <exception>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "enjoin/c.h"
#include "enjoin/error.h"
#include "enjoin/executor.h"

// No exception leaves a function of C: guarded() turns each into the text of enjoin_error().

/// A report and what its pointers point to.
struct HeldReport {
  enjoin::JobReport report;
  std::string outcome_text;
  enjoin_report view{};
};

struct enjoin_executor {
  enjoin::Executor executor;
  HeldReport taken;
};

namespace {

using namespace enjoin;

thread_local std::string last_error;

template <class Body>
auto guarded(decltype(std::declval<Body>()()) failed, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    last_error = error.what();
  } catch (...) {
    last_error = "an exception that is no std::exception";
  }
  return failed;
}

std::string text_of(const char* text) {
  return text != nullptr ? text : "";
}

std::vector<std::string> list_of(const char* const* list) {
  std::vector<std::string> texts;
  for (; list != nullptr && *list != nullptr; ++list) texts.emplace_back(*list);
  return texts;
}

template <class Id, class Number>
std::vector<Id> ids_of(const Number* numbers, std::size_t count) {
  std::vector<Id> ids;
  for (std::size_t at = 0; at < count; ++at) ids.push_back(Id{numbers[at]});
  return ids;
}

template <class Enum>
Enum choice(int value, Enum last, const char* what) {
  if (value < 0 || value > static_cast<int>(last)) {
    throw Error(std::string("there is no ") + what + " of number " + std::to_string(value));
  }
  return static_cast<Enum>(value);
}

std::chrono::nanoseconds time_of(std::uint64_t ns) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min<std::uint64_t>(
      ns, static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count()))));
}

ExecutorOptions options_of(const enjoin_executor_options& from) {
  ExecutorOptions options;
  options.cpus = from.cpus;
  options.memory = from.memory;
  options.keep_going = from.stop_at_failure == 0;
  options.jobserver = choice(from.jobserver, Jobserver::kFifo, "jobserver");
  options.helpers = text_of(from.helpers);
  options.scratch_folder = text_of(from.scratch_folder);
  return options;
}

Command command_of(const enjoin_command& from) {
  Command command;
  command.argv = list_of(from.argv);
  command.shell_line = text_of(from.shell_line);
  if (from.shell != nullptr) command.shell = list_of(from.shell);
  command.name = text_of(from.name);
  command.folder = text_of(from.folder);
  command.environment = list_of(from.environment);
  if (from.input != nullptr) {
    command.input = InputBytes{std::string(from.input, from.input_size)};
  } else if (from.input_path != nullptr) {
    command.input = InputFile{from.input_path};
  }
  command.output = choice(from.output, Output::kDiscard, "output");
  command.stdout_path = text_of(from.stdout_path);
  command.stderr_path = text_of(from.stderr_path);
  for (std::size_t at = 0; at < from.descriptor_count; ++at) {
    command.descriptors.emplace_back(from.descriptors[at].host, from.descriptors[at].job);
  }
  if (from.most_output == ENJOIN_NO_CAP) {
    command.most_output = 0;
  } else if (from.most_output != 0) {
    command.most_output = from.most_output;
  }
  command.nice = from.nice;
  command.timeout = time_of(from.timeout_ns);
  command.after = choice(from.after, AfterJob::kReport, "after");
  return command;
}

struct CodeOf {
  int operator()(const Exited& outcome) const { return outcome.status; }
  int operator()(const Signaled& outcome) const { return outcome.signal; }
  int operator()(const TimedOut& outcome) const { return outcome.signal; }
  int operator()(const Canceled& outcome) const { return outcome.signal; }
  int operator()(const Lost&) const { return 0; }
  int operator()(const SpawnFailed& outcome) const { return outcome.error; }
  int operator()(const OutputFailed& outcome) const { return outcome.error; }
  int operator()(const InputShrank&) const { return 0; }
};
static_assert(
    std::is_same_v<std::variant_alternative_t<ENJOIN_OUTPUT_FAILED, Outcome>, OutputFailed>);
static_assert(std::variant_size_v<Outcome> == ENJOIN_INPUT_SHRANK + 1);

enjoin_report view_of(const JobReport& report, const std::string& outcome_text) {
  enjoin_report view{};
  view.job = static_cast<enjoin_job>(report.id);
  view.kind = static_cast<int>(report.kind);
  view.success = report.success ? 1 : 0;
  view.outcome = static_cast<int>(report.outcome.index());
  view.code = std::visit(CodeOf(), report.outcome);
  view.outcome_text = outcome_text.c_str();
  view.reason = report.reason.c_str();
  view.out = report.out.c_str();
  view.out_size = report.out.size();
  view.err = report.err.c_str();
  view.err_size = report.err.size();
  view.output_cut = report.output_cut ? 1 : 0;
  view.left_processes = report.left_processes ? 1 : 0;
  view.attempt = report.attempt;
  view.slot = report.slot;
  view.started_at_ns = report.started_at.count();
  view.wall_ns = report.use.wall.count();
  view.user_us = report.use.user.count();
  view.system_us = report.use.system.count();
  view.max_rss_kb = report.use.max_rss_kb;
  return view;
}

JobHandlers handlers_of(const enjoin_job_options& from) {
  JobHandlers handlers;
  void* const data = from.data;
  if (const auto call = from.on_start; call != nullptr) {
    handlers.on_start = [call, data](JobId job) { call(data, static_cast<enjoin_job>(job)); };
  }
  if (const auto call = from.on_line; call != nullptr) {
    handlers.on_line = [call, data](JobId job, int stream, std::string_view line) {
      call(data, static_cast<enjoin_job>(job), stream, line.data(), line.size());
    };
  }
  if (const auto call = from.on_end; call != nullptr) {
    handlers.on_end = [call, data](const JobReport& report) {
      const std::string text = to_string(report.outcome);
      const enjoin_report view = view_of(report, text);
      call(data, &view);
    };
  }
  return handlers;
}

JobOptions options_of(const enjoin_job_options& from) {
  JobOptions options;
  options.stage = StageId{from.stage};
  options.needs = ids_of<JobId>(from.needs, from.need_count);
  if (from.cpus != 0) options.cpus = from.cpus;
  options.memory = from.memory;
  options.limits = ids_of<LimitId>(from.limits, from.limit_count);
  options.priority = from.priority;
  options.attempts = from.attempts == ENJOIN_WITHOUT_END ? 0 : std::max(from.attempts, 1U);
  options.retry_delay = time_of(from.retry_delay_ns);
  if (from.retry_backoff != 0) options.retry_backoff = from.retry_backoff;
  options.expected = time_of(from.expected_ns);
  options.asks = from.asks != 0;
  options.handlers = handlers_of(from);
  return options;
}

}  // namespace

const char* enjoin_error(void) {
  return last_error.c_str();
}

enjoin_executor* enjoin_executor_new(const enjoin_executor_options* options) {
  return guarded(nullptr, [&] {
    return new enjoin_executor{
        Executor(options != nullptr ? options_of(*options) : ExecutorOptions{}), {}};
  });
}

void enjoin_executor_free(enjoin_executor* executor) {
  delete executor;
}

enjoin_job enjoin_add(enjoin_executor* executor, const enjoin_command* command,
                      const enjoin_job_options* options) {
  return guarded(enjoin_job{0}, [&] {
    JobOptions how = options != nullptr ? options_of(*options) : JobOptions{};
    return static_cast<enjoin_job>(executor->executor.add(command_of(*command), std::move(how)));
  });
}

int enjoin_add_need(enjoin_executor* executor, enjoin_job job, enjoin_job on) {
  return guarded(-1, [&] {
    executor->executor.add_need(JobId{job}, JobId{on});
    return 0;
  });
}

enjoin_stage enjoin_add_stage(enjoin_executor* executor, const enjoin_stage_options* options) {
  return guarded(enjoin_stage{0}, [&] {
    StageOptions stage;
    if (options != nullptr) {
      stage.name = text_of(options->name);
      stage.needs = ids_of<StageId>(options->needs, options->need_count);
      stage.most_running = options->most_running;
      stage.allow_failure = options->allow_failure != 0;
    }
    return static_cast<enjoin_stage>(executor->executor.add_stage(std::move(stage)));
  });
}

int enjoin_close_stage(enjoin_executor* executor, enjoin_stage stage) {
  return guarded(-1, [&] {
    executor->executor.close_stage(StageId{stage});
    return 0;
  });
}

enjoin_limit enjoin_add_limit(enjoin_executor* executor, const char* name, uint32_t slots) {
  return guarded(enjoin_limit{0}, [&] {
    return static_cast<enjoin_limit>(executor->executor.add_limit({text_of(name), slots}));
  });
}

int enjoin_cancel(enjoin_executor* executor, enjoin_job job, int now) {
  return guarded(-1, [&] {
    executor->executor.cancel(JobId{job}, now != 0 ? Stop::kNow : Stop::kLadder);
    return 0;
  });
}

int enjoin_cancel_all(enjoin_executor* executor, int now) {
  return guarded(-1, [&] {
    executor->executor.cancel_all(now != 0 ? Stop::kNow : Stop::kLadder);
    return 0;
  });
}

int enjoin_skip(enjoin_executor* executor, enjoin_job job) {
  return guarded(-1, [&] {
    executor->executor.skip(JobId{job});
    return 0;
  });
}

int enjoin_answer(enjoin_executor* executor, enjoin_job job, int unchanged) {
  return guarded(-1, [&] {
    executor->executor.answer(JobId{job}, unchanged != 0 ? Answer::kUnchanged : Answer::kGoOn);
    return 0;
  });
}

void enjoin_set_cpus(enjoin_executor* executor, uint32_t cpus) {
  guarded(-1, [&] {
    executor->executor.set_cpus(cpus);
    return 0;
  });
}

int enjoin_fd(const enjoin_executor* executor) {
  return executor->executor.fd();
}

long enjoin_step(enjoin_executor* executor) {
  return guarded(-1L, [&] { return static_cast<long>(executor->executor.step()); });
}

long enjoin_wait(enjoin_executor* executor, int64_t limit_ns) {
  return guarded(-1L, [&] {
    return static_cast<long>(executor->executor.wait(std::chrono::nanoseconds(limit_ns)));
  });
}

int enjoin_wait_all(enjoin_executor* executor) {
  return guarded(-1, [&] { return executor->executor.wait_all() ? 1 : 0; });
}

const enjoin_report* enjoin_take(enjoin_executor* executor) {
  return guarded(static_cast<const enjoin_report*>(nullptr), [&]() -> const enjoin_report* {
    std::optional<JobReport> report = executor->executor.try_take();
    if (!report) return nullptr;
    HeldReport& held = executor->taken;
    held.report = std::move(*report);
    held.outcome_text = to_string(held.report.outcome);
    held.view = view_of(held.report, held.outcome_text);
    return &held.view;
  });
}

size_t enjoin_unfinished(const enjoin_executor* executor) {
  return executor->executor.unfinished();
}

size_t enjoin_running(const enjoin_executor* executor) {
  return executor->executor.running();
}
