#include "runner/sem/sem_job.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <sys/prctl.h>
#include <sys/sendfile.h>

#include "enjoin/error.h"
#include "runner/signals.h"
#include "worker/capture.h"
#include "worker/job_watch.h"
#include "worker/process_tree.h"
#include "worker/shell_choice.h"
#include "worker/shell_words.h"
#include "worker/spawn.h"
#include "worker/template.h"

namespace enjoin {
namespace {

constexpr int kStoppedStatus = 255;
constexpr std::chrono::milliseconds kSweepLimit{2000};
constexpr int kDestination[2] = {STDOUT_FILENO, STDERR_FILENO};

// 0, or errno.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return 0;
}

void copy_out(int file, std::int64_t size, int destination) {
  off_t at = 0;
  while (at < size) {
    const ssize_t done = ::sendfile(destination, file, &at, static_cast<std::size_t>(size - at));
    if (done > 0 || (done < 0 && errno == EINTR)) continue;
    if (done == 0 || (errno != EINVAL && errno != ENOSYS)) return;
    char block[64 * 1024];  // a destination that is opened for appending
    const ssize_t got = ::pread(file, block, sizeof block, at);
    if (got <= 0 || write_all(destination, {block, static_cast<std::size_t>(got)}) != 0) return;
    at += got;
  }
}

// --line-buffer: whole lines, as they come.
class LineSink final : public OutputSink {
 public:
  void take(int stream, std::string_view bytes) override {
    const std::size_t end = bytes.rfind('\n');
    if (end == std::string_view::npos) {
      rest_[stream].append(bytes);
      return;
    }
    rest_[stream].append(bytes.substr(0, end + 1));
    error_ = write_all(kDestination[stream], rest_[stream]);
    rest_[stream].assign(bytes.substr(end + 1));
  }
  int take_error() override { return std::exchange(error_, 0); }
  void finish() {
    for (const int stream : {kStdout, kStderr}) write_all(kDestination[stream], rest_[stream]);
  }

 private:
  std::string rest_[2];
  int error_ = 0;
};

class SimpleJob final : public WatchHost {
 public:
  explicit SimpleJob(const Options& options);
  int run();

  // WatchHost
  int control_fd() const override { return signals_.fd(); }
  bool read_control() override;
  Stop stop_wanted(std::uint64_t /*ticket*/) const override { return stop_; }
  bool suspended() const override { return false; }
  std::uint64_t timeout_ns(std::uint64_t own) const override { return own; }
  std::uint64_t tick() override { return 0; }
  int pipe_fd(int stream) const override { return capture_->poll_fd(stream); }
  void pump(int stream) override { capture_->pump(stream); }

 private:
  int start();
  int start_shell(SpawnRequest& request);
  int finish();
  void show_command();

