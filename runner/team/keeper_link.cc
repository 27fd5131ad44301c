#include "runner/team/keeper_link.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "worker/job_watch.h"
#include "worker/worker_main.h"

namespace enjoin {
namespace {

using std::chrono::milliseconds;

// As long as the keeper may be busy with a sweep, and some more.
constexpr milliseconds kPatience{10'000};
constexpr milliseconds kDescriptorsPatience{1000};
constexpr std::uint32_t kMostPings = 5;

struct ChildStart {
  const char* path;
  char* const* argv;
  int socket;
  int null;
  int output;
  int held;
  int error;
};

// Shares our memory until exec: system calls only.
__attribute__((no_sanitize("address", "undefined"))) int child_main(void* argument) {
  auto& start = *static_cast<ChildStart*>(argument);
  ::setpgid(0, 0);  // what is meant for our group, like the terminal's ^C, is not meant for it
  ::fcntl(start.socket, F_SETFD, 0);
  if (start.held >= 0) ::fcntl(start.held, F_SETFD, 0);
  ::dup2(start.null, STDIN_FILENO);
  if (start.output != STDOUT_FILENO) ::dup2(start.output, STDOUT_FILENO);
  ::execve(start.path, start.argv, environ);
  start.error = errno;
  ::_exit(127);
}

alignas(64) char child_stack[64 * 1024];

// Wide enough for what its workers will write over it (worker_program.cc).
std::string number_word(int number) {
  char word[16];
  std::snprintf(word, sizeof word, "%010d", number);
  return word;
}

}  // namespace

KeeperLink::KeeperLink(const Setup& setup) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw system_error("cannot make a socket for the workers' keeper", errno);
  }
  socket_.reset(ends[0]);
  const ipc::UniqueFd far_end(ends[1]);
  const ipc::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<std::string> words{kKeeperName, number_word(far_end.get()),
                                 number_word(setup.worker_group), number_word(setup.held_fd)};
  words.insert(words.end(), setup.temp_names.begin(), setup.temp_names.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ChildStart child{setup.executable.c_str(),
                   argv.data(),
                   far_end.get(),
                   null.get(),
                   setup.output_fd,
                   setup.held_fd,
                   0};
  // Until it has set its own mask, no signal may end it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  pid_ = ::clone(child_main, child_stack + sizeof child_stack,
                 CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &child, &pidfd);
  const int error = pid_ < 0 ? errno : child.error;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid_ >= 0) pidfd_.reset(pidfd);
  if (error == 0) return;
  if (pid_ >= 0) reap();
  throw system_error("cannot start the workers' keeper (" + setup.executable + ")", error);
}

KeeperLink::~KeeperLink() {
  if (pid_ <= 0) return;
  socket_.reset();  // for the keeper we are dead
  pollfd watched{pidfd_.get(), POLLIN, 0};
  const std::uint64_t until = monotonic_ns() + 1'000'000ULL * kPatience.count();
  while (::poll(&watched, 1, 100) <= 0 && monotonic_ns() < until) {
  }
  if (watched.revents == 0) kill_keeper();
  reap();
}

// ---- requests ----------------------------------------------------------------------------------

int KeeperLink::start(const WorkerStart& worker) {
  const int error = try_send({.order = KeeperOrder::kStart, .id = worker.id}, &worker);
  if (error == 0) ++unanswered_;
  return error;
}

void KeeperLink::kill(ipc::WorkerId worker) {
  send({.order = KeeperOrder::kKill, .id = worker});
}

void KeeperLink::signal(ipc::WorkerId worker, int signal) {
  send({.order = KeeperOrder::kSignal, .id = worker, .signal = signal});
}

void KeeperLink::send(const KeeperRequest& request) {
  // Without descriptors nothing but the keeper's end stands in the way.
  static_cast<void>(try_send(request, nullptr));
}

