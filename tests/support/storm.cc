#include "support/storm.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include <sys/syscall.h>

#include "support/team_run.h"
#include "worker/job_watch.h"

namespace enjoin::test {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kHangNs = 60 * kSecondNs;

bool is_child_of(pid_t pid, pid_t parent) {
  const std::vector<pid_t> children = children_of(parent);
  return std::find(children.begin(), children.end(), pid) != children.end();
}

bool is_worker(pid_t pid) {
  const std::vector<pid_t> workers = team_workers();
  return std::find(workers.begin(), workers.end(), pid) != workers.end();
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

void describe(pid_t pid, unsigned depth, std::string* text) {
  const std::string folder = "/proc/" + std::to_string(pid);
  *text += std::string(2 * depth, ' ') + first_line(folder + "/stat").substr(0, 60) + " | " +
           first_line(folder + "/wchan") + " | " + first_line(folder + "/syscall") + '\n';
  for (const pid_t child : children_of(pid)) describe(child, depth + 1, text);
}

}  // namespace

ipc::UniqueFd open_process(pid_t pid) {
  return ipc::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool signal_process(const ipc::UniqueFd& process, int signal) {
  return process && ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
}

std::string describe_processes(pid_t root) {
  std::string text;
  describe(root, 0, &text);
  return text;
}

Storm::Storm(unsigned seed, StormPlan plan, std::function<void()> dump)
    : random_(seed), plan_(plan), dump_(std::move(dump)), thread_([this] { run(); }) {}

void Storm::stop() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
}

void Storm::run() {
  watched_at_ns_ = monotonic_ns();
  while (!over_) {
    // Mostly short: the moments that matter lie close together.
    const unsigned pause_us = below(below(plan_.longest_pause_us) + 1);
    const std::uint64_t until = monotonic_ns() + std::uint64_t{pause_us} * 1000;
    if (pause_us > 200) std::this_thread::sleep_for(std::chrono::microseconds(pause_us - 100));
    while (monotonic_ns() < until) {
    }
    const std::uint64_t now = monotonic_ns();
    continue_stopped(now);
    watch_progress(now);
    blow();
  }
  continue_stopped(~std::uint64_t{0});
}

void Storm::continue_stopped(std::uint64_t now_ns) {
  std::erase_if(stopped_, [now_ns](const Stopped& entry) {
    if (entry.until_ns > now_ns) return false;
    signal_process(entry.process, SIGCONT);
    return true;
  });
}

// Nothing can be told by the test any more: its own thread is the one that waits.
void Storm::watch_progress(std::uint64_t now_ns) {
  const std::uint64_t progress = progress_;
  if (progress != watched_) {
    watched_ = progress;
    watched_at_ns_ = now_ns;
  }
  if (now_ns - watched_at_ns_ < kHangNs) return;
  std::fprintf(stderr, "storm: HANG: nothing has come for a minute\n%s",
               describe_processes(::getpid()).c_str());
  dump_();
  std::fflush(nullptr);
  std::_Exit(1);
}

void Storm::blow() {
  const std::uint64_t progress = progress_;
  const unsigned kind = below(1000);
  unsigned limit = plan_.stop_worker;
  if (kind < limit) {
    pid_t pid = 0;
    return hold(random_worker(&pid));
  }
  if (kind < (limit += plan_.stop_job)) return hold(random_job());
  if (kind < (limit += plan_.kill_job)) {
    if (signal_process(random_job(), SIGKILL)) ++counts_.job_kills;
    return;
  }
  if (progress < next_kill_) return;
  if (kind < (limit += plan_.kill_keeper)) {
    if (!signal_process(random_keeper(), SIGKILL)) return;
    ++counts_.keeper_kills;
    next_kill_ = progress + plan_.after_keeper;
    return;
  }
  pid_t pid = 0;
  if (!signal_process(random_worker(&pid), SIGKILL)) return;
  ++counts_.worker_kills;
  next_kill_ = progress + 2;
}

void Storm::hold(ipc::UniqueFd process) {
  if (!signal_process(process, SIGSTOP)) return;
  ++counts_.stops;
  const bool for_long = below(1000) < plan_.long_stop;
  const std::uint64_t us = for_long ? 500'000 + below(2'000'000) : below(below(20'000) + 1);
  stopped_.push_back({std::move(process), monotonic_ns() + us * 1000});
}

ipc::UniqueFd Storm::random_worker(pid_t* pid) {
  const std::vector<pid_t> workers = team_workers();
  if (workers.empty()) return {};
  *pid = workers[below(static_cast<unsigned>(workers.size()))];
  ipc::UniqueFd process = open_process(*pid);
  return is_worker(*pid) ? std::move(process) : ipc::UniqueFd();
}

ipc::UniqueFd Storm::random_job() {
  pid_t worker = 0;
  const ipc::UniqueFd held = random_worker(&worker);
  if (!held) return {};
  const std::vector<pid_t> jobs = children_of(worker);
  if (jobs.empty()) return {};
  const pid_t pid = jobs[below(static_cast<unsigned>(jobs.size()))];
  ipc::UniqueFd process = open_process(pid);
  // The worker first: while it is ours and alive, its number is its own, and so are its children.
  const bool ours = is_child_of(pid, worker) && is_worker(worker) && signal_process(held, 0);
  return ours ? std::move(process) : ipc::UniqueFd();
}

ipc::UniqueFd Storm::random_keeper() {
  const std::vector<pid_t> children = children_of(::getpid());
  if (children.empty()) return {};
  const pid_t pid = children[below(static_cast<unsigned>(children.size()))];
  ipc::UniqueFd process = open_process(pid);
  return is_child_of(pid, ::getpid()) ? std::move(process) : ipc::UniqueFd();
}

}  // namespace enjoin::test
