#include "worker/job_init.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <vector>

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "worker/process_tree.h"

namespace enjoin {
namespace {

constexpr int kGroupPauseMs = 2;
constexpr char kInitWord[] = "init,";

// Reads back what init_word() wrote.
class Numbers {
 public:
  explicit Numbers(const char* word) : at_(word), end_(word + std::strlen(word)) {}
  template <typename T>
  T next() {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(at_, end_, number);
    if (error != std::errc{}) throw Error("not started by enjoin");
    at_ = stop == end_ ? stop : stop + 1;
    return static_cast<T>(number);
  }

 private:
  const char* at_;
  const char* end_;
};

struct InitStart {
  int socket = -1;
  SpawnRequest request;
  std::vector<ResourceLimit> limits;
  rlimit open_files{};
};

void read_start(const char* word, InitStart* start) {
  Numbers numbers(word + std::strlen(kInitWord));
  start->socket = numbers.next<int>();
  start->request.signal_mask = numbers.next<std::uint64_t>();
  start->request.ignored_signal = numbers.next<int>();
  const int nice = numbers.next<int>();
  if (nice != 0) start->request.nice = nice - 100;
  start->open_files.rlim_cur = numbers.next<rlim_t>();
  start->open_files.rlim_max = numbers.next<rlim_t>();
  if (start->open_files.rlim_max != 0) start->request.open_files = &start->open_files;
  start->limits.resize(numbers.next<std::uint8_t>());
  for (ResourceLimit& limit : start->limits) {
    limit.resource = numbers.next<int>();
    limit.value = numbers.next<std::uint64_t>();
  }
  start->request.limits = start->limits;
}

// The job's streams and the descriptors of our caller are the job's: who waits for their end must
// not wait for us.
void close_all_but(int kept) {
  const auto close_from_to = [](unsigned first, unsigned last) {
    if (first > last || ::syscall(SYS_close_range, first, last, 0) == 0) return;
    for (unsigned fd = first; fd <= last && fd < 65536; ++fd) ::close(static_cast<int>(fd));
  };
  close_from_to(0, static_cast<unsigned>(kept) - 1);
  close_from_to(static_cast<unsigned>(kept) + 1, ~0U);
}

class Init {
 public:
  Init(int socket, pid_t leader) : socket_(socket), leader_(leader) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    signals_.reset(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  // Returns when the leader has ended and, where it was being stopped, so has its group.
  void run() {
    while (!ended_ || (stopping_ && ::kill(-leader_, 0) == 0)) {
      pollfd watched[2] = {{socket_, POLLIN, 0}, {signals_.get(), POLLIN, 0}};
      // Whose parent is alive somewhere tells nobody of its end.
      const int ready = ::poll(watched, 2, ended_ ? kGroupPauseMs : -1);
      if (ready > 0 && watched[0].revents != 0 && !obey()) return;
      signalfd_siginfo drained;
      while (::read(signals_.get(), &drained, sizeof drained) > 0) {
      }
      reap();
    }
  }

 private:
  // False: the worker is gone, and nobody waits for the job any more.
  bool obey() {
    InitOrder order;
    const ssize_t got = ::recv(socket_, &order, sizeof order, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got != sizeof order) return false;
    if (::kill(-leader_, order.signal) != 0 && !ended_) ::kill(leader_, order.signal);
    if (order.signal == SIGSTOP || order.signal == SIGCONT) return true;
    stopping_ = true;
    // A stopped job hears nothing else. Others are not told to go on: they may have a trap for it.
    if (!ended_ && is_stopped(leader_)) ::kill(-leader_, SIGCONT);
    return true;
  }

  // Everything in here becomes our child when its parent ends.
  void reap() {
    while (true) {
      InitReport report{.what = InitReport::What::kEnded};
      int status = 0;
      const pid_t got = ::wait4(-1, &status, WNOHANG, &report.use);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      if (got != leader_ || ended_) continue;
      ended_ = true;
      report.status = status;
      report.leftovers = reap_ended_children() ? 1 : 0;
      ::send(socket_, &report, sizeof report, MSG_NOSIGNAL);
    }
  }

  int socket_;
  pid_t leader_;
  ipc::UniqueFd signals_;
  bool ended_ = false;
  bool stopping_ = false;
};

}  // namespace

std::string init_word(const SpawnRequest& request, int socket) {
  std::string word = kInitWord;
  const auto add = [&word](std::uint64_t number) { word += std::to_string(number) + ','; };
  add(static_cast<std::uint64_t>(socket));
  add(request.signal_mask);
  add(static_cast<std::uint64_t>(request.ignored_signal));
  add(request.nice ? static_cast<std::uint64_t>(*request.nice + 100) : 0);
  add(request.open_files != nullptr ? request.open_files->rlim_cur : 0);
  add(request.open_files != nullptr ? request.open_files->rlim_max : 0);
  add(request.limits.size());
  for (const ResourceLimit& limit : request.limits) {
    add(static_cast<std::uint64_t>(limit.resource));
    add(limit.value);
  }
  return word;
}

bool is_job_init(int argc, char** argv) {
  return argc > 3 && std::strncmp(argv[1], kInitWord, std::strlen(kInitWord)) == 0;
}

// argv: our name, the word, the path to execute, the job's own words.
int job_init(char** argv) {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::signal(SIGCHLD, SIG_DFL);
  InitStart start;
  read_start(argv[1], &start);
  ::fcntl(start.socket, F_SETFD, FD_CLOEXEC);
  start.request.path = argv[2];
  start.request.argv = argv + 3;
  start.request.environment = environ;
  Child job;
  InitReport report{.what = InitReport::What::kStarted};
  report.error = spawn(start.request, &job);
  job.pidfd.reset();
  close_all_but(start.socket);
  // Where the worker died before it could ask for our death, the socket says so.
  const bool told = ::send(start.socket, &report, sizeof report, MSG_NOSIGNAL) == sizeof report;
  if (told && report.error == 0) Init(start.socket, job.pid).run();
  return 0;
}

bool tell_init(const Child& child, int signal) {
  const InitOrder order{signal};
  return ::send(child.init.get(), &order, sizeof order, MSG_DONTWAIT | MSG_NOSIGNAL) ==
         sizeof order;
}

std::optional<InitReport> read_init(const Child& child, InitWait wait) {
  InitReport report;
  while (true) {
    const ssize_t got =
        ::recv(child.init.get(), &report, sizeof report, wait == InitWait::kYes ? 0 : MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof report) return std::nullopt;
    return report;
  }
}

}  // namespace enjoin