int KeeperLink::try_send(const KeeperRequest& request, const WorkerStart* start) {
  const std::uint64_t began = monotonic_ns();
  while (!gone()) {
    const int error = send_keeper_request(socket_.get(), request, start);
    if (error == 0) return 0;
    const auto waited = milliseconds((monotonic_ns() - began) / 1'000'000);
    if (error == ETOOMANYREFS) {
      // So many descriptors are on their way, ours or other programs' of the same user.
      if (waited > kDescriptorsPatience) return error;
      wait_answer(0, milliseconds(5));
    } else if (error == EAGAIN || error == ENOBUFS) {
      if (!wait_answer(POLLOUT, kPatience)) kill_keeper();
    } else if (error == EPIPE || error == ECONNRESET || error == ENOTCONN) {
      kill_keeper();
    } else {
      return error;
    }
  }
  return 0;  // its death is dealt with where it is noticed
}

void KeeperLink::kill_all_and_wait() {
  send({.order = KeeperOrder::kKillAll, .id = {}});
  const std::uint64_t until = monotonic_ns() + 1'000'000ULL * kPatience.count();
  while (!gone()) {
    if (!answers_.empty() && answers_.back().news == KeeperNews::kAllKilled) {
      answers_.pop_back();
      return;
    }
    if (monotonic_ns() > until) return kill_keeper();
    wait_answer(0, milliseconds(100));
  }
}

bool KeeperLink::leave_and_wait() {
  send({.order = KeeperOrder::kLeave, .id = {}});
  const std::uint64_t until = monotonic_ns() + 1'000'000ULL * kPatience.count();
  while (!gone()) {
    if (monotonic_ns() > until) {
      kill_keeper();
      reap();
      return false;
    }
    wait_answer(0, milliseconds(100));
  }
  return left_well_;
}

// ---- answers -----------------------------------------------------------------------------------

// Takes in what is there. False: nothing came.
bool KeeperLink::read_answers() {
  bool any = false;
  KeeperAnswer answer;
  while (socket_ && try_read_keeper_answer(socket_.get(), &answer) == KeeperRead::kTaken) {
    any = true;
    pings_ = 0;
    if (answer.news == KeeperNews::kHere) continue;
    const bool of_start =
        answer.news == KeeperNews::kStarted || answer.news == KeeperNews::kNotStarted;
    if (of_start && unanswered_ > 0) --unanswered_;
    if (answer.news == KeeperNews::kStarted) started_workers_ = true;
    answers_.push_back(answer);
  }
  return any;
}

bool KeeperLink::wait_answer(short events, milliseconds limit) {
  pollfd watched[2] = {{socket_.get(), static_cast<short>(POLLIN | events), 0},
                       {pidfd_.get(), POLLIN, 0}};
  const int ready = ::poll(watched, 2, static_cast<int>(limit.count()));
  read_answers();
  return ready > 0 || (ready < 0 && errno == EINTR);
}

bool KeeperLink::try_take(KeeperAnswer* answer) {
  if (answers_.empty()) read_answers();
  if (answers_.empty()) return false;
  *answer = answers_.front();
  answers_.pop_front();
  return true;
}

void KeeperLink::look() {
  if (gone() || read_answers()) return;
  if (++pings_ > kMostPings) return kill_keeper();
  // Not try_send: that would wait.
  static_cast<void>(
      send_keeper_request(socket_.get(), {.order = KeeperOrder::kPing, .id = {}}, nullptr));
}

// ---- its end -----------------------------------------------------------------------------------

bool KeeperLink::gone() {
  if (pid_ <= 0) return true;
  pollfd watched{pidfd_.get(), POLLIN, 0};
  if (::poll(&watched, 1, 0) <= 0) return false;
  reap();
  return true;
}

void KeeperLink::kill_keeper() {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  pollfd watched{pidfd_.get(), POLLIN, 0};
  while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
}

void KeeperLink::reap() {
  read_answers();  // what it had said before
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  left_well_ = info.si_code == CLD_EXITED && info.si_status == 0;
  pid_ = -1;
  pidfd_.reset();
  socket_.reset();
}

}  // namespace enjoin
