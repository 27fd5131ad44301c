#include "worker/keeper.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <span>
#include <unistd.h>
#include <utility>

#include <sys/prctl.h>
#include <sys/wait.h>

#include "worker/job_watch.h"
#include "worker/process_tree.h"
#include "worker/supervisor_link.h"
#include "worker/temp_names.h"

namespace enjoin {
namespace {

// What workers may take to bring their jobs to an end and to remove their temporary files, once
// nobody waits for them any more.
constexpr std::uint64_t kAloneGraceNs = 500'000'000;
constexpr std::uint64_t kTellAgainNs = 5'000'000;
// An end that everybody was told of and that does not come.
constexpr std::uint64_t kLeavePatienceNs = 2'000'000'000;
constexpr std::chrono::milliseconds kSweepLimit{2000};
constexpr int kMostLastSweeps = 30;  // a process that hangs in the kernel cannot be killed

void on_child(int) {}

// Waits for the socket, the supervisor's end, a child's end, or `span_ns` (0: for ever). Only here
// a child's end is heard. True: the supervisor has ended.
bool wait_readable(int fd, int supervisor, std::uint64_t span_ns) {
  pollfd watched[2] = {{fd, POLLIN, 0}, {supervisor, POLLIN, 0}};
  const timespec span{static_cast<time_t>(span_ns / 1'000'000'000),
                      static_cast<long>(span_ns % 1'000'000'000)};
  sigset_t all_but_child;
  sigfillset(&all_but_child);
  sigdelset(&all_but_child, SIGCHLD);
  return ::ppoll(watched, 2, span_ns == 0 ? nullptr : &span, &all_but_child) > 0 &&
         watched[1].revents != 0;
}

}  // namespace

Keeper::Keeper(KeeperStart start)
    : start_(std::move(start)), socket_(start_.socket), supervisor_(start_.supervisor) {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  struct sigaction action {};
  action.sa_handler = on_child;  // where our caller ignores it, children would vanish unreaped
  ::sigaction(SIGCHLD, &action, nullptr);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (start_.held >= 0) ::fcntl(start_.held, F_SETFD, FD_CLOEXEC);
}

Keeper::Role Keeper::run(WorkerStart* worker) {
  const Role role = serve(worker);
  if (role == Role::kKeeper && supervisor_gone_) outlive_supervisor();
  return role;
}

Keeper::Role Keeper::serve(WorkerStart* worker) {
  while (!supervisor_gone_) {
    KeeperRequest request;
    WorkerStart start;
    KeeperRead read = KeeperRead::kTaken;
    while ((read = try_read_keeper_request(socket_.get(), &request, &start)) ==
           KeeperRead::kTaken) {
      switch (request.order) {
        case KeeperOrder::kStart:
          if (start_worker(&start, request.descriptors)) return *worker = start, Role::kWorker;
          break;
        case KeeperOrder::kKill:
          signal_worker(request.id, SIGKILL);
          break;
        case KeeperOrder::kSignal:
          signal_worker(request.id, request.signal);
          break;
        case KeeperOrder::kKillAll:
          kill_all();
          break;
        case KeeperOrder::kPing:
          say(KeeperNews::kHere);
          break;
        case KeeperOrder::kLeave:
          leaving_ = true;
          leave_until_ns_ = monotonic_ns() + kLeavePatienceNs;
      }
    }
    if (read == KeeperRead::kClosed) supervisor_gone_ = true;
    take_ends();
    if (leaving_ && workers_.empty()) return Role::kKeeper;
    if (!supervisor_gone_) wait_for_news();
  }
  return Role::kKeeper;
}

void Keeper::wait_for_news() {
  if (!leaving_) {
    if (wait_readable(socket_.get(), supervisor_.get(), 0)) supervisor_gone_ = true;
    return;
  }
  const std::uint64_t now = monotonic_ns();
  if (now >= leave_until_ns_) {  // they hang in a write, or stand still
    spare(list_children());
    return kill_all();
  }
  wait_readable(socket_.get(), -1, leave_until_ns_ - now);
}

// True in the worker.
bool Keeper::start_worker(WorkerStart* start, std::size_t descriptors) {
  const WorkerStart::Descriptors all = start->descriptors();
  const auto close_all = [&all] {
    for (const int fd : all) ipc::UniqueFd(fd).reset();
  };
  KeeperAnswer answer{.news = KeeperNews::kNotStarted, .id = start->id, .code = EMFILE};
  const auto sent = std::span(all).first(std::min(descriptors, all.size()));
  if (*std::min_element(sent.begin(), sent.end()) >= 0) {
    start->parent_pid = static_cast<std::uint32_t>(::getpid());
    const pid_t pid = ::fork();
    if (pid == 0) {
      socket_.reset();
      supervisor_.reset();
      if (start_.worker_group != 0) ::setpgid(0, start_.worker_group);
      return true;
    }
    if (pid > 0) {
      workers_.push_back({pid, start->id});
      answer.news = KeeperNews::kStarted;
      answer.pid = pid;
    }
    answer.code = pid < 0 ? errno : 0;
  }
  close_all();
  tell(answer);
  return false;
}

void Keeper::signal_worker(ipc::WorkerId id, int signal) const {
  for (const Kept& worker : workers_) {
    if (worker.id == id) ::kill(worker.pid, signal);  // ours and not reaped: still its number
  }
}

void Keeper::kill_all() {
  for (const Kept& worker : workers_) ::kill(worker.pid, SIGKILL);
  while (!workers_.empty()) {
    take_ends();
    if (!workers_.empty()) wait_readable(-1, -1, kTellAgainNs);
  }
  say(KeeperNews::kAllKilled);
}

void Keeper::say(KeeperNews news) {
  tell({.news = news, .id = {}});
}

void Keeper::tell(const KeeperAnswer& answer) {
  if (!supervisor_gone_ && !send_keeper_answer(socket_.get(), answer)) supervisor_gone_ = true;
}

// ---- ends --------------------------------------------------------------------------------------

// Who is our child and no worker is what a dead worker left. Where the worker was killed it is
// swept at once; so what is there while no worker is dead may live on. The list is read before we
// look whether one is.
void Keeper::take_ends() {
  while (true) {
    const bool lists = spared_is_old_ && !leaving_;
    std::vector<pid_t> children;
    if (lists) children = list_children();
    Reaped ended = reap();
    if (!ended.workers.empty()) {
      report(&ended.workers);
      spared_is_old_ = true;
    } else if (lists) {
      spare(std::move(children));
    }
    if (ended.any && !spared_.empty()) spared_is_old_ = true;  // its children are ours now
    if (!ended.any && (!spared_is_old_ || leaving_)) return;
  }
}

void Keeper::spare(std::vector<pid_t> children) {
  std::erase_if(children, [this](pid_t pid) { return is_worker(pid); });
  spared_ = std::move(children);
  spared_is_old_ = false;
}

Keeper::Reaped Keeper::reap() {
  Reaped reaped;
  while (true) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return reaped;
    reaped.any = true;
    const auto found = std::find_if(workers_.begin(), workers_.end(),
                                    [&](const Kept& worker) { return worker.pid == info.si_pid; });
    if (found == workers_.end()) continue;
    reaped.workers.push_back({.news = KeeperNews::kEnded,
                              .id = found->id,
                              .pid = info.si_pid,
                              .code = info.si_status,
                              .signaled = info.si_code == CLD_EXITED ? 0U : 1U});
    workers_.erase(found);
  }
}

void Keeper::report(std::vector<KeeperAnswer>* ended) {
  const bool abrupt = !std::all_of(ended->begin(), ended->end(),
                                   [](const KeeperAnswer& end) { return end.ended_well(); });
  const bool escaped = abrupt && !sweep();
  for (KeeperAnswer& end : *ended) {
    end.escaped = escaped && !end.ended_well() ? 1 : 0;
    tell(end);
  }
}

bool Keeper::sweep() {
  const auto spare = [this](pid_t pid) { return is_worker(pid) || lives_on(pid); };
  return kill_children(kSweepLimit, spare) == SweepAnswer::kClean;
}

bool Keeper::lives_on(pid_t pid) const {
  return std::find(spared_.begin(), spared_.end(), pid) != spared_.end();
}

bool Keeper::is_worker(pid_t pid) const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [pid](const Kept& worker) { return worker.pid == pid; });
}

// ---- alone -------------------------------------------------------------------------------------

// Workers are told again and again: the one signal may come just before the write that blocks.
void Keeper::outlive_supervisor() {
  const std::uint64_t until = monotonic_ns() + kAloneGraceNs;
  while (!workers_.empty() && monotonic_ns() < until) {
    for (const Kept& worker : workers_) ::kill(worker.pid, start_.death_signal);
    wait_readable(-1, -1, kTellAgainNs);
    static_cast<void>(reap());
  }
  const auto spare = [this](pid_t pid) { return lives_on(pid); };
  for (int sweeps = 0; sweeps < kMostLastSweeps; ++sweeps) {
    if (kill_children(kSweepLimit, spare) == SweepAnswer::kClean) break;
  }
  for (const std::string& prefix : start_.temp_names) remove_temp_names(prefix);
}

}  // namespace enjoin
