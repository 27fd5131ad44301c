#include "worker/job_watch.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <poll.h>
#include <unistd.h>

#include <sys/syscall.h>
#include <sys/wait.h>

#include "ipc/check.h"
#include "worker/capture.h"
#include "worker/job_init.h"
#include "worker/process_tree.h"

namespace enjoin {
namespace {

constexpr idtype_t kByPidfd = static_cast<idtype_t>(3);  // P_PIDFD, Linux 5.4

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// waitid of the kernel, which unlike glibc's also tells the resources.
long wait_child(int pidfd, siginfo_t* info, int options, rusage* use) {
  return ::syscall(SYS_waitid, kByPidfd, pidfd, info, options, use);
}

}  // namespace

std::uint64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}
std::uint64_t realtime_ns() {
  return clock_ns(CLOCK_REALTIME);
}

JobEnd JobWatch::wait(Child& child, std::uint64_t ticket, std::uint64_t started_ns,
                      std::uint64_t own_timeout_ns) {
  child_ = &child;
  ticket_ = ticket;
  started_ns_ = started_ns;
  own_timeout_ns_ = own_timeout_ns;
  suspended_since_ = 0;
  stopping_ = false;
  at_once_ = false;
  step_ = 0;
  std::uint64_t now = started_ns;
  next_tick_ns_ = now + std::max<std::uint64_t>(host_.tick(), 1);
  do {
    if (poll_until_ended(now)) break;
    now = monotonic_ns();
    follow_suspension();
    consider_stopping(now);
    if (stopping_ && now >= next_step_ns_) climb(now);
    if (next_tick_ns_ != 0 && now >= next_tick_ns_) {
      const std::uint64_t again = host_.tick();
      next_tick_ns_ = again == 0 ? 0 : now + again;
    }
  } while (true);
  return reap();
}

