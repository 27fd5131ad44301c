// Two executors in one epoll loop: step() takes what is there, and never waits.

#include <cerrno>
#include <cstdio>
#include <unistd.h>

#include <sys/epoll.h>

#include "enjoin/executor.h"

int main() {
  enjoin::Executor executors[2];
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  for (enjoin::Executor& executor : executors) {
    executor.add({.argv = {"echo", "from a job"}});
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &executor}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, executor.fd(), &event) != 0) return 1;
  }

  while (executors[0].unfinished() + executors[1].unfinished() > 0) {
    epoll_event ready[2];
    const int count = ::epoll_wait(epoll, ready, 2, -1);
    if (count < 0 && errno != EINTR) return 1;
    for (int i = 0; i < count; ++i) {
      auto* executor = static_cast<enjoin::Executor*>(ready[i].data.ptr);
      executor->step();
      while (auto report = executor->try_take()) {
        std::printf("executor %d: %s", static_cast<int>(executor - executors), report->out.c_str());
      }
    }
  }
  ::close(epoll);
}
