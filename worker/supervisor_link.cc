#include "worker/supervisor_link.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <poll.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "enjoin/error.h"
#include "worker/job_watch.h"

namespace enjoin {
namespace {

constexpr std::uint64_t kHoldBackNs = 10'000'000;
constexpr long kAgainNs = 5'000'000;

ipc::WorkerBlock* own_block = nullptr;
std::uint32_t own_keeper = 0;
volatile std::sig_atomic_t repeats = 0;
volatile std::sig_atomic_t somebody_died = 0;  // or a job says so: it is looked at

// The kernel sends it once, perhaps just before a write that blocks. The keeper repeats its own;
// when that is dead, nobody does.
void repeat_death_signal() {
  repeats = 1;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SupervisorLink::kDeathSignal;
  int timer = 0;
  const itimerspec often{{0, kAgainNs}, {0, kAgainNs}};
  // Straight to the kernel: we are in a signal handler.
  if (::syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0) return;
  ::syscall(SYS_timer_settime, timer, 0, &often, nullptr);
}

// Raising the bell makes a futex wait that is about to begin return at once; one that has begun is
// interrupted by the signal itself.
void on_death(int) {
  const int error = errno;
  if (repeats == 0 && static_cast<std::uint32_t>(::getppid()) != own_keeper) repeat_death_signal();
  somebody_died = 1;
  ipc::Bells::raise_only(*own_block);
  errno = error;
}

}  // namespace

SupervisorLink::SupervisorLink(const ipc::TeamMemory& memory, std::uint32_t worker,
                               ipc::UniqueFd socket, ipc::UniqueFd event, std::uint32_t keeper_pid)
    : bells_(memory),
      socket_(std::move(socket)),
      event_(std::move(event)),
      keeper_pid_(keeper_pid) {
  own_block = &memory.block(worker);
  own_keeper = keeper_pid;
  // Where our caller ignores it, children vanish unreaped.
  ::signal(SIGCHLD, SIG_DFL);
  struct sigaction action {};
  action.sa_handler = on_death;
  struct sigaction before {};
  ::sigaction(kDeathSignal, &action, &before);
  if (before.sa_handler == SIG_IGN) ignored_signal_ = kDeathSignal;
  if (::prctl(PR_SET_PDEATHSIG, kDeathSignal) != 0) {
    throw system_error("cannot ask for a signal at the keeper's death", errno);
  }
  sigset_t all_but_death;
  sigfillset(&all_but_death);
  sigdelset(&all_but_death, kDeathSignal);
  ::sigprocmask(SIG_SETMASK, &all_but_death, nullptr);
}

bool SupervisorLink::gone() {
  if (gone_) return true;
  if (somebody_died != 0) {
    somebody_died = 0;
    gone_ = supervisor_gone();
  }
  if (!gone_) gone_ = static_cast<std::uint32_t>(::getppid()) != keeper_pid_;
  return gone_;
}

bool SupervisorLink::supervisor_gone() {
  pollfd watched{socket_.get(), 0, 0};
  return ::poll(&watched, 1, 0) > 0 && (watched.revents & (POLLHUP | POLLERR)) != 0;
}

bool SupervisorLink::read() {
  char bytes[64];
  while (true) {
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0) continue;
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || errno != EAGAIN) gone_ = true;
    return !gone();
  }
}

bool SupervisorLink::ask_stdin(std::uint64_t ticket, std::uint32_t handle,
                               const std::function<bool()>& stop, ipc::StdinAnswer* answer,
                               std::span<ipc::UniqueFd> descriptors) {
  if (ipc::send_stdin_request(socket_.get(), {.ticket = ticket, .handle = handle}) != 0) {
    return gone_ = true, false;
  }
  while (!gone() && !stop()) {
    switch (ipc::try_read_stdin_answer(socket_.get(), answer, descriptors)) {
      case ipc::TicketRead::kTaken:
        if (answer->ticket == ticket) return true;
        for (ipc::UniqueFd& late : descriptors) late.reset();  // to a question that was given up
        break;
      case ipc::TicketRead::kNothing: {
        pollfd watched{socket_.get(), POLLIN, 0};
        ::poll(&watched, 1, -1);  // hangs up with the supervisor; cancellation writes to it
        break;
      }
      case ipc::TicketRead::kOther:
        break;
      case ipc::TicketRead::kClosed:
        gone_ = true;
    }
  }
  return false;
}

void SupervisorLink::tell_now() {
  held_back_ = false;
  last_told_ns_ = monotonic_ns();
  bells_.tell_supervisor(event_.get());
}

void SupervisorLink::news(bool urgent) {
  held_back_ = true;
  if (urgent || monotonic_ns() - last_told_ns_ >= kHoldBackNs) tell_now();
}

std::uint64_t SupervisorLink::news_due_in() {
  if (!held_back_) return 0;
  const std::uint64_t since = monotonic_ns() - last_told_ns_;
  return since >= kHoldBackNs ? 1 : kHoldBackNs - since;
}

}  // namespace enjoin