  const Options& options_;
  SignalEvents signals_;
  std::string shell_;
  std::string line_;
  Argv argv_;
  bool direct_ = false;
  std::optional<CaptureFiles> files_;
  LineSink lines_;
  std::unique_ptr<Capture> capture_;
  Child child_;
  Stop stop_ = Stop::kNo;
  std::vector<StopStep> ladder_;
};

SimpleJob::SimpleJob(const Options& options)
    : options_(options),
      shell_(choose_shell()),
      ladder_(options.stop_ladder.empty() ? default_stop_ladder() : options.stop_ladder) {
  const Template command = Template::parse(options.command);
  const std::string shell_name = shell_.substr(shell_.rfind('/') + 1);
  command.expand_line({}, {}, &line_);
  direct_ = command.expand_argv({}, {}, shell_name, &argv_) &&
            may_exec_directly({argv_.words.data(), argv_.words.size() - 1}, shell_name);
  if (options.output == OutputMode::kUngroup) {
    capture_ = inherit_output();
  } else if (options.output == OutputMode::kLineBuffer) {
    capture_ = capture_by_pipes(lines_, 0);
  } else {
    const char* folder = std::getenv("TMPDIR");
    files_.emplace(!options.scratch_folder.empty()        ? options.scratch_folder
                   : folder != nullptr && *folder != '\0' ? folder
                                                          : "/tmp");
    capture_ = capture_in_files(*files_);
  }
}

bool SimpleJob::read_control() {
  while (const std::optional<int> signal = signals_.take()) {
    if (*signal == SIGTSTP) {
      ::kill(-child_.pid, SIGSTOP);
      SignalEvents::stop_self();
      ::kill(-child_.pid, SIGCONT);
    } else if (*signal != SIGHUP) {  // who hangs up lets the job end
      stop_ = stop_ == Stop::kNo ? Stop::kLadder : Stop::kNow;
    }
  }
  return true;
}

int SimpleJob::start() {
  JobEnvironment environment(environ, 1, static_cast<std::uint32_t>(::getpid()));
  SpawnRequest request;
  request.environment = environment.for_job(1);
  for (const int stream : {kStdout, kStderr}) request.stdio[stream + 1] = capture_->job_fd(stream);
  request.nice = options_.nice;
  request.limits = options_.limits;
  request.signal_mask = signals_.caller_mask();
  // A job in a group of its own may not read the terminal.
  request.own_group = ::isatty(STDIN_FILENO) != 1;
  ProgramFinder programs;
  if (direct_) {
    request.path = programs.find(argv_.words[0]);
    request.argv = const_cast<char* const*>(argv_.words.data());
    if (request.path != nullptr && spawn(request, &child_) == 0) return 0;
  }
  return start_shell(request);
}

int SimpleJob::start_shell(SpawnRequest& request) {
  const char* const words[] = {shell_.c_str(), "-c", line_.c_str(), nullptr};
  request.path = shell_.c_str();
  request.argv = const_cast<char* const*>(words);
  return spawn(request, &child_);
}

void SimpleJob::show_command() {
  if (options_.verbose == Verbose::kNo) return;
  const int stream = options_.verbose == Verbose::kToStdout ? STDOUT_FILENO : STDERR_FILENO;
  write_all(stream, line_ + '\n');
}

int SimpleJob::run() {
  if (files_ == std::nullopt) show_command();
  if (direct_ && is_no_op(argv_.words)) {
    if (files_) show_command();
    return 0;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const std::uint64_t started_ns = monotonic_ns();
  if (const int error = start(); error != 0) {
    throw system_error("cannot start the command", error);
  }
  const auto limit = static_cast<std::uint64_t>(options_.timeout.limit.count());
  const JobEnd end = JobWatch(*this, ladder_).wait(child_, 1, started_ns, limit);
  const bool stopped = end.kind == ipc::EndKind::kTimedOut || end.kind == ipc::EndKind::kCanceled;
  if (stopped) static_cast<void>(kill_children(kSweepLimit));
  capture_->finish();
  finish();
  if (stopped) return kStoppedStatus;
  return end.kind == ipc::EndKind::kSignaled ? 128 + end.code : end.code;
}

int SimpleJob::finish() {
  lines_.finish();
  if (!files_) return 0;
  show_command();
  for (const int stream : {kStdout, kStderr}) {
    copy_out(files_->fd(stream), files_->size(stream), kDestination[stream]);
  }
  return 0;
}

// Replacement strings that are worked out by others than the template itself.
bool may_need_evaluation(const TemplateSpec& command) {
  const auto has_expression = [&command](const std::string& word) {
    return word.find(command.perl_open) != std::string::npos;
  };
  return command.plus || !command.definitions.empty() ||
         std::any_of(command.words.begin(), command.words.end(), has_expression);
}

}  // namespace

bool is_simple_job(const Options& options) {
  return !may_need_evaluation(options.command) && options.pipe.mode == PipeSpec::Mode::kNone &&
         !options.tag && options.max_output_bytes == 0 && options.progress == ProgressKind::kNone &&
         options.joblog_path.empty() && !options.files && options.results.empty() &&
         !options.compress && !options.latest_line && !options.color && !options.color_failed &&
         options.timeout.percent_of_median <= 0 && options.retries == 1 &&
         options.halt.when == HaltSpec::When::kNever && options.leftovers == Leftovers::kKeep &&
         options.isolate == Isolate::kNone && options.admission.load.empty() &&
         options.admission.free_memory == 0 && options.admission.suspend_memory == 0 &&
         !options.admission.no_swap && options.admission.limit_command.empty() &&
         !options.selection.resume && !options.selection.resume_failed &&
         !options.selection.retry_failed && options.selection.parts == 1 && !options.work_folder &&
         options.environment.empty() && options.slot_variable.empty() && !options.interactive &&
         options.filters.empty() && options.shell_quotes == 0;
}

int run_simple_job(const Options& options) {
  return SimpleJob(options).run();
}

}  // namespace enjoin