// One wait. True: the job has ended.
bool JobWatch::poll_until_ended(std::uint64_t now) {
  pollfd watched[5] = {{child_->pidfd.get(), POLLIN, 0},
                       {host_.control_fd(), POLLIN, 0},
                       {host_.pipe_fd(kStdout), POLLIN, 0},
                       {host_.pipe_fd(kStderr), POLLIN, 0},
                       host_.feed_wants()};
  std::uint64_t until = 0;
  const auto consider = [&until](std::uint64_t at) {
    if (at != 0) until = until == 0 ? at : std::min(until, at);
  };
  consider(next_tick_ns_);
  if (stopping_) consider(next_step_ns_);
  if (!stopping_ && suspended_since_ == 0) {
    const std::uint64_t limit = host_.timeout_ns(own_timeout_ns_);
    if (limit != 0) consider(started_ns_ + limit);
  }
  const std::uint64_t left = until > now ? until - now : 0;
  const timespec span{static_cast<time_t>(left / 1'000'000'000),
                      static_cast<long>(left % 1'000'000'000)};
  const int ready = ::ppoll(watched, 5, until == 0 ? nullptr : &span, nullptr);
  if (ready < 0) {  // the bell of the supervisor's death
    if (errno != EINTR) return look_without_poll();
    watched[1].revents = POLLIN;
  }
  if (watched[1].revents != 0 && !host_.read_control()) {
    // The supervisor is gone: nobody waits for this job any more.
    why_ = ipc::EndKind::kCanceled;
    stopping_ = true;
    step_ = ladder_.size();
    next_step_ns_ = now;
  }
  for (int stream : {kStdout, kStderr}) {
    if (ready <= 0 || watched[2 + stream].revents == 0) continue;
    host_.pump(stream);
    if (next_tick_ns_ == 0) next_tick_ns_ = 1;  // at once: what came may be printed now
  }
  if (ready > 0 && watched[4].revents != 0) host_.feed();
  return ready > 0 && watched[0].revents != 0;
}

// The kernel has no memory for a poll. True: the job has ended.
bool JobWatch::look_without_poll() {
  const timespec pause{0, 1'000'000};
  ::nanosleep(&pause, nullptr);
  for (int stream : {kStdout, kStderr}) {
    if (host_.pipe_fd(stream) >= 0) host_.pump(stream);
  }
  if (host_.feed_wants().fd >= 0) host_.feed();
  siginfo_t info{};
  return wait_child(child_->pidfd.get(), &info, WEXITED | WNOHANG | WNOWAIT, nullptr) == 0 &&
         info.si_pid != 0;
}

void JobWatch::consider_stopping(std::uint64_t now) {
  const WatchHost::Stop wanted = host_.stop_wanted(ticket_);
  if (wanted == WatchHost::Stop::kNow && !at_once_) {
    if (!stopping_) why_ = ipc::EndKind::kCanceled;
    stopping_ = true;
    at_once_ = true;  // also where the ladder's last step is still waiting
    step_ = ladder_.size();
    next_step_ns_ = now;
  }
  if (stopping_) return;
  const std::uint64_t limit = host_.timeout_ns(own_timeout_ns_);
  const bool timed_out = limit != 0 && suspended_since_ == 0 && now >= started_ns_ + limit;
  if (!timed_out && wanted == WatchHost::Stop::kNo) return;
  why_ = timed_out ? ipc::EndKind::kTimedOut : ipc::EndKind::kCanceled;
  stopping_ = true;
  next_step_ns_ = now;
}

void JobWatch::climb(std::uint64_t now) {
  const StopStep step = step_ < ladder_.size() ? ladder_[step_] : StopStep{SIGKILL, 100};
  signal_group(step.signal);
  // A stopped job hears nothing else. Others are not told to go on: they may have a trap for it.
  const bool stands_still = suspended_since_ != 0 || (!child_->init && is_stopped(child_->pid));
  if (step.signal != SIGKILL && stands_still) {
    signal_group(SIGCONT);
  }
  next_step_ns_ = now + std::uint64_t{step.wait_ms} * 1'000'000;
  if (step_ < ladder_.size()) ++step_;
}

// Not reaped yet, so the numbers are still the job's. The leader may have left its group.
void JobWatch::signal_group(int signal) {
  if (child_->init && signal != SIGKILL && tell_init(*child_, signal)) return;
  // An init takes all that is in its namespace along.
  if (::kill(-child_->pid, signal) != 0) ::kill(child_->pid, signal);
}

// The terminal's ^Z reaches us, not the jobs in groups of their own. While they stand still, so
// does their clock.
void JobWatch::follow_suspension() {
  const bool wanted = host_.suspended();
  if (wanted == (suspended_since_ != 0)) return;
  if (wanted) {
    suspended_since_ = monotonic_ns();
    signal_group(SIGSTOP);
  } else {
    started_ns_ += monotonic_ns() - suspended_since_;
    suspended_since_ = 0;
    signal_group(SIGCONT);
  }
}

// The leader has ended, by the ladder or meanwhile; the others of its group get their time as well.
void JobWatch::let_group_end() {
  constexpr int kPauseMs = 2;
  while (group_outlives(child_->pid)) {
    pollfd control{host_.control_fd(), POLLIN, 0};
    if (::poll(&control, 1, kPauseMs) > 0 && !host_.read_control()) return;
    const std::uint64_t now = monotonic_ns();
    consider_stopping(now);
    if (now < next_step_ns_) continue;
    if (step_ >= ladder_.size() || ladder_[step_].signal == SIGKILL) return;
    climb(now);
  }
}

JobEnd JobWatch::reap() {
  if (stopping_ && !at_once_) let_group_end();
  if (stopping_) ::kill(-child_->pid, SIGKILL);
  JobEnd end;
  siginfo_t info{};
  while (wait_child(child_->pidfd.get(), &info, WEXITED, &end.use) != 0) {
    ENJOIN_CHECK(errno == EINTR, errno, child_->pid);
  }
  end.end_ns = monotonic_ns();
  end.code = info.si_status;
  bool exited = info.si_code == CLD_EXITED;
  if (info.si_code == CLD_DUMPED) end.flags |= ipc::kResultCoreDumped;
  if (child_->init) exited = take_report(&end);
  end.kind = exited ? ipc::EndKind::kExited : ipc::EndKind::kSignaled;
  if (stopping_) {
    end.kind = why_;
    if (exited) end.flags |= ipc::kResultExitedOnStop;
  }
  child_->pid = -1;
  child_->pidfd.reset();
  child_->init.reset();
  return end;
}

// What the init of an isolated job said of its leader. Where it was killed before it could, so was
// the leader. True: the leader exited.
bool JobWatch::take_report(JobEnd* end) {
  end->flags = 0;
  const std::optional<InitReport> report = read_init(*child_, InitWait::kNo);
  if (!report) {
    end->code = SIGKILL;
    return false;
  }
  end->use = report->use;
  if (report->leftovers != 0) end->flags |= ipc::kResultLeftovers;
  if (WIFSIGNALED(report->status)) {
    end->code = WTERMSIG(report->status);
    if (WCOREDUMP(report->status)) end->flags |= ipc::kResultCoreDumped;
    return false;
  }
  end->code = WEXITSTATUS(report->status);
  return true;
}

}  // namespace enjoin
