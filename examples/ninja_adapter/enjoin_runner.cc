#include "enjoin_runner.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <utility>

#include "enjoin/error.h"
#include "graph.h"
#include "util.h"

namespace {

constexpr int kEndingSignals[] = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t ending_signal = 0;

void note_signal(int signal) {
  ending_signal = signal;
}

bool is_ending(int signal) {
  return std::find(std::begin(kEndingSignals), std::end(kEndingSignals), signal) !=
         std::end(kEndingSignals);
}

// As ninja sees a command's end: one that was interrupted ends the build.
ExitStatus status_of(const enjoin::JobReport& report) {
  if (report.success) return ExitSuccess;
  if (const auto* const signaled = std::get_if<enjoin::Signaled>(&report.outcome)) {
    if (is_ending(signaled->signal)) return ExitInterrupted;
  }
  return ExitFailure;
}

}  // namespace

EnjoinRunner::EnjoinRunner(const BuildConfig& config) : config_(config) {
  // They come through while we wait only, so that none is missed before.
  sigset_t blocked;
  sigemptyset(&blocked);
  for (const int signal : kEndingSignals) sigaddset(&blocked, signal);
  struct sigaction act = {};
  act.sa_handler = note_signal;
  sigprocmask(SIG_BLOCK, &blocked, &usual_mask_);
  for (int i = 0; i < 3; ++i) sigaction(kEndingSignals[i], &act, &usual_[i]);
}

EnjoinRunner::~EnjoinRunner() {
  executor_.reset();
  for (int i = 0; i < 3; ++i) sigaction(kEndingSignals[i], &usual_[i], nullptr);
  sigprocmask(SIG_SETMASK, &usual_mask_, nullptr);
}

bool EnjoinRunner::CanRunMore() const {
  const std::size_t busy = running_.size() + ended_.size();
  if (busy >= static_cast<std::size_t>(config_.parallelism)) return false;
  return running_.empty() || config_.max_load_average <= 0 ||
         GetLoadAverage() < config_.max_load_average;
}

bool EnjoinRunner::StartCommand(Edge* edge) {
  enjoin::Command command;
  command.shell_line = edge->EvaluateCommand();
  command.output = edge->use_console() ? enjoin::Output::kConsole : enjoin::Output::kMerge;
  command.most_output = 0;
  command.after = enjoin::AfterJob::kKeep;  // compilers may start their servers
  try {
    if (!executor_) {
      // ninja keeps count of what may run; the executor only must not hold it up.
      constexpr int most = 1024;
      const int jobs = std::min(config_.parallelism, most);
      sigset_t ours;
      sigprocmask(SIG_SETMASK, &usual_mask_, &ours);  // jobs get the mask that the helper gets
      executor_.emplace(enjoin::ExecutorOptions{.cpus = static_cast<std::uint32_t>(jobs)});
      sigprocmask(SIG_SETMASK, &ours, nullptr);
    }
    enjoin::JobOptions options;
    options.handlers.on_end = [this](const enjoin::JobReport& report) { take_end(report); };
    running_.emplace(executor_->add(std::move(command), std::move(options)), edge);
    return true;
  } catch (const enjoin::Error& error) {
    Error("%s", error.what());
    return false;
  }
}

void EnjoinRunner::take_end(const enjoin::JobReport& report) {
  const auto found = running_.find(report.id);
  Result result;
  result.edge = found->second;
  result.status = status_of(report);
  result.output = report.out;
  if (!report.success && !report.reason.empty()) result.output += report.reason + '\n';
  running_.erase(found);
  ended_.push_back(std::move(result));
}

bool EnjoinRunner::WaitForCommand(Result* result) {
  while (ended_.empty() || ending_signal != 0) {
    if (ending_signal != 0) return false;
    executor_->step();
    if (!ended_.empty()) continue;
    pollfd watched = {executor_->fd(), POLLIN, 0};
    ppoll(&watched, 1, nullptr, &usual_mask_);
  }
  *result = std::move(ended_.front());
  ended_.pop_front();
  return true;
}

std::vector<Edge*> EnjoinRunner::GetActiveEdges() {
  std::vector<Edge*> edges;
  for (const auto& [job, edge] : running_) edges.push_back(edge);
  return edges;
}

void EnjoinRunner::Abort() {
  if (!executor_) return;
  executor_->cancel_all();
  executor_->wait_all();
  ended_.clear();
}
