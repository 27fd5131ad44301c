#include "runner/pool/pool_keeper.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "worker/detached.h"
#include "worker/function/function_start.h"
#include "worker/function/pool_keeper_process.h"

namespace enjoin {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int kSocketThere = 3;  // descriptors in the keeper's program
constexpr int kHostThere = 4;

struct Ends {
  ipc::UniqueFd ours;
  ipc::UniqueFd theirs;

  Ends() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
      throw system_error("cannot make a socket for a pool's keeper", errno);
    }
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
};

std::vector<std::string> environment_with(const std::string& more) {
  std::vector<std::string> all;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) all.emplace_back(*at);
  std::erase_if(all, [](const std::string& entry) {
    return entry.starts_with(std::string(kKeeperVariable) + "=");
  });
  all.push_back(more);
  return all;
}

}  // namespace

ipc::UniqueFd open_pidfd(std::int32_t pid) {
  return ipc::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool has_ended(int pidfd, milliseconds limit) {
  const Clock::time_point until = Clock::now() + limit;
  while (true) {
    pollfd watched{pidfd, POLLIN, 0};
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    const int ready =
        ::poll(&watched, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

void send_signal(int pidfd, int signal) {
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

PoolKeeper PoolKeeper::of_program(int program, const std::string& name) {
  Ends ends;
  const ipc::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const ipc::UniqueFd self = open_pidfd(::getpid());
  DetachedStart start{.program = program,
                      .argv = {name, "(enjoin-keeper)"},
                      .environment = environment_with(std::string(kKeeperVariable) + "=" +
                                                      std::to_string(kSocketThere) + ":" +
                                                      std::to_string(self ? kHostThere : -1))};
  start.descriptors.emplace_back(ends.theirs.get(), kSocketThere);
  if (null) start.descriptors.emplace_back(null.get(), STDIN_FILENO);
  if (self) start.descriptors.emplace_back(self.get(), kHostThere);
  Detached detached = start_detached(start);
  PoolKeeper keeper;
  keeper.pid_ = detached.pid;
  keeper.pidfd_ = std::move(detached.pidfd);
  keeper.socket_ = std::move(ends.ours);
  return keeper;
}

PoolKeeper PoolKeeper::of_copy() {
  Ends ends;
  ipc::UniqueFd self = open_pidfd(::getpid());
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  Detached detached = fork_detached();
  if (detached.pid == 0) {
    ends.ours.reset();
    if (const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC); null >= 0) {
      ::dup2(null, STDIN_FILENO);
      if (null != STDIN_FILENO) ::close(null);
    }
    pool_keeper_process(ends.theirs.release(), self.release(), KeeperOrigin::kCopy, mask);
  }
  PoolKeeper keeper;
  keeper.pid_ = detached.pid;
  keeper.pidfd_ = std::move(detached.pidfd);
  keeper.socket_ = std::move(ends.ours);
  return keeper;
}

int PoolKeeper::start(const WorkerStart& worker) {
  return send_keeper_request(socket_.get(), {.order = KeeperOrder::kStart, .id = worker.id},
                             &worker);
}

void PoolKeeper::kill(ipc::WorkerId worker) {
  // One that has no room for it stands still, and is killed itself in the end.
  (void)send_keeper_request(socket_.get(), {.order = KeeperOrder::kKill, .id = worker}, nullptr);
}

bool PoolKeeper::try_take(KeeperAnswer* answer) {
  while (socket_ && !hung_up_) {
    const KeeperRead read = try_read_keeper_answer(socket_.get(), answer);
    if (read == KeeperRead::kClosed) hung_up_ = true;
    if (read != KeeperRead::kTaken) return false;
    if (answer->news != KeeperNews::kHere) return true;
    said_hello_ = true;
  }
  return false;
}

bool PoolKeeper::gone() {
  if (!hung_up_) return false;
  if (!pidfd_) return true;
  if (!has_ended(pidfd_.get(), milliseconds(0))) return false;
  reap();
  return true;
}

bool PoolKeeper::end(milliseconds limit) {
  const bool was_dead = hung_up_;
  socket_.reset();  // for the keeper we are dead
  if (!pidfd_) return !was_dead;
  bool ended = has_ended(pidfd_.get(), limit);
  if (!ended) {
    send_signal(pidfd_.get(), SIGKILL);
    has_ended(pidfd_.get(), limit);
  }
  reap();
  return ended && !was_dead;
}

// Where the host is pid 1, or a subreaper, the keeper is its child, as all orphans are.
void PoolKeeper::reap() const {
  siginfo_t info{};
  ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG);
}

}  // namespace enjoin
