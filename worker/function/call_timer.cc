#include "worker/function/call_timer.h"

#include <atomic>
#include <cerrno>
#include <csignal>

#include "enjoin/error.h"
#include "worker/job_watch.h"

namespace enjoin {
namespace {

// A ring of a pool's results has no use for what is left of output: the field holds the end of the
// running call's time, CLOCK_MONOTONIC, or 0.
std::atomic_ref<std::uint64_t> deadline_of(ipc::ResultsHeader& header) {
  return std::atomic_ref<std::uint64_t>(header.left.ticket);
}

itimerspec span(std::uint64_t ns) {
  itimerspec value{};
  value.it_value = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  return value;
}

}  // namespace

CallTimer::CallTimer(ipc::ResultsHeader& header) : header_(&header) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) {
    throw system_error("cannot make a timer for calls", errno);
  }
}

CallTimer::~CallTimer() {
  ::timer_delete(timer_);
}

void CallTimer::start(std::uint64_t timeout_ns) {
  deadline_of(*header_).store(monotonic_ns() + timeout_ns, std::memory_order_relaxed);
  const itimerspec value = span(timeout_ns);
  ::timer_settime(timer_, 0, &value, nullptr);
}

void CallTimer::stop() {
  const itimerspec never{};
  ::timer_settime(timer_, 0, &never, nullptr);
  deadline_of(*header_).store(0, std::memory_order_relaxed);
}

bool CallTimer::ran_out(const ipc::ResultsHeader& header) {
  const std::uint64_t deadline = deadline_of(const_cast<ipc::ResultsHeader&>(header)).load();
  return deadline != 0 && monotonic_ns() >= deadline;
}

}  // namespace enjoin
